// Moves an order along: each step is one conditional group, and the gateway is asked at once for what the step causes.
import type { Database, Statement, Value } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { isUnmet, requires } from "../../db/write/guard.ts";
import type { AuditEvent } from "../http/audit.ts";
import { toProblem } from "../http/problem-of.ts";
import { Problem } from "../http/problems.ts";
import { commitWrite, type Write } from "../http/write.ts";
import type { Log } from "../log.ts";
import { maySee, noOrder, type Visitor } from "./access.ts";
import { cancellationOf } from "./cancellation.ts";
import type { StatusChange } from "./fields.ts";
import { type FoundOrder, findOrder } from "./find.ts";
import { noticeSql } from "./notices.ts";
import type { Gateway } from "./payment/gateway.ts";
import { afterCommit, perform, requesting, requestOf, type Subject, unanswered } from "./requested.ts";
import { type Actor, isForAdmins, type Status, stepOf } from "./steps.ts";
import type { OrderTokens } from "./tokens.ts";

/** The services by which orders are changed. */
export type ProgressServices = {
  db: Database;
  /** `null`: the shop takes no cards. */
  gateway: Gateway | null;
  orderTokens: OrderTokens;
  log: Log;
  now(): number;
};

/** The change of one order that a request wants. */
export type Wanted = { visitor: Visitor; orderId: string; change: StatusChange };

/** The order may change between the look at it and the commit; then it is looked at again. */
const TRIES_MAX = 4;
const AGAIN = { "retry-after": "2" };

const CONFIRM = `UPDATE orders SET status = 'confirmed', payment_status = 'captured', captured_cents = total_cents,
  client = NULL, held_until = NULL, changed_by = 'admin', confirmed_at = ?2, updated_at = ?2
WHERE id = ?1 AND status = 'pending' AND payment_status = 'none'`;
const SHIP_CAPTURED = `UPDATE orders SET status = 'shipped', tracking_url = ?3, changed_by = 'admin', updated_at = ?2
WHERE id = ?1 AND status = 'confirmed' AND payment_status <> 'authorized'`;
const TRACK = "UPDATE orders SET tracking_url = ?3, updated_at = ?2 WHERE id = ?1 AND status = 'shipped'";
const DELIVER = `UPDATE orders SET status = 'delivered', changed_by = 'admin', updated_at = ?2
WHERE id = ?1 AND status = 'shipped'`;

const NOTHING_DUE =
  "NOT EXISTS (SELECT 1 FROM payment_requests WHERE number = o.number AND kind <> 'authorise' AND state = 'due')";
const CAPTURABLE = `EXISTS (SELECT 1 FROM orders AS o
  WHERE o.id = ? AND o.status = 'confirmed' AND o.payment_status = 'authorized' AND ${NOTHING_DUE})`;
const KEEP_TRACKING =
  "UPDATE orders SET tracking_url = coalesce(?2, tracking_url), updated_at = ?3 WHERE id = ?1 AND status = 'confirmed'";
const SHIP_NOTICE = noticeSql("shipped", "o.id = ?1 AND o.status = 'shipped'", "?2");

/**
 * Moves the order to the wanted status and returns its JSON. Throws the `Problem`: 404 for an order that the visitor may not
 * see, 403 for a step of admins, 409 for one that is not allowed, and 504 while it is not known whether the amount was captured.
 */
export async function changeStatus(
  services: ProgressServices,
  write: Write,
  wanted: Wanted,
): Promise<string> {
  const { db } = services;
  const { orderId } = wanted;
  for (let tries = 1; ; tries += 1) {
    const order = await db.onPrimary((snapshot) => findOrder(snapshot, orderId));
    if (!order || !maySee(wanted.visitor, order, services.orderTokens)) throw noOrder();
    try {
      await stepTo(services, write, wanted, order);
      break;
    } catch (thrown) {
      if (!isUnmet(thrown)) throw toProblem(thrown, "the order");
      if (tries === TRIES_MAX) throw await refusalOf(services, order);
    }
  }
  const order = await afterCommit(db.onPrimary((snapshot) => findOrder(snapshot, orderId)));
  return must(order, "an order that was changed").json;
}

const captureOf = (orderId: string): Subject => ({ orderId, kind: "capture", refund: 0 });

const actorOf = ({ caller }: Visitor): Actor => (caller?.role === "admin" ? "admin" : "customer");

/** Takes the step. Rejects with an unmet condition where the order has changed meanwhile. */
async function stepTo(
  services: ProgressServices,
  write: Write,
  { visitor, change }: Wanted,
  order: FoundOrder,
): Promise<void> {
  const to: Status = change.status;
  const trackingUrl = change.trackingUrl ?? null;
  const actor = actorOf(visitor);
  if (order.status === to) {
    const isOther = to === "shipped" && actor === "admin" && trackingUrl !== null;
    if (isOther && !isTracked(order, trackingUrl)) await track(services, write, order, trackingUrl);
    return;
  }
  if (actor !== "admin" && isForAdmins(to)) throw new Problem("forbidden", "only admins may take this step");
  const step = stepOf(order.status, to);
  if (!step?.by.includes(actor)) throw notAllowed(order.status, to);
  if (to === "cancelled") return cancel(services, write, order, actor);
  if (to === "shipped") return ship(services, write, order, trackingUrl);
  if (to === "delivered") return take(services, write, order, "deliver", [of(DELIVER, order, write.nowMs)]);
  if (order.paymentStatus !== "none")
    throw new Problem(
      "conflict",
      "the order waits for its payment: it is confirmed once that is authorised",
      [{ pointer: "/status", detail: "must not be confirmed before the payment is authorised" }],
    );
  return take(services, write, order, "confirm", [of(CONFIRM, order, write.nowMs)]);
}

const of = (sql: string, { orderId }: FoundOrder, ...args: Value[]): Statement => ({
  sql,
  args: [orderId, ...args],
});

/** Takes a step of an admin that needs no gateway, if the order still stands where it was seen. */
async function take(
  { db }: ProgressServices,
  write: Write,
  order: FoundOrder,
  verb: string,
  statements: Statement[],
  detail: AuditEvent["detail"] = {},
): Promise<void> {
  const { orderId, status, paymentStatus } = order;
  const stands = requires(
    "EXISTS (SELECT 1 FROM orders WHERE id = ? AND status = ? AND payment_status = ?)",
    orderId,
    status,
    paymentStatus,
  );
  await commitWrite(db, write, {
    statements: [stands, ...statements],
    audit: { action: `order.${verb}`, subject: orderId, detail },
  });
}

const isTracked = ({ json }: FoundOrder, trackingUrl: string): boolean =>
  (JSON.parse(json) as { trackingUrl?: string }).trackingUrl === trackingUrl;

const track = (services: ProgressServices, write: Write, order: FoundOrder, trackingUrl: string) =>
  take(services, write, order, "track", [of(TRACK, order, write.nowMs, trackingUrl)], { trackingUrl });

async function ship(
  services: ProgressServices,
  write: Write,
  order: FoundOrder,
  trackingUrl: string | null,
): Promise<void> {
  const detail = trackingUrl === null ? {} : { trackingUrl };
  if (order.paymentStatus !== "authorized") {
    const { nowMs } = write;
    const statements = [of(SHIP_CAPTURED, order, nowMs, trackingUrl), of(SHIP_NOTICE, order, nowMs)];
    return take(services, write, order, "ship", statements, detail);
  }
  const { db, gateway } = services;
  const { orderId } = order;
  if (!gateway) throw noGateway();
  const before = await db.onPrimary((snapshot) => requestOf(snapshot, captureOf(orderId)));
  const tracked = of(KEEP_TRACKING, order, trackingUrl, write.nowMs);
  const request = requesting(orderId, "capture", write.nowMs);
  // An earlier request to ship that has no answer yet is the one to go on with.
  const isNew = before?.state !== "due";
  await commitWrite(db, write, {
    statements: isNew ? [requires(CAPTURABLE, orderId), tracked, request] : [tracked],
    audit: { action: "order.ship", subject: orderId, detail },
  });
  const outcome = await perform(services, gateway, captureOf(orderId));
  if (outcome === "refused")
    throw new Problem(
      "conflict",
      "the payment gateway refused to capture the amount: the order is not shipped",
    );
  if (outcome === "unknown") throw unanswered("the order is shipped once the amount is captured");
}

async function cancel(
  services: ProgressServices,
  write: Write,
  order: FoundOrder,
  actor: Actor,
): Promise<void> {
  const { db, gateway } = services;
  const { orderId } = order;
  await commitWrite(db, write, {
    statements: cancellationOf(orderId, actor, write.nowMs),
    ...(actor === "admin" && { audit: { action: "order.cancel", subject: orderId } }),
  });
  // Without an answer the settlement asks again: the order is cancelled already.
  if (gateway) await perform(services, gateway, { orderId, kind: "void", refund: 0 });
}

const noGateway = () =>
  new Problem("payment-unavailable", "the shop takes no cards: nothing can be captured");

const notAllowed = (from: string, to: Status): Problem =>
  new Problem("conflict", `an order that is ${from} cannot become ${to}`, [
    { pointer: "/status", detail: `is no step from ${from}` },
  ]);

/** Why a condition never held: a request to the gateway is under way, or the order changes again and again. */
async function refusalOf({ db }: ProgressServices, { orderId }: FoundOrder): Promise<Problem> {
  const capture = await db.onPrimary((snapshot) => requestOf(snapshot, captureOf(orderId)));
  const detail =
    capture?.state === "due"
      ? "the order is being shipped: the payment gateway was asked for the amount and has not answered"
      : "the order was changed at the same time";
  return new Problem("conflict", detail, [], AGAIN);
}
