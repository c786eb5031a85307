// Orders over HTTP, once they are placed: lists, lines, history, steps and refunds.
import { Elysia } from "elysia";
import type { Readable } from "../../db/database.ts";
import { readFields } from "../http/body.ts";
import type { Caller } from "../http/caller.ts";
import { COUNT_MAX, pageBody, wholeList } from "../http/paging.ts";
import { facts } from "../http/routing.ts";
import { answerWrite, plainWrite } from "../http/write.ts";
import { respondWrite } from "../http/write-answer.ts";
import { findCaller, identityPlugin, noCaller } from "../identity/plugin.ts";
import type { Log } from "../log.ts";
import { maySee, noOrder, visitorOf } from "./access.ts";
import { RefundRequest, StatusChange } from "./fields.ts";
import { findOrder } from "./find.ts";
import { countOrders, historyOf, itemsOf, listOrders, readListing } from "./list.ts";
import { DOCS } from "./model.ts";
import { changeStatus } from "./progress.ts";
import { addRefund, answerRefund } from "./refunds.ts";
import type { OrderServices } from "./routes.ts";

/** The services of these routes. */
export type StepServices = OrderServices & { log: Log };

const HEADERS = { "cache-control": "private, no-store", "content-type": "application/json; charset=utf-8" };
const counted = facts({ counts: "request" });

const send = (body: string) => new Response(body, { headers: HEADERS });
const itemBody = (json: string) => `{"success":true,"data":${json}}`;

/** The routes below `/api` and `/v1`. */
export function orderStepRoutes(services: StepServices) {
  const { db, identity } = services;
  const openPart = partsOf(services);
  const refund = refunding(services);
  return new Elysia({ name: "order-steps" })
    .use(identityPlugin(identity))
    .get(
      "/orders",
      async ({ request }) => {
        const caller = await findCaller(identity, request);
        if (!caller) throw noCaller();
        const listing = readListing(new URL(request.url).searchParams, caller);
        const body = await db.onPrimary((snapshot) =>
          pageBody(listing.page, listOrders(snapshot, listing), countOrders(snapshot, listing, COUNT_MAX)),
        );
        return send(JSON.stringify(body));
      },
      { ...DOCS.listOrders, ...counted },
    )
    .get("/orders/:id/items", ({ request, params }) => openPart(request, params.id, itemsOf), {
      ...DOCS.listOrderItems,
      ...counted,
    })
    .get("/orders/:id/history", ({ request, params }) => openPart(request, params.id, historyOf), {
      ...DOCS.listOrderHistory,
      ...counted,
    })
    .put(
      "/orders/:id/status",
      async ({ request, params }) => {
        const visitor = await visitorOf(identity, request);
        const change = StatusChange.read(await readFields(request));
        const stepping = { ...services.orders, orderTokens: services.orderTokens, log: services.log };
        const context = { request, params, ...(visitor.caller && { caller: visitor.caller }) };
        return answerWrite(services, context, change, async (write) => {
          const json = await changeStatus(stepping, write, { visitor, orderId: params.id, change });
          return { status: 200, headers: {}, body: itemBody(json) };
        });
      },
      { ...DOCS.changeOrderStatus, ...counted, parse: "none" },
    )
    .post("/orders/:id/refunds", ({ request, params, caller }) => refund(request, params.id, caller), {
      ...DOCS.refundOrder,
      ...counted,
      who: "admin",
      parse: "none",
    });
}

type Part = (snapshot: Readable, orderId: string) => [json: string, count: number];

/** Answers with a part of an order as a list, to visitors who may see the order. */
function partsOf({ db, identity, orderTokens }: StepServices) {
  return async (request: Request, orderId: string, part: Part): Promise<Response> => {
    const visitor = await visitorOf(identity, request);
    const [json, count] = await db.onPrimary((snapshot) => {
      const order = findOrder(snapshot, orderId);
      if (!order || !maySee(visitor, order, orderTokens)) throw noOrder();
      return part(snapshot, orderId);
    });
    const pagination = JSON.stringify(wholeList(count));
    return send(`{"success":true,"data":${json},"pagination":${pagination}}`);
  };
}

/** Refunds a part of an order once per Idempotency-Key, and answers with the refund as it stands. */
function refunding(services: StepServices) {
  const { idempotency, orders, log, versions, pollFeed, itemSeed, now } = services;
  const refunds = { ...orders, log };
  return async (request: Request, orderId: string, caller: Caller): Promise<Response> => {
    const fields = await readFields(request);
    const input = RefundRequest.read(fields);
    const { answer, isReplay } = await idempotency.once(request, caller.userId, fields, (storeAnswer) =>
      addRefund(refunds, { ...plainWrite(caller, now()), storeAnswer }, { orderId, input }),
    );
    pollFeed();
    const json = await answerRefund(refunds, orderId, answer, isReplay);
    const replayed: [string, string][] = isReplay ? [["idempotent-replayed", "true"]] : [];
    const stored = { status: 201, headers: {}, body: itemBody(json) };
    return respondWrite(stored, [...versions.headers(), ...replayed], itemSeed);
  };
}
