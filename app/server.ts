// The walk of a request, top to bottom.
import { Elysia } from "elysia";
import { openResets } from "./accounts/resets.ts";
import { accountRoutes } from "./accounts/routes.ts";
import { BODY_MS_MAX, takeRest } from "./http/arrival.ts";
import { type Address, checkRequest, readAddress } from "./http/checks.ts";
import { problemOf } from "./http/problem-of.ts";
import { openRequestIds } from "./http/request-id.ts";
import { answerOptions, noRoute, openRouting, PREFIXES, type RouteFacts } from "./http/routing.ts";
import { likeRoutes } from "./likes/routes.ts";
import type { Peer } from "./limits/client.ts";
import { countRequest } from "./limits/count.ts";
import { type Count, refuseOver, setLimitHeaders } from "./limits/limits.ts";
import type { Walk } from "./listen.ts";
import { outboxRoutes } from "./mail/routes.ts";
import { openMemory } from "./memory.ts";
import { statusOf } from "./ops/hang-up.ts";
import { openMetrics } from "./ops/metrics.ts";
import { openRequestLog } from "./ops/request-log.ts";
import { opsRoutes } from "./ops/routes.ts";
import { webhookRoutes } from "./orders/payment/webhook-routes.ts";
import { reportRoutes } from "./orders/report/routes.ts";
import { orderRoutes } from "./orders/routes.ts";
import { orderStepRoutes } from "./orders/step-routes.ts";
import { docsRoutes } from "./pages/docs.ts";
import { orderPageRoutes } from "./pages/order-routes.ts";
import { passwordRoutes } from "./pages/password-routes.ts";
import { payRoutes } from "./pages/pay-routes.ts";
import { pageRoutes } from "./pages/routes.ts";
import type { Services } from "./services.ts";
import { readShowcase } from "./shoes/list/showcase.ts";
import { catalogueRoutes, pictureRoutes } from "./shoes/routes.ts";
import { catalogueWriteRoutes } from "./shoes/write/routes.ts";

/** Opens the walk: the one function that every request goes through to its response. A body may take `bodyMsMax`. */
export function openServer(services: Services, bodyMsMax = BODY_MS_MAX): Walk {
  const { versions, pollFeed, clients, headers, edge, counters, now, log } = services;
  const app = routes(services);
  const routing = openRouting(app.routes);
  const takeRequestId = openRequestIds();
  const fromMemory = openMemory(services);
  const isFailing = () => services.db.writeQueue().outage !== null;
  const logRequest = openRequestLog(log, services.logSample, { isFailing, now });

  return function walk(request, peer) {
    const requestId = takeRequestId(request.headers.get("x-request-id"));
    const { method } = request;
    const since = method === "GET" || method === "HEAD" ? versions.sinceOf(request.headers) : 0;
    if (since > versions.position()) pollFeed();
    // On a node the replica may lag behind the client's version.
    if (since > versions.position()) return afterWait(request, peer, requestId, since);
    if (since > 0) counters.addVersioned("here");
    return fromMemory(request, requestId, since) ?? compute(request, peer, requestId);
  };

  async function afterWait(
    request: Request,
    peer: Peer,
    requestId: string,
    since: number,
  ): Promise<Response> {
    clients.keep(request, peer.requestIP(request)?.address);
    await versions.catchUp(since);
    pollFeed();
    const isHere = since <= versions.position();
    if (isHere) counters.addVersioned("waited");
    return (isHere && fromMemory(request, requestId, since)) || compute(request, peer, requestId);
  }

  async function compute(request: Request, peer: Peer, requestId: string): Promise<Response> {
    const startedAtMs = performance.now();
    const address = readAddress(request.url);
    const route = routing.of(request, address.pathname);
    // Bun forgets the address once the request is answered.
    if (route.hasClient) clients.keep(request, peer.requestIP(request)?.address);
    const count = route.counts === "free" ? null : await countRequest(request, route.counts, services);
    const response = await respond(request, address, route, count).catch((thrown: unknown) =>
      problemOf(thrown, address.pathname, requestId, log),
    );
    const ms = performance.now() - startedAtMs;
    await takeRest(request, response.headers, bodyMsMax - ms);
    headers.finish(response, request, { requestId, isPublic: route.isPublic, ms });
    edge?.limit(response.headers);
    setLimitHeaders(response.headers, count);
    const status = statusOf(request, response);
    counters.add(request.method, route, response, ms, status);
    logRequest(request, { status, answer: response.status }, ms, requestId);
    return response;
  }

  /** Checks the request and calls its route. Throws the `Problem` of a refused request. */
  async function respond(
    request: Request,
    address: Address,
    route: RouteFacts,
    count: Count | null,
  ): Promise<Response> {
    refuseOver(count, now());
    checkRequest(request, address);
    if (request.method === "OPTIONS") return answerOptions(routing.methodsOf(address.pathname));
    if (!route.isThere) throw noRoute(request.method, routing.methodsOf(address.pathname));
    return app.fetch(request.method === "HEAD" ? clients.asGet(request) : request);
  }
}

/** Every route of the shop, each with its guard. */
export function routes(services: Services) {
  const catalogue = catalogueRoutes(services);
  const accounts = accountRoutes(services);
  const writes = catalogueWriteRoutes(services);
  const likes = likeRoutes(services);
  const orders = new Elysia()
    .use(orderRoutes(services))
    .use(orderStepRoutes(services))
    .use(webhookRoutes(services));
  const operations = new Elysia().use(reportRoutes(services)).use(outboxRoutes(services));
  const [api, v1] = PREFIXES;
  const makeDocument = async (): Promise<string> => (await import("./document.ts")).documentOf(app.routes);
  const app = new Elysia({
    name: "insole",
    strictPath: true,
    // Elysia otherwise expects host names of four letters or more.
    handler: { standardHostname: false },
  })
    // `compute` turns anything thrown into a response.
    .onError(({ error, code, request }) => {
      throw code === "NOT_FOUND" ? noRoute(request.method, []) : error;
    })
    .group(api, (group) =>
      group.use(catalogue).use(writes).use(likes).use(accounts).use(orders).use(operations),
    )
    .group(v1, (group) =>
      group.use(catalogue).use(writes).use(likes).use(accounts).use(orders).use(operations),
    )
    .use(pictureRoutes(services))
    .use(opsRoutes({ ...services, metrics: openMetrics(services) }))
    .use(docsRoutes(makeDocument, services.headers.seed))
    .use(payRoutes(services, services.headers.seed))
    .use(passwordRoutes({ ...services, resets: openResets(services) }))
    .use(orderPageRoutes(services, services.headers.seed))
    .use(
      pageRoutes(services.publicDir, services.headers.seed, () => readShowcase(services.db, services.shop)),
    );
  return app;
}
