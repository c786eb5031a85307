// The rules of what orders leave elsewhere: rows of the outbox, kept answers, and the records of the sandbox gateway.
import { IN_SLICE, type Rule } from "../rule.ts";

const ORDER = "'order ' || o.number || ': '";
const MAIL = `${ORDER} || 'it is ' || o.status || ', its ' || m.kind || ' is ' || m.state`;
const MAILS = "orders AS o JOIN outbox AS m ON m.number = o.number";
const VOID_DUE =
  "EXISTS (SELECT 1 FROM payment_requests AS q WHERE q.number = o.number AND q.kind = 'void' AND q.state = 'due')";
/** Authorised, by the time alone or for certain, or captured; over the row `p` of the sandbox. */
const IS_PAID =
  "(p.status IN ('authorized', 'captured') OR (p.status = 'processing' AND p.settles_at IS NOT NULL))";

export const MAIL_RULES: Rule[] = [
  {
    sentence: "Each order has one receipt and one alert.",
    by: "orders",
    sql: `SELECT ${ORDER} || receipts || ' receipts and ' || alerts || ' alerts' FROM (
  SELECT o.number, coalesce(sum(m.kind = 'receipt'), 0) AS receipts, coalesce(sum(m.kind = 'alert'), 0) AS alerts
  FROM orders AS o LEFT JOIN outbox AS m ON m.number = o.number WHERE ${IN_SLICE} GROUP BY o.number
) AS o WHERE receipts <> 1 OR alerts <> 1`,
  },
  {
    sentence:
      "Receipt and alert are held while the payment is unsettled, withdrawn where the order was cancelled before, else released; an alert without a reader is withdrawn.",
    by: "orders",
    sql: `SELECT ${MAIL} FROM ${MAILS} WHERE ${IN_SLICE} AND o.email <> '' AND m.kind IN ('receipt', 'alert')
  AND m.state NOT IN (SELECT value FROM json_each(CASE
    WHEN m.kind = 'alert' AND m.tries > 0 THEN '["due","sent","parked","withdrawn"]'
    WHEN o.payment_method = 'invoice' OR o.confirmed_at IS NOT NULL THEN '["due","sent","parked"]'
    WHEN o.status = 'pending' THEN '["held"]' ELSE '["withdrawn"]' END))`,
  },
  {
    sentence: "Other mails come once, where they belong: of what was shipped, cancelled or refunded.",
    by: "orders",
    sql: `SELECT ${MAIL} FROM ${MAILS} WHERE ${IN_SLICE} AND NOT CASE m.kind
  WHEN 'receipt' THEN m.part = 0 WHEN 'alert' THEN m.part = 0
  WHEN 'shipped' THEN m.part = 0 AND o.status IN ('shipped', 'delivered')
  WHEN 'cancelled' THEN m.part = 0 AND o.status = 'cancelled'
  WHEN 'refunded' THEN EXISTS (SELECT 1 FROM refunds AS r WHERE r.number = o.number AND r.position = m.part AND r.state = 'done')
  WHEN 'void-refused' THEN EXISTS (SELECT 1 FROM payment_requests AS q
    WHERE q.number = o.number AND q.kind = 'void' AND q.state = 'refused')
  ELSE 0 END
UNION ALL
SELECT ${ORDER} || count(*) || ' mails ' || m.kind || ' ' || m.part FROM ${MAILS}
WHERE ${IN_SLICE} GROUP BY o.number, m.kind, m.part HAVING count(*) > 1
UNION ALL
SELECT ${ORDER} || 'it is ' || o.status || ' without a mail' FROM orders AS o
WHERE ${IN_SLICE} AND o.email <> ''
  AND (o.status IN ('shipped', 'delivered') OR (o.status = 'cancelled' AND o.confirmed_at IS NOT NULL))
  AND NOT EXISTS (SELECT 1 FROM outbox AS m
    WHERE m.number = o.number AND m.kind = iif(o.status = 'cancelled', 'cancelled', 'shipped'))
UNION ALL
SELECT ${ORDER} || 'refund ' || r.position || ' is done without a mail' FROM refunds AS r JOIN orders AS o ON o.number = r.number
WHERE ${IN_SLICE} AND o.email <> '' AND o.status <> 'cancelled' AND r.state = 'done'
  AND NOT EXISTS (SELECT 1 FROM outbox AS m WHERE m.number = r.number AND m.kind = 'refunded' AND m.part = r.position)`,
  },
  {
    sentence: "An order without a person has no address of one, and its mails are empty.",
    by: "orders",
    sql: `SELECT ${ORDER} || 'its account was removed, and it still names a person' FROM orders AS o
WHERE ${IN_SLICE} AND o.email = '' AND (o.email_key <> '' OR o.user_id IS NOT NULL OR (o.client IS NOT NULL AND o.status <> 'pending')
  OR (o.address IS NOT NULL AND o.status NOT IN ('pending', 'confirmed')))
UNION ALL
SELECT ${MAIL} || ', and not empty' FROM ${MAILS} WHERE ${IN_SLICE} AND o.email = '' AND m.kind <> 'void-refused'
  AND (m.recipient IS NOT NULL OR m.data IS NOT NULL OR m.state NOT IN ('sent', 'withdrawn'))`,
  },
  {
    sentence: "A kept answer of an order leads to an order.",
    by: "keys",
    sql: `SELECT 'kept answer: order ' || (i.headers ->> '$.location') || ' does not exist' FROM idempotency AS i
WHERE i.user_id > ?1 AND i.user_id <= ?2 AND i.body IS NULL AND i.headers ->> '$.location' NOT LIKE '%/%'
  AND NOT EXISTS (SELECT 1 FROM orders WHERE id = i.headers ->> '$.location')`,
  },
  {
    sentence:
      "Each payment that the sandbox authorised or captured has its order, which is not cancelled, for its amount, once.",
    by: "payments",
    sql: `SELECT 'sandbox payment ' || p.id || ': ' || p.status || ' ' || p.amount_cents || ' ' || p.currency || ', '
  || coalesce('order ' || o.number || ' is ' || o.status || ' over ' || o.total_cents || ' ' || o.currency, 'it has no order')
FROM sandbox_payments AS p LEFT JOIN orders AS o ON o.id = p.id
WHERE p.id > ?1 AND p.id <= ?2 AND ${IS_PAID} AND (
  o.id IS NULL OR o.payment_method <> 'card' OR p.amount_cents <> o.total_cents OR p.currency <> o.currency
  OR (o.status = 'cancelled' AND NOT ${VOID_DUE})
)
UNION ALL
SELECT 'sandbox payment ' || p.id || ': the order is paid ' || count(*) || ' times' FROM sandbox_payments AS p
WHERE p.id > ?1 AND p.id <= ?2 AND ${IS_PAID} GROUP BY p.id HAVING count(*) > 1`,
  },
  {
    sentence: "What the sandbox captured and refunded is what its order says.",
    by: "payments",
    sql: `SELECT 'sandbox payment ' || id || ': captured ' || captured || ', order ' || number || ' ' || expected || '; refunded ' || refunded
  || ', order ' || certain || ' to ' || possible
FROM (
  SELECT p.id, o.number, p.captured_cents AS captured, o.captured_cents AS expected, p.refunded_cents AS refunded,
    (SELECT coalesce(sum(amount_cents), 0) FROM refunds WHERE number = o.number AND state = 'done') AS certain,
    (SELECT coalesce(sum(amount_cents), 0) FROM refunds WHERE number = o.number AND state <> 'refused') AS possible,
    EXISTS (SELECT 1 FROM payment_requests AS q WHERE q.number = o.number AND q.kind = 'capture' AND q.state = 'due') AS is_due
  FROM sandbox_payments AS p JOIN orders AS o ON o.id = p.id WHERE p.id > ?1 AND p.id <= ?2
) WHERE (captured <> expected AND NOT is_due) OR refunded NOT BETWEEN certain AND possible`,
  },
  {
    sentence: "An order that the sandbox has been paid for has its payment there.",
    by: "orders",
    sql: `SELECT ${ORDER} || 'it is ' || o.status || ' and ' || o.payment_status || ', its sandbox payment is '
  || coalesce(p.status, 'missing')
FROM orders AS o LEFT JOIN sandbox_payments AS p ON p.id = o.id
WHERE ${IN_SLICE} AND o.payment_reference = 'sandbox-' || o.id AND o.status IN ('confirmed', 'shipped', 'delivered')
  AND NOT coalesce(${IS_PAID}, 0)`,
  },
];
