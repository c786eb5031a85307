// The rules of a mail itself: its state, its content and recipient, and its key where it is about no order.
import { IN_SLICE, type Rule } from "../rule.ts";

const ORDER_MAIL = "'order ' || o.number || ': its ' || m.kind || ' is ' || m.state";
const MAILS = "orders AS o JOIN outbox AS m ON m.number = o.number";
const MAIL = "'mail ' || m.seq || ': ' || m.kind || ' is ' || m.state";
const KEYED = "'mail ' || m.seq || ': ' || m.kind || ' ' || coalesce('\"' || m.key || '\"', 'without a key')";
const MAILS_IN_SLICE = "m.seq > ?1 AND m.seq <= ?2";

/** Kinds of mail for the staff of the shop, whose address is a setting. */
const FOR_STAFF = "('alert', 'void-refused', 'low-stock', 'daily-report')";
const WAITS = "m.state IN ('held', 'due', 'parked')";
const DATE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]";
const TIME_MS = "[0-9]".repeat(13);

export const OUTBOX_RULES: Rule[] = [
  {
    sentence:
      "A sent mail has its time and was tried, a parked one has its error, and a held one was not tried.",
    by: "mails",
    sql: `SELECT ${MAIL} || ' after ' || m.tries || ' tries' || iif(m.sent_at IS NULL, '', ', with the time when it was sent')
  || iif(m.last_error IS NULL, ', without an error', '')
FROM outbox AS m WHERE ${MAILS_IN_SLICE} AND (
  (m.state = 'sent') <> (m.sent_at IS NOT NULL) OR (m.state = 'sent' AND m.tries = 0)
  OR (m.state = 'parked' AND m.last_error IS NULL) OR (m.state = 'held' AND m.tries > 0)
)`,
  },
  {
    sentence:
      "A mail that waits has its content and the address of its order, or none where it is for the staff.",
    by: "orders",
    sql: `SELECT ${ORDER_MAIL} || iif(m.data IS NULL, ', without content', '') || ', to ' || coalesce(m.recipient, 'the staff')
FROM ${MAILS} WHERE ${IN_SLICE} AND o.email <> ''
  AND ((${WAITS} AND (m.data IS NULL OR m.recipient IS NOT iif(m.kind IN ${FOR_STAFF}, NULL, o.email)))
    OR (m.data IS NULL AND m.recipient IS NOT NULL))`,
  },
  {
    sentence: "A mail to the customer of a confirmed order is not withdrawn.",
    by: "orders",
    sql: `SELECT ${ORDER_MAIL} FROM ${MAILS} WHERE ${IN_SLICE} AND o.email <> '' AND m.state = 'withdrawn'
  AND m.kind NOT IN ${FOR_STAFF} AND (m.kind <> 'receipt' OR o.confirmed_at IS NOT NULL OR o.payment_method = 'invoice')`,
  },
  {
    sentence:
      "A mail without an order has the key of its kind, once; it has its content, and an address unless it is for the staff.",
    by: "mails",
    sql: `SELECT ${KEYED} FROM outbox AS m WHERE ${MAILS_IN_SLICE} AND +m.number IS NULL AND 0 = coalesce(CASE m.kind
  WHEN 'password-reset' THEN m.key GLOB '?* ${TIME_MS}' AND EXISTS (
    SELECT 1 FROM users WHERE id = substr(m.key, 1, instr(m.key, ' ') - 1))
  WHEN 'low-stock' THEN m.key GLOB '?* ${DATE}'
  WHEN 'daily-report' THEN m.key GLOB '${DATE}'
  ELSE 0 END AND m.data IS NOT NULL AND (m.recipient IS NULL) = (m.kind IN ${FOR_STAFF}), 0)
UNION ALL
SELECT ${KEYED} || ' is there ' || count(*) || ' times' FROM outbox AS m JOIN outbox AS n ON n.kind = m.kind AND n.key = m.key
WHERE ${MAILS_IN_SLICE} AND m.key IS NOT NULL GROUP BY m.seq HAVING count(*) > 1
UNION ALL
SELECT ${KEYED} || ', of an order' FROM outbox AS m WHERE ${MAILS_IN_SLICE} AND m.number IS NOT NULL AND m.key IS NOT NULL`,
  },
];
