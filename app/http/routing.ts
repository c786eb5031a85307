// Routing: each route declares what it is where it is added, and one matcher finds the route of a request.
import { must } from "../../db/must.ts";
import { Problem } from "./problems.ts";

/** Every route of the API exists below both, with the same bytes. */
export const PREFIXES = ["/api", "/v1"] as const;

/** The rate limit that counts the requests of a client; `free`: none. */
export type Counting = "request" | "sign-in" | "free";

/** An event whose outcomes the metrics count. */
export type RouteEvent = "registration" | "login" | "like" | "order";

/** A public route is a GET with the same answer for every client: pages of any origin may read it, and no limit counts it. */
type Declaration = { public: true; takesTurns?: true } | { counts: Counting; event?: RouteEvent };

/** The declaration as one of a route's options, beside `who`. */
export const facts = (declared: Declaration) => ({ facts: declared });

/** A route of the application; its hooks contain its declaration. */
export type Route = { method: string; path: string; hooks: object };

/** The properties of a request that follow from its method and path. */
export type RouteFacts = {
  /** The pattern of the path without its prefix, or `other`; bounded by the number of routes. */
  name: string;
  /** Whether a route has this method and path. */
  isThere: boolean;
  isPublic: boolean;
  /** Whether its client must be known: limits count it, its address decides, or clients take turns. */
  hasClient: boolean;
  counts: Counting;
  event: RouteEvent | null;
};

export type Routing = {
  /** The facts of a request with this path. A preflight is as public as the request that it announces. */
  of(request: Request, pathname: string): RouteFacts;
  /** The facts of a method and a path; a HEAD has those of the GET. */
  find(method: string, pathname: string): RouteFacts;
  /** The methods that an address supports, including HEAD and OPTIONS; empty when no route has this path. */
  methodsOf(pathname: string): string[];
};

/** The name of every address without a route. */
const OTHER = "other";

/** Opens the matcher; throws for a route without a declaration. */
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
    const parts = pathname.split("/");
    const found = byLength.get(parts.length)?.filter((pattern) => fits(pattern, parts)) ?? [];
    return found.concat(rests.filter((pattern) => fits(pattern, parts)));
  };

  const find = (method: string, pathname: string): RouteFacts => {
    const found = fitting(pathname);
    const routeMethod = method === "HEAD" ? "GET" : method;
    const pattern = found.find(({ byMethod }) => byMethod.has(routeMethod));
    const known = pattern?.byMethod.get(routeMethod);
    // Below the API prefixes only the static files' `/*` may match, which seldom has such a file: count it as an unknown address.
    const isBelow = isBelowPrefix(pathname);
    if (known && !(pattern?.isRest && isBelow)) return known;
    const [first] = found;
    const name = first === undefined || (first.isRest && isBelow) ? OTHER : first.name;
    return { ...unmatched(method, pathname, name), isThere: known !== undefined };
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

/** The response to OPTIONS without its CORS headers. Throws the `Problem` 404 when the address supports no method. */
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

/** The `Problem` of a request without a route: 405 with the methods that its address supports, 404 when it supports none. */
export const noRoute = (method: string, methods: string[]): Problem =>
  methods.length === 0
    ? new Problem("not-found", "there is nothing at this address")
    : new Problem("method-not-allowed", `${method} is not allowed here`, [], { allow: methods.join(", ") });

/** The facts that a route declares. Throws for a route without a declaration and for a public one that is not a GET. */
export function factsOf({ method, path, hooks }: Route): RouteFacts {
  const { facts: declared } = hooks as { facts?: Declaration };
  if (declared === undefined)
    throw new Error(`${method} ${path} does not declare what it is: public, or how it is counted`);
  const name = withoutPrefix(path);
  if (!("public" in declared))
    return {
      name,
      isThere: true,
      isPublic: false,
      hasClient: true,
      counts: declared.counts,
      event: declared.event ?? null,
    };
  if (method !== "GET") throw new Error(`${method} ${path} is declared public, which only a GET can be`);
  const hasClient = declared.takesTurns === true;
  return { name, isThere: true, isPublic: true, hasClient, counts: "free", event: null };
}

/** The facts of a request without a route: limits count it below the prefixes, and elsewhere unless it is a read. */
function unmatched(method: string, pathname: string, name: string): RouteFacts {
  const isRead = method === "GET" || method === "HEAD";
  const isFree = method === "OPTIONS" || (isRead && !isBelowPrefix(pathname));
  return {
    name,
    isThere: false,
    isPublic: false,
    hasClient: true,
    counts: isFree ? "free" : "request",
    event: null,
  };
}

/** A path of a route: `:id` stands for one segment, a last `*` for one or more. */
type Pattern = {
  name: string;
  /** Without a last `*`. */
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

const fits = ({ segments, isRest }: Pattern, parts: string[]): boolean =>
  (!isRest || parts.length > segments.length) &&
  segments.every((segment, index) => (isParameter(segment) ? parts[index] !== "" : segment === parts[index]));

const isParameter = (segment: string): boolean => segment.startsWith(":");

/** Compares two patterns of one length: at their first difference a fixed segment comes before a parameter. */
function bySpecificity(a: Pattern, b: Pattern): number {
  for (const [index, segment] of a.segments.entries()) {
    const order = Number(isParameter(segment)) - Number(isParameter(must(b.segments[index], "a segment")));
    if (order !== 0) return order;
  }
  return 0;
}

const isBelowPrefix = (path: string): boolean => PREFIXES.some((prefix) => path.startsWith(`${prefix}/`));

/** The path of a route without the prefix that it has twins for: `/shoes/a` for `/api/shoes/a` and `/v1/shoes/a`. */
export function withoutPrefix(path: string): string {
  const prefix = PREFIXES.find((each) => path.startsWith(`${each}/`));
  return prefix === undefined ? path : path.slice(prefix.length);
}
