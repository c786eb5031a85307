// Refunds of orders by line and by amount: one group counts them, within what was bought and captured; then the gateway is asked.
import type { Database, Readable, Statement } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { must } from "../../db/must.ts";
import { isUnmet, requires } from "../../db/write/guard.ts";
import { type FieldError, refuseFields } from "../http/fields.ts";
import { toProblem } from "../http/problem-of.ts";
import { Problem } from "../http/problems.ts";
import { commitWrite, type Write } from "../http/write.ts";
import type { StoredAnswer } from "../http/write-answer.ts";
import { noOrder } from "./access.ts";
import type { RefundRequest } from "./fields.ts";
import { PAID_BACK, REFUND_JSON, refundNoticeSql } from "./notices.ts";
import type { Gateway } from "./payment/gateway.ts";
import { LEASE_MS } from "./payment/requests.ts";
import { type AskServices, afterCommit, perform, requestOf, type Subject, unanswered } from "./requested.ts";

/** The services by which orders are refunded. */
export type RefundServices = AskServices & { db: Database; gateway: Gateway | null };

/** A refund of one order. */
export type Refunding = { orderId: string; input: RefundRequest };

/** The order may change between the look at it and the commit; then it is looked at again. */
const TRIES_MAX = 4;

const ORDER = `SELECT number, status, payment_method, captured_cents, refunded_cents,
  (SELECT json_group_array(json_array(position, product_id, size, price_cents, quantity - refunded))
   FROM order_lines WHERE number = o.number) FROM orders AS o WHERE id = ?`;
type OrderRow = [number, string, string, number, number, string];
type Line = [position: number, productId: string, size: string, priceCents: number, left: number];

/** A refund that the order as it was seen allows. */
type Plan = {
  number: number;
  isCard: boolean;
  amountCents: number;
  lines: [position: number, pairs: number][];
};

// Each binds the order's number; the refund is its newest.
const NEWEST = "(SELECT max(position) FROM refunds WHERE number = ?1)";
const REFUND = `INSERT INTO refunds (number, position, amount_cents, restock, state, created_at)
SELECT ?1, coalesce(max(position), 0) + 1, ?2, ?3, ?4, ?5 FROM refunds WHERE number = ?1`;
const LINES = `INSERT INTO refund_lines (number, refund, position, quantity)
SELECT ?1, ${NEWEST}, value ->> 0, value ->> 1 FROM json_each(?2)`;
// Pairs that a refused refund put back are in stock already: repeating it returns them only once.
const COUNT_LINES = `UPDATE order_lines SET
  refunded = refunded + (SELECT quantity FROM refund_lines AS q
    WHERE q.number = ?1 AND q.refund = ${NEWEST} AND q.position = order_lines.position),
  returned = max(returned, (SELECT coalesce(sum(q.quantity), 0) FROM refund_lines AS q
    JOIN refunds AS r ON r.number = q.number AND r.position = q.refund
    WHERE q.number = ?1 AND q.position = order_lines.position AND r.restock = 1 AND r.state <> 'refused'))
WHERE number = ?1 AND position IN (SELECT position FROM refund_lines WHERE number = ?1 AND refund = ${NEWEST})`;
const COUNT_CARD =
  "UPDATE orders SET refunded_cents = refunded_cents + ?2, updated_at = ?3 WHERE number = ?1";
const COUNT_INVOICE = `UPDATE orders SET refunded_cents = refunded_cents + ?2, updated_at = ?3, payment_status = ${PAID_BACK}
WHERE number = ?1`;
const REQUEST = `INSERT INTO payment_requests (number, kind, refund, amount_cents, state, due_at, created_at)
SELECT ?1, 'refund', ${NEWEST}, ?2, 'due', ?3, ?4`;
const NOTICE = refundNoticeSql(`o.number = ?1 AND r.position = ${NEWEST}`, "?2");
const FOUND = `SELECT ${REFUND_JSON}, r.state FROM orders AS o JOIN refunds AS r ON r.number = o.number
WHERE o.id = ? AND r.position = ?`;

/**
 * Commits a refund and returns the reference that its Idempotency-Key keeps, for `answerRefund`. Throws the `Problem`: 404
 * without such an order, 400 for lines of another, 409 for more than was bought, captured or not yet refunded.
 */
export async function addRefund(
  services: RefundServices,
  write: Write,
  refunding: Refunding,
): Promise<StoredAnswer> {
  const { db, gateway } = services;
  const { orderId, input } = refunding;
  for (let tries = 1; ; tries += 1) {
    const plan = await db.onPrimary((snapshot) => planOf(snapshot, refunding));
    if (plan.isCard && !gateway)
      throw new Problem("payment-unavailable", "the shop takes no cards: nothing can be given back");
    try {
      const detail = { amount: plan.amountCents / 100, restock: input.restock };
      const { answer } = await commitWrite(db, write, {
        statements: statementsOf(plan, input.restock, write.nowMs),
        audit: { action: "order.refund", subject: orderId, detail },
        answer: {
          status: 201,
          headers: "json_object('location', ?2 || '/refunds/' || max(position))",
          body: "NULL",
          from: "FROM refunds WHERE number = ?1",
          args: [plan.number, orderId],
        },
      });
      return must(answer, "the reference of a refund");
    } catch (thrown) {
      const isOutdated = isUnmet(thrown) || (thrown instanceof DatabaseError && thrown.kind === "check");
      if (!isOutdated || tries === TRIES_MAX) throw toProblem(thrown, "the refund");
    }
  }
}

/**
 * Asks the gateway for a refund that was committed and returns the refund's JSON. Throws the `Problem` 409 when the gateway
 * refuses it, and while it has not answered 504, or 409 to a repetition.
 */
export async function answerRefund(
  services: RefundServices,
  orderId: string,
  { headers }: StoredAnswer,
  isReplay: boolean,
): Promise<string> {
  const { db, gateway } = services;
  const refund = Number(headers.location?.split("/").at(-1));
  const subject: Subject = { orderId, kind: "refund", refund };
  const isDue = await afterCommit(db.onPrimary((snapshot) => requestOf(snapshot, subject)?.state === "due"));
  if (isDue && gateway) await perform(services, gateway, subject);
  const row = await afterCommit(
    db.onPrimary(({ read }) => read.get<[string, string]>(FOUND, orderId, refund)),
  );
  const [json, state] = must(row, "a refund that was committed");
  if (state === "refused")
    throw new Problem("conflict", "the payment gateway refused the refund: nothing was given back");
  if (state === "due" && isReplay)
    throw new Problem("request-under-way", "the payment gateway has not answered yet", [], {
      "retry-after": "2",
    });
  if (state === "due") throw unanswered("the refund counts, and is completed once it has");
  return json;
}

/** The refund that the order allows. Throws the `Problem` of one that it does not. */
function planOf({ read }: Readable, { orderId, input }: Refunding): Plan {
  const row = read.get<OrderRow>(ORDER, orderId);
  if (!row) throw noOrder();
  const [number, status, method, capturedCents, refundedCents, linesJson] = row;
  if (capturedCents === 0)
    throw new Problem(
      "conflict",
      status === "cancelled"
        ? "the order was cancelled before its amount was captured: there is nothing to refund"
        : "the amount is not captured yet: cancel the order instead",
    );
  const lines = linesOf(JSON.parse(linesJson) as Line[], input);
  const amountCents = input.amountCents ?? lines.reduce((sum, { cents }) => sum + cents, 0);
  const leftCents = capturedCents - refundedCents;
  if (amountCents > leftCents)
    throw new Problem("conflict", `${amountOf(leftCents)} is left to refund`, [
      { pointer: "/amount", detail: `must be at most ${amountOf(leftCents)}` },
    ]);
  return {
    number,
    isCard: method === "card",
    amountCents,
    lines: lines.map(({ position, pairs }) => [position, pairs]),
  };
}

const amountOf = (cents: number): string => (cents / 100).toFixed(2);

type PlannedLine = { position: number; pairs: number; cents: number };

/** The lines of the order that the items name; equal ones are merged. */
function linesOf(lines: Line[], { items = [], amountCents }: RefundRequest): PlannedLine[] {
  const errors: FieldError[] = [];
  const over: FieldError[] = [];
  if (items.length === 0 && typeof amountCents !== "number")
    errors.push({ pointer: "/amount", detail: "is required without items" });
  const planned = new Map<number, PlannedLine>();
  items.forEach(({ productId, size, quantity }, at) => {
    const wanted = (size ?? "").toLowerCase();
    const line = lines.find(([, id, name]) => id === productId && name.toLowerCase() === wanted);
    if (!line) {
      const isOfOrder = lines.some(([, id]) => id === productId);
      const pointer = `/items/${at}/${isOfOrder ? "size" : "productId"}`;
      errors.push({ pointer, detail: "is not in this order" });
      return;
    }
    const [position, , , priceCents, left] = line;
    const pairs = quantity + (planned.get(position)?.pairs ?? 0);
    planned.set(position, { position, pairs, cents: pairs * priceCents });
    if (pairs > left)
      over.push({
        pointer: `/items/${at}/quantity`,
        detail: `must be at most ${left}: the pairs not refunded`,
      });
  });
  refuseFields(errors);
  if (over.length > 0)
    throw new Problem("conflict", "more pairs than were bought and not yet refunded", over);
  return [...planned.values()];
}

/** The group of a refund. The CHECKs of its tables bound it, also beside other refunds at the same time. */
function statementsOf(
  { number, isCard, amountCents, lines }: Plan,
  restock: boolean,
  nowMs: number,
): Statement[] {
  const counted = isCard ? COUNT_CARD : COUNT_INVOICE;
  const state = isCard ? "due" : "done";
  return [
    requires("EXISTS (SELECT 1 FROM orders WHERE number = ? AND captured_cents > 0)", number),
    { sql: REFUND, args: [number, amountCents, restock ? 1 : 0, state, nowMs] },
    { sql: LINES, args: [number, JSON.stringify(lines)] },
    { sql: COUNT_LINES, args: [number] },
    { sql: counted, args: [number, amountCents, nowMs] },
    isCard
      ? { sql: REQUEST, args: [number, amountCents, nowMs + LEASE_MS, nowMs] }
      : { sql: NOTICE, args: [number, nowMs] },
  ];
}
