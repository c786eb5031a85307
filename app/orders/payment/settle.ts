// Settles the payment of an order: stores what the gateway answered to the authorisation, in one conditional step.
import type { Database, Statement, Value } from "../../../db/database.ts";
import { newWriteId } from "../../../db/write/id.ts";
import { type PaymentStep, steppedJson } from "../view.ts";
import { openBatches } from "./batches.ts";
import type { PaymentState } from "./gateway.ts";

/** How long an order that waits for its payment holds its stock. */
export const HOLD_MS = 15 * 60_000;
/** When the gateway is asked again about a payment without an outcome; each further time later. */
export const ASK_AGAIN_MS = 5_000;

/** An order after a step: its JSON and where it stands. */
export type Stepped = { json: string; status: string; paymentStatus: string };

/** The payments that have no outcome yet. */
export const UNSETTLED = "('authorizing', 'requires_action', 'unknown')";

const STEPPED = "RETURNING id, status, payment_status, payment_reference, redirect_url, updated_at";
const WHERE_UNSETTLED = `WHERE id = ?1 AND status = 'pending' AND payment_status IN ${UNSETTLED}`;
const confirmed = (
  reference: string,
  nowMs: string,
) => `UPDATE orders SET status = 'confirmed', payment_status = 'authorized',
  payment_reference = ${reference}, redirect_url = NULL, client = NULL, held_until = NULL, changed_by = 'gateway',
  confirmed_at = ${nowMs}, updated_at = ${nowMs}`;
const CONFIRM = `${confirmed("?3", "?2")} ${WHERE_UNSETTLED} ${STEPPED}`;
// Of a list of [id, reference, time].
const CONFIRM_ALL = `${confirmed("j.value ->> 1", "j.value ->> 2")} FROM json_each(?1) AS j
WHERE orders.id = j.value ->> 0 AND status = 'pending' AND payment_status IN ${UNSETTLED} ${STEPPED}`;
const ANSWERED_ALL = `UPDATE payment_requests SET state = 'done', settled_at = ?2
WHERE number IN (SELECT o.number FROM json_each(?1) AS j CROSS JOIN orders AS o ON o.id = j.value ->> 0)
  AND kind = 'authorise' AND state = 'due'`;
const CANCEL = `UPDATE orders SET status = 'cancelled', payment_status = ?4, payment_reference = coalesce(?3, payment_reference),
  redirect_url = NULL, client = NULL, held_until = NULL, changed_by = 'gateway', updated_at = ?2
${WHERE_UNSETTLED} ${STEPPED}`;
const HOLD = `UPDATE orders SET payment_status = ?4, payment_reference = coalesce(?3, payment_reference),
  redirect_url = coalesce(?5, redirect_url), held_until = coalesce(held_until, created_at + ?6), updated_at = ?2
${WHERE_UNSETTLED} ${STEPPED}`;
const OF_ORDER =
  "number = (SELECT number FROM orders WHERE id = ?1) AND kind = 'authorise' AND state = 'due'";
const ANSWERED = `UPDATE payment_requests SET state = ?3, settled_at = ?2 WHERE ${OF_ORDER}`;
const ASK_AGAIN = `UPDATE payment_requests SET due_at = ?2 + ?3 * (tries + 1) WHERE ${OF_ORDER}`;

/** The columns of `STEPPED`. */
type Row = [string, string, string, string | null, string | null, number];
/** An authorised payment whose order is to be confirmed. */
type Authorised = { orderId: string; reference: string | null; nowMs: number };

/**
 * Stores the outcome of an authorisation, and returns the order after it, made from its JSON before. `state` is `null` when
 * the outcome is not known. A second outcome changes nothing: then the result is `null`. `conditions` hold for every outcome but
 * `authorized`. Rejects with `DatabaseError`.
 */
export type Settle = (
  order: { orderId: string; json: string },
  state: PaymentState | null,
  nowMs: number,
  conditions?: Statement[],
) => Promise<Stepped | null>;

/** Opens the storing of outcomes: the orders whose payments are authorised in one turn of the event loop are confirmed together. */
export function openSettle(db: Database): Settle {
  const confirm = openBatches((batch: Authorised[]) => confirmAll(db, batch));
  return async ({ orderId, json }, state, nowMs, conditions = []) => {
    const row =
      state?.status === "authorized"
        ? await confirm({ orderId, reference: state.reference, nowMs })
        : await settleAlone(db, [...conditions, ...statementsOf(orderId, state, nowMs)], conditions.length);
    if (!row) return null;
    const [, status, paymentStatus, reference, redirectUrl, updatedAtMs] = row;
    const step: PaymentStep = { status, paymentStatus, reference, redirectUrl, updatedAtMs };
    return { json: steppedJson(json, step), status, paymentStatus };
  };
}

async function settleAlone(db: Database, group: Statement[], at: number): Promise<Row | undefined> {
  const results = await db.write(group, newWriteId());
  return results[at]?.rows[0] as Row | undefined;
}

async function confirmAll(db: Database, batch: Authorised[]): Promise<(Row | undefined)[]> {
  const list = JSON.stringify(batch.map(({ orderId, reference, nowMs }) => [orderId, reference, nowMs]));
  const [first] = batch;
  const statements: Statement[] = [
    { sql: CONFIRM_ALL, args: [list] },
    { sql: ANSWERED_ALL, args: [list, first?.nowMs ?? 0] },
  ];
  const [result] = await db.write(statements, newWriteId());
  const rows = new Map(((result?.rows ?? []) as Row[]).map((row) => [row[0], row]));
  return batch.map(({ orderId }) => rows.get(orderId));
}

/** The statements that store an outcome; the first returns a row if it was the first to settle it. */
export function statementsOf(orderId: string, state: PaymentState | null, nowMs: number): Statement[] {
  const reference = state?.reference ?? null;
  const step = (sql: string, ...more: Value[]): Statement => ({
    sql,
    args: [orderId, nowMs, reference, ...more],
  });
  const answered = (how: "done" | "refused"): Statement => ({ sql: ANSWERED, args: [orderId, nowMs, how] });
  const askAgain: Statement = { sql: ASK_AGAIN, args: [orderId, nowMs, ASK_AGAIN_MS] };
  switch (state?.status) {
    case "authorized":
    case "captured":
      return [step(CONFIRM), answered("done")];
    case "declined":
    case "voided":
      return [step(CANCEL, state.status), answered("refused")];
    case "requires_action":
      return [step(HOLD, "requires_action", state.redirectUrl, HOLD_MS), askAgain];
    default:
      return [step(HOLD, "unknown", null, HOLD_MS), askAgain];
  }
}
