// The walk of a request, top to bottom.
import { Elysia } from "elysia";
import { type AccountServices, accountRoutes } from "./accounts/routes.ts";
import { BODY_BYTES_MAX } from "./body.ts";
import { respond } from "./cache/respond.ts";
import { allowedMethods, preflight } from "./methods.ts";
import { docsRoutes } from "./ops/docs.ts";
import type { Log } from "./ops/log.ts";
import { pageRoutes } from "./ops/pages.ts";
import { opsRoutes } from "./ops/routes.ts";
import type { Status } from "./ops/status.ts";
import { Problem, problemResponse } from "./problems.ts";
import { toProblem } from "./refusals.ts";
import { keepRequestId, requestIdOf, takeRequestId } from "./request-id.ts";
import { likeRoutes } from "./shoes/like-routes.ts";
import { catalogueRoutes, pictureRoutes } from "./shoes/routes.ts";
import { readShowcase } from "./shoes/showcase.ts";
import { catalogueWriteRoutes, type WriteServices } from "./shoes/write-routes.ts";

export type Services = AccountServices &
  WriteServices & {
    status: Status;
    log: Log;
    publicDir: string | null;
    /** Share of quick successful public GETs that are logged. */
    logSample: number;
  };

/** Addresses with their query; longer ones are refused. */
const URL_LENGTH_MAX = 8_192;
const SLOW_MS = 1_000;

/** Builds the shop's one entrance: from a request to its answer. */
export function openServer(services: Services): (request: Request) => Response | Promise<Response> {
  const { cache, log, logSample, versions, look } = services;
  const app = routes(services);

  return function walk(request) {
    const requestId = takeRequestId(request.headers.get("x-request-id"));
    const { method } = request;
    const since = method === "GET" || method === "HEAD" ? versions.sinceOf(request.headers) : 0;
    if (since > versions.position()) look();
    if (method === "GET") {
      const entry = cache.find(cacheKey(request.url), since);
      if (entry) {
        if (logSample > 0 && Math.random() < logSample) log.info("hit", { url: request.url, requestId });
        return respond(entry, request, "hit", requestId);
      }
    }
    keepRequestId(request, requestId);
    return answer(app, request, requestId, services);
  };
}

/** What stands below `/api/` or `/v1/`, else the path from its first slash: a canonical one is the key of its answer. */
function cacheKey(url: string): string {
  const path = url.indexOf("/", 8);
  if (url.startsWith("/api/", path)) return url.slice(path + 5);
  return url.slice(url.startsWith("/v1/", path) ? path + 4 : path);
}

async function answer(app: App, request: Request, requestId: string, services: Services): Promise<Response> {
  const startedAt = performance.now();
  const { url, method } = request;
  const response = await guarded(app, request, requestId, services);
  const ms = performance.now() - startedAt;
  response.headers.set("x-request-id", requestId);
  response.headers.set("x-content-type-options", "nosniff");
  if (!response.headers.get("cache-status")?.includes("hit"))
    response.headers.set("server-timing", `app;dur=${ms.toFixed(2)}`);
  const isQuiet = response.status < 400 && ms < SLOW_MS;
  if (!isQuiet || Math.random() < services.logSample)
    services.log[response.status >= 500 ? "error" : "info"](method, {
      url: url.slice(0, URL_LENGTH_MAX),
      status: response.status,
      ms: Math.round(ms * 10) / 10,
      requestId,
    });
  return response;
}

async function guarded(app: App, request: Request, requestId: string, { log }: Services): Promise<Response> {
  const isUrl = URL.canParse(request.url);
  const pathname = isUrl ? new URL(request.url).pathname : "/";
  try {
    // The server makes the address from the Host header, whatever stands in that.
    if (!isUrl) throw new Problem("invalid-request", "the Host header is not the name of a host");
    if (request.url.length > URL_LENGTH_MAX)
      throw new Problem("invalid-request", `an address must have at most ${URL_LENGTH_MAX} characters`);
    if (!isWellFormed(pathname)) throw new Problem("invalid-request", "the address is not well-formed UTF-8");
    if (Number(request.headers.get("content-length") ?? 0) > BODY_BYTES_MAX)
      throw new Problem("payload-too-large", `a body must have at most ${BODY_BYTES_MAX} bytes`);
    if (request.method === "OPTIONS") return preflight(app.routes, pathname);
    // A HEAD is answered as its GET; the server leaves the body out.
    const isHead = request.method === "HEAD";
    return await app.handle(isHead ? asGet(request, requestId) : request);
  } catch (thrown) {
    return refuse(thrown, request, pathname, log);
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

function asGet(request: Request, requestId: string): Request {
  const get = new Request(request.url, { method: "GET", headers: request.headers });
  keepRequestId(get, requestId);
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

/** Every route of the shop, each with its guard. */
export function routes(services: Services) {
  const { log, status } = services;
  const catalogue = catalogueRoutes(services);
  const accounts = accountRoutes(services);
  const writes = catalogueWriteRoutes(services);
  const likes = likeRoutes(services);
  const app = new Elysia({
    name: "insole",
    strictPath: true,
    // Hosts with names of less than four letters too.
    handler: { standardHostname: false },
  })
    .onError(({ error, code, request }) => {
      const { pathname } = new URL(request.url);
      if (code !== "NOT_FOUND") return refuse(error, request, pathname, log);
      const allowed = allowedMethods(app.routes, pathname);
      const problem =
        allowed.length > 0
          ? new Problem("method-not-allowed", `${request.method} is not for this address`, [], {
              allow: allowed.join(", "),
            })
          : new Problem("not-found", "there is nothing at this address");
      return refuse(problem, request, pathname, log);
    })
    .group("/api", (api) => api.use(catalogue).use(accounts).use(writes).use(likes))
    .group("/v1", (api) => api.use(catalogue).use(accounts).use(writes).use(likes))
    .use(pictureRoutes(services))
    .use(opsRoutes(status))
    .use(docsRoutes())
    .use(pageRoutes(services.publicDir, () => readShowcase(services.db, services.shop)));
  return app;
}
