// The effects of the gateway's answer to a capture, a void or a refund: the statements of one conditional group.
import type { Statement } from "../../../db/database.ts";
import { noticeSql, PAID_BACK, refundNoticeSql } from "../notices.ts";
import type { Settled } from "./gateway.ts";

/** One row of `payment_requests` that is due. `refund` is 0 except for refunds; `key` names it at the gateway. */
export type PaymentRequest = {
  orderId: string;
  number: number;
  kind: "authorise" | "capture" | "void" | "refund";
  refund: number;
  amountCents: number;
  key: string;
};

/** The `key` of a request: the same from every process, so that the gateway knows a repetition. */
export const requestKey = (orderId: string, kind: PaymentRequest["kind"], refund: number): string =>
  refund === 0 ? `${orderId}:${kind}` : `${orderId}:${kind}:${refund}`;

const ROW = "number = ?1 AND kind = ?2 AND refund = ?3 AND state = 'due'";
const DUE = `EXISTS (SELECT 1 FROM payment_requests WHERE ${ROW})`;

/** Comes last in its group: the other statements look for the due request. */
const SETTLED = `UPDATE payment_requests SET state = ?5, settled_at = ?4 WHERE ${ROW}`;

// The amount is taken as the parcel leaves: one step.
const CAPTURED = [
  `UPDATE orders SET status = 'shipped', payment_status = 'captured', captured_cents = total_cents, changed_by = 'admin',
  updated_at = ?4 WHERE number = ?1 AND status = 'confirmed' AND payment_status = 'authorized' AND ${DUE}`,
  noticeSql("shipped", `o.number = ?1 AND o.status = 'shipped' AND ${DUE}`, "?4"),
];
const NOT_CAPTURED = [
  `UPDATE orders SET tracking_url = NULL, updated_at = ?4 WHERE number = ?1 AND status = 'confirmed' AND ${DUE}`,
];
const VOIDED = [
  `UPDATE orders SET payment_status = 'voided', updated_at = ?4 WHERE number = ?1 AND status = 'cancelled'
  AND payment_status IN ('authorizing', 'requires_action', 'unknown', 'authorized') AND ${DUE}`,
];
// The amount of a cancelled order was captured after all: the staff of the shop has to refund it.
const NOT_VOIDED = [noticeSql("void-refused", `o.number = ?1 AND ${DUE}`, "?4", { isForShop: true })];
const REFUNDED = [
  `UPDATE refunds SET state = 'done' WHERE number = ?1 AND position = ?3 AND state = 'due' AND ${DUE}`,
  `UPDATE orders SET payment_status = ${PAID_BACK}, updated_at = ?4 WHERE number = ?1 AND ${DUE}`,
  refundNoticeSql(`o.number = ?1 AND r.position = ?3 AND ${DUE}`, "?4"),
];
// Pairs that went back into stock stay there: they are in the shop.
const NOT_REFUNDED = [
  `UPDATE refunds SET state = 'refused' WHERE number = ?1 AND position = ?3 AND state = 'due' AND ${DUE}`,
  `UPDATE order_lines SET refunded = refunded - (
    SELECT quantity FROM refund_lines AS r WHERE r.number = ?1 AND r.refund = ?3 AND r.position = order_lines.position)
  WHERE number = ?1 AND position IN (SELECT position FROM refund_lines WHERE number = ?1 AND refund = ?3)
    AND ${DUE}`,
  `UPDATE orders SET updated_at = ?4,
    refunded_cents = refunded_cents - (SELECT amount_cents FROM refunds WHERE number = ?1 AND position = ?3)
  WHERE number = ?1 AND ${DUE}`,
];

const EFFECTS = {
  capture: { done: CAPTURED, refused: NOT_CAPTURED },
  void: { done: VOIDED, refused: NOT_VOIDED },
  refund: { done: REFUNDED, refused: NOT_REFUNDED },
};

/**
 * The statements that store an answer, to be committed together. Each takes effect only while the request is due, so that an
 * answer that is stored twice has one effect.
 */
export function effectsOf(
  { number, kind, refund }: PaymentRequest,
  { outcome }: Settled,
  nowMs: number,
): Statement[] {
  if (kind === "authorise") throw new Error("an authorisation is settled by its own statements");
  const request = [number, kind, refund];
  return [
    ...EFFECTS[kind][outcome].map((sql) => ({
      sql,
      args: sql.includes("?4") ? [...request, nowMs] : request,
    })),
    { sql: SETTLED, args: [...request, nowMs, outcome] },
  ];
}
