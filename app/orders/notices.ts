// The mails that steps of an order cause, as rows of the outbox: each holds all that the mail shows.
import { moneySql, timeSql } from "../../db/sql.ts";
import { orderJson } from "./view.ts";

/** The payment status after the refunds that are done, over the row of `orders` that is changed. */
export const PAID_BACK = `iif(captured_cents = (SELECT sum(amount_cents) FROM refunds
  WHERE number = orders.number AND state = 'done'), 'refunded', 'partially_refunded')`;

/** The JSON object of a refund, over the rows `o` of its order and `r` of the refund. */
export const REFUND_JSON = `json_object('id', o.number || '-' || r.position, 'orderId', o.id,
  'items', json((SELECT json_group_array(json_object('productId', product_id, 'productName', title, 'size', size,
    'quantity', refunded_pairs, 'price', ${moneySql("price_cents")}))
    FROM (SELECT l.*, q.quantity AS refunded_pairs FROM refund_lines AS q
      JOIN order_lines AS l ON l.number = q.number AND l.position = q.position
      WHERE q.number = r.number AND q.refund = r.position ORDER BY q.position))),
  'amount', ${moneySql("r.amount_cents")}, 'currency', o.currency, 'restock', json(iif(r.restock, 'true', 'false')),
  'payment', json_object('status', o.payment_status), 'createdAt', ${timeSql("r.created_at")})`;

/**
 * The statement that adds a mail about the order `o`; none for an order without a person. `now` is an expression. A mail for
 * the staff of the shop has no recipient.
 */
export const noticeSql = (
  kind: "shipped" | "cancelled" | "void-refused",
  where: string,
  now: string,
  { isForShop = false } = {},
): string => `INSERT INTO outbox (number, kind, recipient, data, state, due_at, created_at)
SELECT o.number, '${kind}', ${isForShop ? "NULL" : "o.email"}, ${orderJson("o")}, 'due', ${now}, ${now}
FROM orders AS o WHERE ${where}${isForShop ? "" : " AND o.email <> ''"}`;

/** The statement that adds the mail about the refund `r` of the order `o`. */
export const refundNoticeSql = (
  where: string,
  now: string,
): string => `INSERT INTO outbox (number, kind, part, recipient, data, state, due_at, created_at)
SELECT o.number, 'refunded', r.position, o.email, json_set(${orderJson("o")}, '$.refund', json(${REFUND_JSON})),
  'due', ${now}, ${now}
FROM refunds AS r JOIN orders AS o ON o.number = r.number WHERE ${where} AND o.email <> ''`;
