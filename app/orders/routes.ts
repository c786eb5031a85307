// Orders over HTTP: quotes, placing, and reading one.
import { Elysia } from "elysia";
import type { Polls } from "../cache/follow.ts";
import { type Fields, readFields } from "../http/body.ts";
import { emailKey } from "../http/credentials.ts";
import { Problem } from "../http/problems.ts";
import { facts } from "../http/routing.ts";
import type { WriteServices } from "../http/write.ts";
import { respondWrite } from "../http/write-answer.ts";
import type { Identity } from "../identity/identity.ts";
import { findCaller, noCaller } from "../identity/plugin.ts";
import { blockOf } from "../limits/address.ts";
import type { Clients } from "../limits/client.ts";
import { maySee, noOrder, visitorOf } from "./access.ts";
import { Placing, QuoteRequest } from "./fields.ts";
import { findOrder, type Owner } from "./find.ts";
import { DOCS } from "./model.ts";
import { type Placed, type PlaceServices, placeOrder } from "./place.ts";
import { quoteOf } from "./quote.ts";
import type { OrderTokens } from "./tokens.ts";

/** The services of the routes of orders. */
export type OrderServices = WriteServices & {
  identity: Identity;
  clients: Clients;
  orders: PlaceServices;
  orderTokens: OrderTokens;
  pollCommitted: Polls["pollCommitted"];
  /** Guests may order with their e-mail address. */
  guestOrders: boolean;
};

const HEADERS = { "cache-control": "private, no-store", "content-type": "application/json; charset=utf-8" };
const counted = facts({ counts: "request" });

const send = (json: string) => new Response(`{"success":true,"data":${json}}`, { headers: HEADERS });

/** The routes below `/api` and `/v1`. */
export function orderRoutes(services: OrderServices) {
  const { db, identity, orders, orderTokens } = services;
  const place = placing(services);
  return new Elysia({ name: "orders" })
    .post("/orders", ({ request }) => place(request), {
      ...DOCS.placeOrder,
      ...facts({ counts: "request", event: "order" }),
      parse: "none",
    })
    .post(
      "/orders/quote",
      async ({ request }) => {
        await findCaller(identity, request);
        return send(JSON.stringify(await quoteOf(orders, QuoteRequest.read(await readFields(request)))));
      },
      { ...DOCS.quoteOrder, ...counted, parse: "none" },
    )
    .get(
      "/orders/:id",
      async ({ request, params }) => {
        const visitor = await visitorOf(identity, request);
        const order = await db.onPrimary((snapshot) => findOrder(snapshot, params.id));
        if (!order || !maySee(visitor, order, orderTokens)) throw noOrder();
        return send(order.json);
      },
      { ...DOCS.getOrder, ...counted },
    );
}

/** Places the order of a request and answers with it. */
function placing(services: OrderServices) {
  const { idempotency, identity, clients, orders, versions, itemSeed } = services;

  return async (request: Request): Promise<Response> => {
    const { owner, fields, input } = await readPlacing(services, request, identity);
    const { address } = clients.of(request);
    const client = address === "" ? "" : blockOf(address);
    let placed: Placed | null = null;
    const ownerName = owner.kind === "user" ? owner.userId : `guest:${emailKey(owner.email)}`;
    const { answer, isReplay } = await idempotency.once(request, ownerName, fields, async (storeAnswer) => {
      placed = await placeOrder(orders, { owner, input, client, storeAnswer });
      return { status: 201, headers: { location: placed.orderId }, body: null };
    });
    if (isReplay) services.pollFeed();
    else services.pollCommitted();
    const order = placed ?? (await findReplayed(services, answer.headers.location ?? ""));
    const replayed: [string, string][] = isReplay ? [["idempotent-replayed", "true"]] : [];
    const added = [...versions.headers(), ...replayed];
    if (isUnpaid(order)) throw declined(order.orderId, added);
    const stored = {
      status: order.isNew ? 201 : 200,
      headers: { location: `${new URL(request.url).pathname}/${order.orderId}` },
      body: `{"success":true,"data":${jsonFor(services, owner, order)}}`,
    };
    return respondWrite(stored, added, itemSeed);
  };
}

/**
 * Whether the order that a request made was cancelled because it was not paid: no answer may let it pass for a placed one. One
 * that a person cancelled later was placed.
 */
const isUnpaid = ({ isNew, status, isUnpaid = true }: Placed): boolean =>
  isNew && status === "cancelled" && isUnpaid;

/** Reads the account or the guest's e-mail address, and the order. Throws the `Problem` 401 for neither, before any 400. */
async function readPlacing(
  { guestOrders }: OrderServices,
  request: Request,
  identity: Identity,
): Promise<{ owner: Owner; fields: Fields; input: Placing }> {
  const caller = await findCaller(identity, request);
  if (caller?.kind === "key") throw new Problem("forbidden", "a key has no account of its own");
  const isGuest = caller === null;
  if (isGuest && !guestOrders) throw noCaller();
  const fields = await readFields(request).catch((thrown: unknown) => {
    throw isGuest && thrown instanceof Problem && thrown.type === "invalid-request" ? noCaller() : thrown;
  });
  const { email } = fields;
  if (isGuest && (typeof email !== "string" || email.trim() === "" || fields.userId === "me"))
    throw noCaller();
  const input = Placing.read(fields);
  const isOthers = input.userId && input.userId !== "me" && input.userId !== caller?.userId;
  if (isOthers)
    throw new Problem("forbidden", "userId is the id of another account", [
      { pointer: "/userId", detail: "must be the caller's own" },
    ]);
  if (caller) return { owner: { kind: "user", userId: caller.userId }, fields, input };
  if (input.paymentMethod === "invoice")
    throw new Problem("invalid-request", "paymentMethod must be card: an invoice needs an account", [
      { pointer: "/paymentMethod", detail: "must be card: an invoice needs an account" },
    ]);
  return { owner: { kind: "guest", email: input.email ?? "" }, fields, input };
}

/** The order of a stored answer, as it stands now. Throws the `Problem` 409 while its payment is being authorised. */
async function findReplayed({ db }: OrderServices, orderId: string): Promise<Placed> {
  const order = await db.onPrimary((snapshot) => findOrder(snapshot, orderId));
  if (!order) throw noOrder();
  if (order.paymentStatus === "authorizing")
    throw new Problem("request-under-way", "the payment of this order is under way", [], {
      "retry-after": "1",
    });
  return { ...order, isNew: true };
}

/** An order as its owner gets it: a guest's comes with the token that opens it. */
function jsonFor({ orderTokens }: OrderServices, owner: Owner, { orderId, json }: Placed): string {
  if (owner.kind === "user") return json;
  return `${json.slice(0, -1)},"accessToken":${JSON.stringify(orderTokens.of(orderId))}}`;
}

function declined(orderId: string, headers: [string, string][]): Problem {
  const detail = "the order was not paid and is cancelled: another try is a new order";
  return new Problem("payment-declined", detail, [], Object.fromEntries(headers), { orderId });
}
