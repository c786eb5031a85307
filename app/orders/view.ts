// The view of an order: SQL expressions that build its JSON inside the database, and what a payment changes of it.
import { moneySql, timeSql } from "../../db/sql.ts";

/** The lines of an order as a JSON list, over the row `o`. */
export const itemsJson = (o: string): string =>
  `(SELECT json_group_array(json_object('productId', product_id, 'productName', title, 'size', size,
  'quantity', quantity, 'price', ${moneySql("price_cents")}))
  FROM (SELECT * FROM order_lines WHERE number = ${o}.number ORDER BY position))`;

// A merge patch leaves out members that are null.
const paymentJson = (o: string): string => `json_patch(
  json_object('status', iif(${o}.payment_status = 'authorizing', 'unknown', ${o}.payment_status),
    'reference', ${o}.payment_reference),
  json_object('redirectUrl', iif(${o}.payment_status = 'requires_action', ${o}.redirect_url, NULL)))`;

/** The JSON object of an order, over the row `o`. */
export const orderJson = (o: string): string => `json_patch(json_object(
  'id', ${o}.id, 'number', CAST(${o}.number AS TEXT), 'userId', ${o}.user_id, 'email', ${o}.email, 'status', ${o}.status,
  'items', json(${itemsJson(o)}),
  'totals', json_object('items', ${moneySql(`${o}.items_cents`)}, 'shipping', ${moneySql(`${o}.shipping_cents`)},
    'tax', ${moneySql(`${o}.tax_cents`)}, 'total', ${moneySql(`${o}.total_cents`)}),
  'totalAmount', ${moneySql(`${o}.total_cents`)}, 'currency', ${o}.currency, 'shippingAddress', json(${o}.address),
  'shippingMethod', ${o}.shipping_method, 'paymentMethod', ${o}.payment_method, 'payment', json(${paymentJson(o)}),
  'createdAt', ${timeSql(`${o}.created_at`)}, 'updatedAt', ${timeSql(`${o}.updated_at`)}),
  json_object('trackingUrl', ${o}.tracking_url))`;

/** The fields of an order that the outcome of an authorisation changes. */
export type PaymentStep = {
  status: string;
  paymentStatus: string;
  reference: string | null;
  redirectUrl: string | null;
  updatedAtMs: number;
};

/** The JSON of an order after this step, from its JSON before: as `orderJson` makes it, which costs much more. */
export function steppedJson(json: string, step: PaymentStep): string {
  const { status, paymentStatus, reference, redirectUrl, updatedAtMs } = step;
  const goesOn = paymentStatus === "requires_action" && redirectUrl !== null;
  return JSON.stringify({
    ...JSON.parse(json),
    status,
    payment: { status: paymentStatus, reference, ...(goesOn ? { redirectUrl } : {}) },
    updatedAt: new Date(updatedAtMs).toISOString(),
  });
}
