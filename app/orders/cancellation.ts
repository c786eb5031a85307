// Cancels an order: its stock and its money come back in one group.
import type { Statement } from "../../db/database.ts";
import { requires } from "../../db/write/guard.ts";
import { noticeSql } from "./notices.ts";
import { requesting } from "./requested.ts";
import type { Actor } from "./steps.ts";

const CANCELLABLE = `EXISTS (SELECT 1 FROM orders AS o
  WHERE o.id = ? AND o.status IN ('pending', 'confirmed') AND NOT EXISTS (
    SELECT 1 FROM payment_requests WHERE number = o.number AND kind = 'capture' AND state = 'due'))`;
// The amount that an invoice counts as captured is refunded in the books.
const PAY_BACK = `INSERT INTO refunds (number, position, amount_cents, restock, state, created_at)
SELECT number, coalesce((SELECT max(position) FROM refunds AS r WHERE r.number = o.number), 0) + 1,
  captured_cents - refunded_cents, 1, 'done', ?2 FROM orders AS o WHERE id = ?1 AND captured_cents > refunded_cents`;
const PAY_BACK_LINES = `INSERT INTO refund_lines (number, refund, position, quantity)
SELECT l.number, (SELECT max(position) FROM refunds AS r WHERE r.number = l.number), l.position, l.quantity - l.refunded
FROM order_lines AS l JOIN orders AS o ON o.number = l.number
WHERE o.id = ?1 AND o.captured_cents > o.refunded_cents AND l.quantity > l.refunded`;
const PAID_BACK_LINES = `UPDATE order_lines SET refunded = quantity
WHERE number = (SELECT number FROM orders WHERE id = ?1 AND captured_cents > refunded_cents)`;
const CANCEL = `UPDATE orders SET status = 'cancelled', payment_status = iif(captured_cents > 0, 'refunded', payment_status),
  refunded_cents = captured_cents, client = NULL, held_until = NULL, redirect_url = NULL, changed_by = ?2, updated_at = ?3
WHERE id = ?1 AND status IN ('pending', 'confirmed')`;
const NO_AUTHORISATION = `UPDATE payment_requests SET state = 'refused', settled_at = ?2
WHERE number = (SELECT number FROM orders WHERE id = ?1) AND kind = 'authorise' AND state = 'due'`;
// While the gateway's first answer is awaited, the customer has no mail about the order yet.
const CANCEL_NOTICE = noticeSql("cancelled", "o.id = ?1 AND o.payment_status <> 'authorizing'", "?2");

/** The statements that cancel an order that is pending or confirmed; a condition is unmet while its amount is being captured. */
export const cancellationOf = (orderId: string, by: Actor, nowMs: number): Statement[] => [
  requires(CANCELLABLE, orderId),
  { sql: PAY_BACK, args: [orderId, nowMs] },
  { sql: PAY_BACK_LINES, args: [orderId] },
  { sql: PAID_BACK_LINES, args: [orderId] },
  { sql: CANCEL, args: [orderId, by, nowMs] },
  { sql: NO_AUTHORISATION, args: [orderId, nowMs] },
  requesting(orderId, "void", nowMs),
  { sql: CANCEL_NOTICE, args: [orderId, nowMs] },
];
