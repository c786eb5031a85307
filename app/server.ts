// The walk of a request, top to bottom.
import { Elysia } from "elysia";
import { accountRoutes } from "./accounts/routes.ts";
import { keyOfUrl } from "./cache/key.ts";
import { respond } from "./cache/respond.ts";
import { BODY_BYTES_MAX } from "./http/body.ts";
import { toProblem } from "./http/problem-of.ts";
import { Problem, problemResponse } from "./http/problems.ts";
import { keepRequestId, requestIdOf, takeRequestId } from "./http/request-id.ts";
import { answerOptions, noRoute, openRouting, type RouteFacts, type Routing } from "./http/routing.ts";
import { likeRoutes } from "./likes/routes.ts";
import type { Clients, Peer } from "./limits/client.ts";
import { countRequest } from "./limits/count.ts";
import { type Count, limitHeaders, tooMany } from "./limits/limits.ts";
import type { Log } from "./log.ts";
import type { CacheKind } from "./ops/counters.ts";
import { openMetrics } from "./ops/metrics.ts";
import { opsRoutes } from "./ops/routes.ts";
import { docsRoutes } from "./pages/docs.ts";
import { pageRoutes } from "./pages/routes.ts";
import type { Services } from "./services.ts";
import { readShowcase } from "./shoes/list/showcase.ts";
import { catalogueRoutes, pictureRoutes } from "./shoes/routes.ts";
import { catalogueWriteRoutes } from "./shoes/write/routes.ts";

/** Addresses with their query; longer ones are refused. */
const URL_LENGTH_MAX = 8_192;
const SLOW_MS = 1_000;

/** Builds the shop's one entrance: from a request to its answer. */
export function openServer(
  services: Services,
): (request: Request, peer?: Peer) => Response | Promise<Response> {
  const { cache, log, logSample, versions, look, counters, edge } = services;
  const app = routes(services);
  const routing = openRouting(app.routes);

  return function walk(request, peer) {
    const requestId = takeRequestId(request.headers.get("x-request-id"));
    const { method } = request;
    const since = method === "GET" || method === "HEAD" ? versions.sinceOf(request.headers) : 0;
    if (since > versions.position()) look();
    // On a node the copy may lag behind what this client has seen.
    if (since > versions.position()) return waited(request, requestId, peer, since);
    return found(request, requestId, since) ?? computed(request, requestId, peer);
  };

  function found(request: Request, requestId: string, since: number): Response | undefined {
    const entry = request.method === "GET" ? cache.find(keyOfUrl(request.url), since) : undefined;
    if (entry === undefined) return undefined;
    if (logSample > 0 && Math.random() < logSample) log.info("hit", { url: request.url, requestId });
    const response = respond(entry, request, "hit", requestId);
    if (edge !== null && isShortLived(entry.plain.headers)) edge.tell(response.headers);
    return counters.fromMemory(response);
  }

  async function waited(request: Request, requestId: string, peer: Peer | undefined, since: number) {
    await versions.catchUp(since);
    look();
    const isHere = since <= versions.position();
    return (isHere && found(request, requestId, since)) || computed(request, requestId, peer);
  }

  function computed(request: Request, requestId: string, peer: Peer | undefined): Promise<Response> {
    keepRequestId(request, requestId);
    return answer(request, requestId, peer, { app, services, routing });
  }
}

async function answer(
  request: Request,
  requestId: string,
  peer: Peer | undefined,
  walk: Walk,
): Promise<Response> {
  const { services, routing } = walk;
  const startedAt = performance.now();
  const { url, method } = request;
  const parsed = URL.parse(url);
  const isUrl = parsed !== null;
  const pathname = parsed?.pathname ?? "/";
  const route = routing.find(method, pathname);
  // Now: an answered request has no address any more.
  if (!route.isPublic) services.clients.keep(request, peer?.requestIP(request)?.address);
  const count = route.counts === "free" ? null : await countRequest(request, route.counts, services);
  const response = await guarded(request, { isUrl, pathname, route, count }, walk);
  const { headers, status } = response;
  const ms = performance.now() - startedAt;
  headers.set("x-request-id", requestId);
  const cacheStatus = headers.get("cache-status");
  // What comes finished from the catalogue has its headers.
  if (cacheStatus === null || status >= 400)
    services.headers.finish(headers, request, isReadByAnyPage(request, pathname, route, routing));
  else if (services.edge !== null && isShortLived(headers)) services.edge.tell(headers);
  if (count) for (const [name, value] of limitHeaders(count)) headers.set(name, value);
  if (!cacheStatus?.includes("hit")) headers.set("server-timing", `app;dur=${ms.toFixed(2)}`);
  const cache = route.isPublic ? cacheKindOf(status, cacheStatus) : null;
  const { name, event } = route;
  services.counters.add({ route: name, method, status, seconds: ms / 1_000, cache, event });
  const isQuiet = status < 400 && ms < SLOW_MS;
  if (!isQuiet || Math.random() < services.logSample)
    services.log[status >= 500 ? "error" : "info"](method, {
      url: url.slice(0, URL_LENGTH_MAX),
      status,
      ms: Math.round(ms * 10) / 10,
      requestId,
    });
  return response;
}

/** A preflight asks for the method that its page sends next. */
function isReadByAnyPage(request: Request, pathname: string, route: RouteFacts, routing: Routing): boolean {
  if (request.method !== "OPTIONS") return route.isPublic;
  const method = request.headers.get("access-control-request-method") ?? "GET";
  return routing.find(method, pathname).isPublic;
}

/** Pictures say for themselves how long they are kept. */
const isShortLived = (headers: Headers): boolean =>
  headers.get("cache-control")?.includes("s-maxage=1,") ?? false;

function cacheKindOf(status: number, cacheStatus: string | null): CacheKind | null {
  if (status === 404) return "missing";
  if (cacheStatus === null) return null;
  // One that had to be computed to be compared did not come from memory.
  if (!cacheStatus.includes("hit")) return "miss";
  return status === 304 ? "not-modified" : "hit";
}

type Asked = { isUrl: boolean; pathname: string; route: RouteFacts; count: Count | null };

async function guarded(
  request: Request,
  { isUrl, pathname, route, count }: Asked,
  { app, services, routing }: Walk,
): Promise<Response> {
  try {
    if (count?.isOver) throw tooMany(count, services.now());
    // The server makes the address from the Host header, whatever stands in that.
    if (!isUrl) throw new Problem("invalid-request", "the Host header is not the name of a host");
    if (request.url.length > URL_LENGTH_MAX)
      throw new Problem("invalid-request", `an address must have at most ${URL_LENGTH_MAX} characters`);
    if (!isWellFormed(pathname)) throw new Problem("invalid-request", "the address is not well-formed UTF-8");
    if (Number(request.headers.get("content-length") ?? 0) > BODY_BYTES_MAX)
      throw new Problem("payload-too-large", `a body must have at most ${BODY_BYTES_MAX} bytes`);
    if (request.method === "OPTIONS") return answerOptions(routing.methodsOf(pathname));
    if (!route.isThere) throw noRoute(request.method, routing.methodsOf(pathname));
    // A HEAD is answered as its GET; the server leaves the body out.
    const isHead = request.method === "HEAD";
    return await app.fetch(isHead ? asGet(request, services.clients) : request);
  } catch (thrown) {
    return refuse(thrown, request, pathname, services.log);
  }
}

function isWellFormed(pathname: string): boolean {
  try {
    decodeURIComponent(pathname);
    return true;
  } catch {
    return false;
  }
}

function asGet(request: Request, clients: Clients): Request {
  const get = new Request(request.url, { method: "GET", headers: request.headers });
  keepRequestId(get, requestIdOf(request));
  clients.same(request, get);
  return get;
}

/** The one place where anything thrown becomes an answer. */
function refuse(thrown: unknown, request: Request, pathname: string, log: Log): Response {
  const requestId = requestIdOf(request);
  const problem = toProblem(thrown);
  if (problem.type === "internal-error")
    log.error("unexpected error", {
      requestId,
      error: thrown instanceof Error ? (thrown.stack ?? "") : String(thrown),
    });
  return problemResponse(problem, pathname, requestId, new Date());
}

type App = ReturnType<typeof routes>;

type Walk = { app: App; services: Services; routing: Routing };

/** Every route of the shop, each with its guard. */
export function routes(services: Services) {
  const { log } = services;
  const catalogue = catalogueRoutes(services);
  const accounts = accountRoutes(services);
  const writes = catalogueWriteRoutes(services);
  const likes = likeRoutes(services);
  const makeDocument = async (): Promise<string> => (await import("./document.ts")).documentOf(app.routes);
  const app = new Elysia({
    name: "insole",
    strictPath: true,
    // Hosts with names of less than four letters too.
    handler: { standardHostname: false },
  })
    .onError(({ error, code, request }) => {
      const { pathname } = new URL(request.url);
      return refuse(code === "NOT_FOUND" ? noRoute(request.method, []) : error, request, pathname, log);
    })
    .group("/api", (api) => api.use(catalogue).use(writes).use(likes).use(accounts))
    .group("/v1", (api) => api.use(catalogue).use(writes).use(likes).use(accounts))
    .use(pictureRoutes(services))
    .use(opsRoutes({ ...services, metrics: openMetrics(services) }))
    .use(docsRoutes(makeDocument))
    .use(pageRoutes(services.publicDir, () => readShowcase(services.db, services.shop)));
  return app;
}
