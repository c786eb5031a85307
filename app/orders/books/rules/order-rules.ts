// The rules of an order itself: its number, its amounts, its lines and its history.
import { STEPS } from "../../steps.ts";
import { IN_SLICE, type Rule } from "../rule.ts";

const ALLOWED = STEPS.map(({ from, to }) => `'${from} ${to}'`).join(", ");
const ORDER = "'order ' || o.number || ': '";

const isNoAmount = (columns: string[]): string =>
  columns.map((column) => `typeof(${column}) <> 'integer'`).join(" OR ");

/** The rows of a table of orders' parts whose order is missing. */
const orphans = (table: string): string => `SELECT 'order ' || c.number || ': a row of ${table} has no order'
FROM ${table} AS c WHERE c.number > ?1 AND c.number <= ?2 AND NOT EXISTS (SELECT 1 FROM orders WHERE number = c.number)`;
const PARTS = [
  "order_lines",
  "order_history",
  "refunds",
  "refund_lines",
  "payment_requests",
  "payment_events",
  "outbox",
];

export const ORDER_RULES: Rule[] = [
  {
    sentence: "Numbers of orders have no gap.",
    by: "orders",
    sql: `SELECT ${ORDER} || 'there is no order ' || (o.number - 1) FROM orders AS o
WHERE ${IN_SLICE} AND o.number <> 10001 AND NOT EXISTS (SELECT 1 FROM orders WHERE number = o.number - 1)`,
  },
  {
    sentence: "Numbers and ids of orders are unique, and a cart has one order that is not cancelled.",
    by: "orders",
    sql: `SELECT ${ORDER} || count(*) || ' orders have this number' FROM orders AS o
WHERE ${IN_SLICE} GROUP BY o.number HAVING count(*) > 1
UNION ALL
SELECT ${ORDER} || 'order ' || p.number || ' has the same id' FROM orders AS o JOIN orders AS p ON p.id = o.id
WHERE ${IN_SLICE} AND +p.number < o.number
UNION ALL
SELECT ${ORDER} || 'order ' || p.number || ' has the same cart' FROM orders AS o JOIN orders AS p ON p.cart_id = o.cart_id
WHERE ${IN_SLICE} AND +p.number < o.number AND o.status <> 'cancelled' AND p.cart_id IS NOT NULL AND p.status <> 'cancelled'`,
  },
  {
    sentence: "Every part of an order has its order, and an order of an account has its account.",
    by: "orders",
    sql: `${PARTS.map(orphans).join("\nUNION ALL\n")}
UNION ALL
SELECT ${ORDER} || 'its account is gone' FROM orders AS o
WHERE ${IN_SLICE} AND o.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users WHERE id = o.user_id)`,
  },
  {
    sentence: "Amounts are whole numbers of minor units.",
    by: "orders",
    sql: `SELECT ${ORDER} || 'an amount is not whole' FROM orders AS o
WHERE ${IN_SLICE} AND (${isNoAmount(["items_cents", "shipping_cents", "tax_cents", "total_cents", "captured_cents", "refunded_cents"])})
UNION ALL
SELECT ${ORDER} || 'an amount of line ' || o.position || ' is not whole' FROM order_lines AS o
WHERE ${IN_SLICE} AND (${isNoAmount(["price_cents", "tax_cents", "quantity", "refunded", "returned"])})
UNION ALL
SELECT ${ORDER} || 'the amount of refund ' || o.position || ' is not whole' FROM refunds AS o
WHERE ${IN_SLICE} AND ${isNoAmount(["amount_cents"])}
UNION ALL
SELECT ${ORDER} || 'the amount of its ' || o.kind || ' is not whole' FROM payment_requests AS o
WHERE ${IN_SLICE} AND ${isNoAmount(["amount_cents"])}`,
  },
  {
    sentence: "An order has lines, and its total is their sum and the delivery.",
    by: "orders",
    sql: `SELECT 'order ' || number || ': ' || lines || ' lines of ' || sum_cents || ', items ' || items_cents || ', delivery '
  || shipping_cents || ', total ' || total_cents
FROM (
  SELECT o.number, o.items_cents, o.shipping_cents, o.total_cents, count(l.position) AS lines, max(l.position) AS last,
    coalesce(sum(l.price_cents * l.quantity), 0) AS sum_cents
  FROM orders AS o LEFT JOIN order_lines AS l ON l.number = o.number WHERE ${IN_SLICE} GROUP BY o.number
) WHERE lines = 0 OR last <> lines - 1 OR sum_cents <> items_cents OR total_cents <> items_cents + shipping_cents`,
  },
  {
    // A tax t of an amount a, half up, says that the rate is between (t - 1/2) / a and (t + 1/2) / a.
    sentence: "The tax is that of the lines and the delivery, and one rate explains each of them.",
    by: "orders",
    sql: `WITH parts (number, cents, tax) AS (
  SELECT o.number, o.price_cents * o.quantity, o.tax_cents FROM order_lines AS o WHERE ${IN_SLICE}
  UNION ALL
  SELECT o.number, o.shipping_cents,
    o.tax_cents - (SELECT coalesce(sum(l.tax_cents), 0) FROM order_lines AS l WHERE l.number = o.number)
  FROM orders AS o WHERE ${IN_SLICE}
)
SELECT 'order ' || number || ': its taxes do not fit its amounts, ' || group_concat(tax || ' of ' || cents, ', ')
FROM parts GROUP BY number
HAVING min(tax) < 0 OR max(tax - cents) > 0
  OR max((2 * tax - 1.0) / (2 * cents)) > min((2 * tax + 1.0) / (2 * cents)) + 1e-13`,
  },
  {
    sentence: "The history begins with the order, and its last status is the order's.",
    by: "orders",
    sql: `SELECT 'order ' || number || ': it is ' || status || ', its history has ' || coalesce(steps, 'nothing')
FROM (
  SELECT o.number, o.status, count(h.position) AS entries, max(h.position) AS last,
    group_concat(h.position || ' ' || h.status, ', ') AS steps,
    max(iif(h.position = 1, h.status || ' ' || h.at, '')) AS first, 'pending ' || o.created_at AS placed,
    (SELECT status FROM order_history WHERE number = o.number ORDER BY position DESC LIMIT 1) AS now
  FROM orders AS o LEFT JOIN order_history AS h ON h.number = o.number WHERE ${IN_SLICE} GROUP BY o.number
) WHERE entries = 0 OR last <> entries OR first <> placed OR now <> status`,
  },
  {
    sentence: "Each step of the history is an allowed one, and its times do not run backwards.",
    by: "orders",
    sql: `SELECT ${ORDER} || 'step ' || o.position || ' leads from ' || p.status || ' at ' || p.at || ' to ' || o.status || ' at ' || o.at
FROM order_history AS o JOIN order_history AS p ON p.number = o.number AND p.position = o.position - 1
WHERE ${IN_SLICE} AND ((p.status || ' ' || o.status) NOT IN (${ALLOWED}) OR o.at < p.at)`,
  },
  {
    sentence: "An order has the time of its confirmation if it was confirmed, and none otherwise.",
    by: "orders",
    sql: `SELECT ${ORDER} || 'confirmed at ' || coalesce(o.confirmed_at, 'no time') || ', and its history says otherwise'
FROM orders AS o WHERE ${IN_SLICE} AND (
  (o.confirmed_at IS NOT NULL)
    <> EXISTS (SELECT 1 FROM order_history AS h WHERE h.number = o.number AND h.status = 'confirmed')
)`,
  },
];
