// The door's HTTP server: which path leads where, by the request's target as it was sent.
import { isOfThisMachine, readAddress } from "./address.ts";
import { BODY_BYTES_CUT_OFF } from "./body.ts";
import type { DoorMessage } from "./messages.ts";
import type { Metric } from "./metric.ts";
import { renderMetrics } from "./metrics.ts";
import { refuse } from "./refusal.ts";
import type { RequestCounts } from "./request-counts.ts";
import type { Route } from "./routes.ts";

export type Listener = {
  url: string;
  /** Listens no more; `isHard` also closes all connections. Resolves when none is left. */
  stop(isHard?: boolean): Promise<void>;
};

export type ListenerTimings = {
  /** A connection on which nothing happens is closed after this time; held requests last a second. */
  idleSeconds: number;
  /** The same for requests that take long before they are answered; Bun knows at most 255. */
  longSeconds: number;
};

type ListenerDeps = {
  routes: Route[];
  serve(route: Route, request: Request, peer: string): Promise<Response>;
  /** Whether the server behind the door is up. */
  isUp(): boolean;
  counts: RequestCounts;
  metrics(): Metric[];
  timings: ListenerTimings;
};

type Server = Bun.Server<undefined>;

/** The routes without a token. */
const HEALTH = "/health";
const METRICS = "/metrics";

/** Listens. Throws one sentence where it cannot. */
export function openListener(
  { listen, tls }: Extract<DoorMessage, { kind: "open" }>,
  { routes, serve, isUp, counts, metrics, timings }: ListenerDeps,
): Listener {
  const { hostname, port } = readAddress(listen);
  const notFound = () => counts.noted("none", refuse(404, "failed", "there is nothing at this path"));
  const served = (route: Route) => async (request: Request, server: Server) => {
    if (route.isLong) server.timeout(request, timings.longSeconds);
    const response = await serve(route, request, server.requestIP(request)?.address ?? "an unknown address");
    if (route.isLong) server.timeout(request, timings.idleSeconds);
    return counts.noted(route.path, response);
  };
  const server = Bun.serve({
    hostname,
    port,
    reusePort: false,
    development: false,
    idleTimeout: timings.idleSeconds,
    maxRequestBodySize: BODY_BYTES_CUT_OFF,
    ...(tls ? { tls } : {}),
    // Bun finds these by the target as it was sent. What `fetch` gets was normalised, so nothing is found by that.
    routes: {
      ...Object.fromEntries(routes.map((route) => [route.path, served(route)])),
      [HEALTH]: ({ method }: Request) => counts.noted(HEALTH, health(method, isUp())),
      [METRICS]: async (request: Request, server: Server) =>
        isOperator(request, server) ? counts.noted(METRICS, await renderMetrics(metrics())) : notFound(),
    },
    fetch: notFound,
    error: () => refuse(500, "uncertain", "the door failed"),
  });
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    url: `${tls ? "https" : "http"}://${host}:${server.port}`,
    stop: (isHard) => server.stop(isHard),
  };
}

function health(method: string, isUp: boolean): Response {
  if (method !== "GET") return refuse(405, "failed", "this path has another method", { allow: "GET" });
  return new Response(null, { status: isUp ? 200 : 503 });
}

/** Whether the request comes from this machine and through no proxy. */
function isOperator(request: Request, server: Server): boolean {
  const isProxied = request.headers.has("forwarded") || request.headers.has("x-forwarded-for");
  return request.method === "GET" && !isProxied && isOfThisMachine(server.requestIP(request)?.address ?? "");
}
