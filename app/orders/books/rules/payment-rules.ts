// The rules of payment: what an order says of its money fits its status, its requests to the gateway and its refunds.
import { UNSETTLED } from "../../payment/settle.ts";
import { IN_SLICE, type Rule } from "../rule.ts";

const ORDER = "'order ' || o.number || ': '";
const request = (kind: string, condition: string): string =>
  `EXISTS (SELECT 1 FROM payment_requests AS q WHERE q.number = o.number AND q.kind = '${kind}' AND ${condition})`;
const STANDS = `${ORDER} || 'it is ' || o.status || ', its payment (' || o.payment_method || ') ' || o.payment_status
  || ', captured ' || o.captured_cents || ' of ' || o.total_cents || ', refunded ' || o.refunded_cents`;
/** Refunds that the gateway has confirmed. */
const REFUNDED =
  "(SELECT coalesce(sum(amount_cents), 0) FROM refunds WHERE number = o.number AND state = 'done')";
const REFUND_STATUS = `CASE ${REFUNDED} WHEN 0 THEN 'captured' WHEN o.captured_cents THEN 'refunded' ELSE 'partially_refunded' END`;

export const PAYMENT_RULES: Rule[] = [
  {
    sentence: "The payment of an order fits its status.",
    by: "orders",
    sql: `SELECT ${STANDS} FROM orders AS o WHERE ${IN_SLICE} AND NOT CASE o.payment_method || ' ' || o.status
  WHEN 'card pending' THEN o.payment_status IN ${UNSETTLED} AND o.captured_cents = 0
  WHEN 'card confirmed' THEN o.payment_status = 'authorized' AND o.captured_cents = 0
  WHEN 'card cancelled' THEN o.captured_cents = 0
    AND (o.payment_status IN ('declined', 'voided') OR ${request("void", "q.state = 'due'")})
  WHEN 'invoice pending' THEN o.payment_status = 'none' AND o.captured_cents = 0
  WHEN 'invoice cancelled' THEN iif(o.confirmed_at IS NULL, o.payment_status = 'none' AND o.captured_cents = 0,
    o.payment_status = 'refunded' AND o.captured_cents = o.total_cents AND o.refunded_cents = o.total_cents)
  ELSE o.captured_cents = o.total_cents END`,
  },
  {
    sentence: "A captured payment says how much of it is refunded.",
    by: "orders",
    sql: `SELECT ${STANDS} FROM orders AS o WHERE ${IN_SLICE} AND o.captured_cents > 0
  AND o.payment_status <> ${REFUND_STATUS}`,
  },
  {
    sentence:
      "A card's order has one authorisation of its total, due while its payment is unsettled; no other order has one.",
    by: "orders",
    sql: `SELECT ${STANDS} || ', its authorisation ' || coalesce(q.state || ' of ' || q.amount_cents, 'missing')
FROM orders AS o LEFT JOIN payment_requests AS q ON q.number = o.number AND q.kind = 'authorise'
WHERE ${IN_SLICE} AND CASE
  WHEN o.payment_method <> 'card' THEN q.number IS NOT NULL
  WHEN q.number IS NULL OR q.amount_cents <> o.total_cents THEN 1
  WHEN o.payment_status IN ${UNSETTLED} AND o.status = 'pending' THEN q.state <> 'due'
  WHEN o.status IN ('confirmed', 'shipped', 'delivered') THEN q.state <> 'done'
  ELSE o.confirmed_at IS NOT NULL AND q.state <> 'done' END`,
  },
  {
    sentence:
      "A capture is of the whole total, and due only for a confirmed order; what is captured is that of a shipped one.",
    by: "orders",
    sql: `SELECT ${STANDS} || ', its capture ' || coalesce(q.state || ' of ' || q.amount_cents, 'missing')
FROM orders AS o LEFT JOIN payment_requests AS q ON q.number = o.number AND q.kind = 'capture'
WHERE ${IN_SLICE} AND CASE
  WHEN o.payment_method <> 'card' THEN q.number IS NOT NULL
  WHEN o.status IN ('shipped', 'delivered') THEN coalesce(q.state, '') <> 'done' OR q.amount_cents <> o.total_cents
  WHEN o.status = 'confirmed' THEN coalesce(q.state, '') = 'done' OR q.amount_cents <> o.total_cents
  ELSE coalesce(q.state, 'refused') <> 'refused' END`,
  },
  {
    sentence: "A void belongs to a cancelled order, and has one that is voided once it is done.",
    by: "orders",
    sql: `SELECT ${STANDS} || ', its void ' || q.state FROM payment_requests AS q JOIN orders AS o ON o.number = q.number
WHERE q.number > ?1 AND q.number <= ?2 AND q.kind = 'void'
  AND (o.status <> 'cancelled' OR (q.state <> 'due' AND o.payment_status NOT IN ('voided', 'declined')))`,
  },
  {
    sentence: "Refunds are within what was captured, and their sum is what the order says.",
    by: "orders",
    sql: `SELECT 'order ' || number || ': refunds of ' || sum_cents || ', refunded ' || refunded_cents || ', captured ' || captured_cents
FROM (
  SELECT o.number, o.refunded_cents, o.captured_cents, coalesce(sum(r.amount_cents), 0) AS sum_cents
  FROM orders AS o LEFT JOIN refunds AS r ON r.number = o.number AND r.state <> 'refused' WHERE ${IN_SLICE} GROUP BY o.number
) WHERE sum_cents <> refunded_cents OR refunded_cents > captured_cents OR refunded_cents < 0`,
  },
  {
    sentence: "A refund to a card has one request of its amount and state; no other request refunds.",
    by: "orders",
    sql: `SELECT ${ORDER} || 'refund ' || r.position || ' ' || r.state || ' of ' || r.amount_cents || ', its request '
  || coalesce(q.state || ' of ' || q.amount_cents, 'missing')
FROM refunds AS r JOIN orders AS o ON o.number = r.number
LEFT JOIN payment_requests AS q ON q.number = r.number AND q.kind = 'refund' AND q.refund = r.position
WHERE ${IN_SLICE} AND CASE o.payment_method
  WHEN 'card' THEN coalesce(q.state, '') <> r.state OR q.amount_cents <> r.amount_cents
  ELSE q.number IS NOT NULL OR r.state <> 'done' END
UNION ALL
SELECT ${ORDER} || 'a request refunds ' || o.amount_cents || ' without refund ' || o.refund
FROM payment_requests AS o WHERE ${IN_SLICE} AND o.kind = 'refund'
  AND NOT EXISTS (SELECT 1 FROM refunds AS r WHERE r.number = o.number AND r.position = o.refund)`,
  },
  {
    sentence: "The pairs refunded of a line are those of its refunds, and not more than were bought.",
    by: "orders",
    sql: `SELECT 'order ' || number || ': ' || pairs || ' pairs of line ' || position || ' in refunds, ' || refunded
  || ' refunded, ' || quantity || ' bought'
FROM (
  SELECT o.number, o.position, o.quantity, o.refunded, coalesce(sum(l.quantity), 0) AS pairs
  FROM order_lines AS o LEFT JOIN refunds AS r ON r.number = o.number AND r.state <> 'refused'
  LEFT JOIN refund_lines AS l ON l.number = o.number AND l.refund = r.position AND l.position = o.position
  WHERE ${IN_SLICE} GROUP BY o.number, o.position
) WHERE pairs <> refunded OR refunded > quantity
UNION ALL
SELECT ${ORDER} || 'refund ' || o.refund || ' has line ' || o.position || ', which is not there' FROM refund_lines AS o
WHERE ${IN_SLICE} AND NOT (EXISTS (SELECT 1 FROM refunds AS r WHERE r.number = o.number AND r.position = o.refund)
  AND EXISTS (SELECT 1 FROM order_lines AS l WHERE l.number = o.number AND l.position = o.position))`,
  },
  {
    // A refused refund leaves what went back into stock there; what it had restocked may be restocked once more.
    sentence: "All pairs of a cancelled order are back in stock, else those that refunds restocked.",
    by: "orders",
    sql: `SELECT 'order ' || number || ': ' || returned || ' of ' || quantity || ' pairs of line ' || position
  || ' are back, refunds restocked ' || certain || ' to ' || restocked || ', it is ' || status
FROM (
  SELECT o.number, l.position, l.quantity, l.returned, o.status, coalesce(sum(f.quantity), 0) AS restocked,
    coalesce(sum(iif(r.state = 'refused', 0, f.quantity)), 0) AS certain
  FROM orders AS o JOIN order_lines AS l ON l.number = o.number
  LEFT JOIN refunds AS r ON r.number = o.number AND r.restock = 1
  LEFT JOIN refund_lines AS f ON f.number = o.number AND f.refund = r.position AND f.position = l.position
  WHERE ${IN_SLICE} GROUP BY o.number, l.position
) WHERE CASE status WHEN 'cancelled' THEN returned <> quantity
  ELSE returned NOT BETWEEN min(quantity, certain) AND min(quantity, restocked) END`,
  },
];
