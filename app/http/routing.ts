// What a route is, declared where it is added, and the one matcher that finds the route of a request.
import { Problem } from "./problems.ts";

/** Every route of the API exists below both, with the same bytes. */
export const PREFIXES = ["/api", "/v1"] as const;

/** By which limit the requests of a client are counted; `free`: by none. */
export type Counting = "request" | "sign-in" | "free";

/** What the metrics count by its outcome. */
export type RouteEvent = "registration" | "login" | "like";

/** A public route is a GET that answers everybody the same: any page may read it, and no client is counted. */
export type Declaration = { public: true } | { counts: Counting; event?: RouteEvent };

/** Declares among a route's options, beside `who`, what the route is. */
export const facts = (declared: Declaration) => ({ facts: declared });

/** A route as it was added; its declaration is among the hooks. */
export type Route = { method: string; path: string; hooks: object };

/** What is known of a request by its method and path. */
export type RouteFacts = {
  /** The pattern of the path without its prefix, or `other`: as many values as there are routes. */
  name: string;
  /** Whether a route takes this method here. */
  isThere: boolean;
  isPublic: boolean;
  counts: Counting;
  event: RouteEvent | null;
};

export type Routing = {
  /** The facts of a request at this path. A preflight is as public as the request that its page sends next. */
  of(request: Request, pathname: string): RouteFacts;
  /** The facts of a method and a path; a HEAD has those of the GET. */
  find(method: string, pathname: string): RouteFacts;
  /** The methods that an address takes, HEAD and OPTIONS among them; empty where there is no such address. */
  methodsOf(pathname: string): string[];
};

/** The name of every address that is not there. */
const OTHER = "other";

/** Opens the matcher; throws for a route that does not declare what it is. */
export function openRouting(routes: readonly Route[]): Routing {
  const patterns = new Map<string, Pattern>();
  for (const route of routes) {
    const pattern = patterns.get(route.path) ?? openPattern(route.path);
    pattern.byMethod.set(route.method, factsOf(route));
    patterns.set(route.path, pattern);
  }
  const rests = [...patterns.values()].filter(({ isRest }) => isRest);
  rests.sort((a, b) => b.segments.length - a.segments.length);
  const exact = [...patterns.values()].filter(({ isRest }) => !isRest);
  const byLength = Map.groupBy(exact, ({ segments }) => segments.length);
  for (const patterns of byLength.values()) patterns.sort(bySpecificity);

  const fitting = (pathname: string): Pattern[] => {
    const given = pathname.split("/");
    const found = byLength.get(given.length)?.filter((pattern) => fits(pattern, given)) ?? [];
    return found.concat(rests.filter((pattern) => fits(pattern, given)));
  };

  const find = (method: string, pathname: string): RouteFacts => {
    const found = fitting(pathname);
    const asked = method === "HEAD" ? "GET" : method;
    const pattern = found.find(({ byMethod }) => byMethod.has(asked));
    const known = pattern?.byMethod.get(asked);
    // Below the prefixes a folder's files are but addresses that are probably not there.
    const isBelow = isBelowPrefix(pathname);
    if (known && !(pattern?.isRest && isBelow)) return known;
    const [first] = found;
    const name = first === undefined || (first.isRest && isBelow) ? OTHER : first.name;
    return { ...nothing(method, pathname, name), isThere: known !== undefined };
  };

  return {
    find,
    of({ method, headers }, pathname) {
      const known = find(method, pathname);
      if (method !== "OPTIONS") return known;
      const next = headers.get("access-control-request-method") ?? "GET";
      return { ...known, isPublic: find(next, pathname).isPublic };
    },
    methodsOf(pathname) {
      const methods = new Set(fitting(pathname).flatMap(({ byMethod }) => [...byMethod.keys()]));
      if (methods.has("GET")) methods.add("HEAD");
      if (methods.size > 0) methods.add("OPTIONS");
      return [...methods].sort();
    },
  };
}

/** The answer to OPTIONS, without what only browsers ask for. Throws the `Problem` 404 where there is no such address. */
export function answerOptions(methods: string[]): Response {
  if (methods.length === 0) throw noRoute("OPTIONS", methods);
  return new Response(null, {
    status: 204,
    headers: {
      allow: methods.join(", "),
      "cache-control": "private, no-store",
    },
  });
}

/** The refusal of a request without a route, at an address that takes these methods: 405, or 404 where it takes none. */
export const noRoute = (method: string, methods: string[]): Problem =>
  methods.length === 0
    ? new Problem("not-found", "there is nothing at this address")
    : new Problem("method-not-allowed", `${method} is not allowed here`, [], { allow: methods.join(", ") });

/** The facts that a route declares. Throws when it declares none, or a write as public. */
export function factsOf({ method, path, hooks }: Route): RouteFacts {
  const { facts: declared } = hooks as { facts?: Declaration };
  if (declared === undefined)
    throw new Error(`${method} ${path} does not declare what it is: public, or how it is counted`);
  const name = withoutPrefix(path);
  if (!("public" in declared))
    return { name, isThere: true, isPublic: false, counts: declared.counts, event: declared.event ?? null };
  if (method !== "GET") throw new Error(`${method} ${path} is declared public, which only a GET can be`);
  return { name, isThere: true, isPublic: true, counts: "free", event: null };
}

/** A request without a route is counted below the prefixes, and everywhere if it is no read. */
function nothing(method: string, pathname: string, name: string): RouteFacts {
  const isRead = method === "GET" || method === "HEAD";
  const isFree = method === "OPTIONS" || (isRead && !isBelowPrefix(pathname));
  return { name, isThere: false, isPublic: false, counts: isFree ? "free" : "request", event: null };
}

/** A path of a route: `:id` stands for one segment, a last `*` for one or more. */
type Pattern = {
  name: string;
  /** Without the last one where that is `*`. */
  segments: string[];
  isRest: boolean;
  byMethod: Map<string, RouteFacts>;
};

function openPattern(path: string): Pattern {
  const segments = path.split("/");
  const isRest = segments.at(-1) === "*";
  if (isRest) segments.pop();
  return { name: withoutPrefix(path), segments, isRest, byMethod: new Map() };
}

const fits = ({ segments, isRest }: Pattern, given: string[]): boolean =>
  (!isRest || given.length > segments.length) &&
  segments.every((segment, at) => (isParameter(segment) ? given[at] !== "" : segment === given[at]));

const isParameter = (segment: string): boolean => segment.startsWith(":");

/** Where patterns of one length differ in it, a word comes before a parameter. */
function bySpecificity(a: Pattern, b: Pattern): number {
  const at = a.segments.findIndex(
    (segment, index) => isParameter(segment) !== isParameter(b.segments[index] ?? ""),
  );
  return at === -1 ? 0 : isParameter(a.segments[at] ?? "") ? 1 : -1;
}

const isBelowPrefix = (path: string): boolean => PREFIXES.some((prefix) => path.startsWith(`${prefix}/`));

function withoutPrefix(path: string): string {
  const prefix = PREFIXES.find((each) => path.startsWith(`${each}/`));
  return prefix === undefined ? path : path.slice(prefix.length);
}
