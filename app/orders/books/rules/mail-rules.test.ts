// Changes of mails, kept answers and the sandbox's records behind the schema's back: each rule names the row that does not fit.
import { expect, test } from "bun:test";
import { type Breaks, describeBreaks, of, unmatched } from "../../../testing/book-breaks.ts";
import { MAIL_RULES } from "./mail-rules.ts";

const BREAKS: Breaks = {
  "Each order has one receipt": [
    of(
      "shipped",
      "DELETE FROM outbox WHERE number = # AND kind = 'receipt'",
      "order #: 0 receipts and 1 alerts",
    ),
    of(
      "shipped",
      "UPDATE outbox SET kind = 'alert', part = 1 WHERE number = # AND kind = 'receipt'",
      "order #: 0 receipts and 2 alerts",
    ),
  ],
  "Receipt and alert are held": [
    of(
      "waiting",
      "UPDATE outbox SET state = 'due' WHERE number = # AND kind = 'receipt'",
      "order #: it is pending, its receipt is due",
    ),
    of(
      "shipped",
      "UPDATE outbox SET state = 'held' WHERE number = # AND kind = 'alert'",
      "order #: it is shipped, its alert is held",
    ),
    of(
      "declined",
      "UPDATE outbox SET state = 'sent' WHERE number = #",
      "order #: it is cancelled, its receipt is sent",
    ),
    of(
      "cancelled",
      "UPDATE outbox SET state = 'withdrawn' WHERE number = #",
      "order #: it is cancelled, its receipt is withdrawn",
    ),
    of(
      "refunded",
      "UPDATE outbox SET tries = 0 WHERE number = # AND kind = 'alert'",
      "order #: it is shipped, its alert is withdrawn",
    ),
    of(
      "invoice",
      "UPDATE outbox SET state = 'held' WHERE number = #",
      "order #: it is pending, its receipt is held",
    ),
  ],
  "Other mails come once": [
    of(
      "confirmed",
      "UPDATE outbox SET kind = 'shipped' WHERE number = # AND kind = 'alert'",
      "order #: it is confirmed, its shipped is due",
    ),
    of(
      "shipped",
      "UPDATE outbox SET kind = 'cancelled' WHERE number = # AND kind = 'shipped'",
      "order #: it is shipped, its cancelled is due",
    ),
    of(
      "shipped",
      "UPDATE outbox SET kind = 'void-refused' WHERE number = # AND kind = 'shipped'",
      "order #: it is shipped, its void-refused is due",
    ),
    of(
      "refunding",
      "UPDATE outbox SET kind = 'refunded', part = 1 WHERE number = # AND kind = 'shipped'",
      "order #: it is shipped, its refunded is due",
    ),
    of(
      "shipped",
      "UPDATE outbox SET kind = 'other' WHERE number = # AND kind = 'shipped'",
      "order #: it is shipped, its other is due",
    ),
    of(
      "shipped",
      "INSERT INTO outbox (seq, number, kind, part, state) SELECT seq + 1000, number, kind, part, state FROM outbox WHERE number = #",
      "order #: 2 mails shipped 0",
    ),
    of(
      "delivered",
      "DELETE FROM outbox WHERE number = # AND kind = 'shipped'",
      "order #: it is delivered without a mail",
    ),
    of(
      "cancelled",
      "DELETE FROM outbox WHERE number = # AND kind = 'cancelled'",
      "order #: it is cancelled without a mail",
    ),
    of(
      "refunded",
      "DELETE FROM outbox WHERE number = # AND kind = 'refunded'",
      "order #: refund 1 is done without a mail",
    ),
  ],
  "An order without a person": [
    of(
      "without a person",
      "UPDATE orders SET email_key = 'x' WHERE number = #",
      "order #: its account was removed, and it still names a person",
    ),
    of(
      "without a person",
      "UPDATE orders SET address = '{}' WHERE number = #",
      "order #: its account was removed, and it still names a person",
    ),
    of(
      "without a person",
      "UPDATE orders SET client = '::1' WHERE number = #",
      "order #: its account was removed, and it still names a person",
    ),
    of(
      "without a person",
      "UPDATE outbox SET data = '{}' WHERE number = #",
      "order #: it is shipped, its receipt is withdrawn, and not empty",
    ),
    of("without a person", "UPDATE outbox SET recipient = 'a@b' WHERE number = #", "and not empty"),
    of(
      "without a person",
      "UPDATE outbox SET state = 'due' WHERE number = #",
      "its receipt is due, and not empty",
    ),
  ],
  "A kept answer of an order": [
    of(
      "confirmed",
      'UPDATE idempotency SET headers = \'{"location":"gone"}\'',
      "kept answer: order gone does not exist",
    ),
  ],
  "Each payment that the sandbox authorised": [
    of(
      "confirmed",
      "INSERT INTO sandbox_payments SELECT * FROM sandbox_payments WHERE id = (SELECT id FROM orders WHERE number = #)",
      "the order is paid 2 times",
    ),
    of(
      "confirmed",
      "UPDATE sandbox_payments SET id = 'nobody' WHERE id = (SELECT id FROM orders WHERE number = #)",
      "sandbox payment nobody: authorized 8491 USD, it has no order",
    ),
    of(
      "confirmed",
      "UPDATE sandbox_payments SET amount_cents = 1 WHERE id = (SELECT id FROM orders WHERE number = #)",
      "authorized 1 USD, order # is confirmed over 8491 USD",
    ),
    of(
      "confirmed",
      "UPDATE sandbox_payments SET currency = 'EUR' WHERE id = (SELECT id FROM orders WHERE number = #)",
      "authorized 8491 EUR",
    ),
    of(
      "cancelled",
      "UPDATE sandbox_payments SET status = 'authorized' WHERE id = (SELECT id FROM orders WHERE number = #)",
      "order # is cancelled",
    ),
    of(
      "declined",
      "UPDATE sandbox_payments SET status = 'processing', settles_at = 1 WHERE id = (SELECT id FROM orders WHERE number = #)",
      "order # is cancelled",
    ),
    of(
      "invoice",
      "INSERT INTO sandbox_payments SELECT (SELECT id FROM orders WHERE number = #), token, amount_cents, currency, status, captured_cents, refunded_cents, return_url, settles_at, created_at FROM sandbox_payments WHERE status = 'authorized' LIMIT 1",
      "order # is pending",
    ),
  ],
  "What the sandbox captured and refunded": [
    of(
      "confirmed",
      "UPDATE sandbox_payments SET captured_cents = amount_cents WHERE id = (SELECT id FROM orders WHERE number = #)",
      "captured 8491, order # 0",
    ),
    of(
      "shipped",
      "UPDATE sandbox_payments SET captured_cents = 0 WHERE id = (SELECT id FROM orders WHERE number = #)",
      "captured 0, order # 27998",
    ),
    of(
      "partly refunded",
      "UPDATE sandbox_payments SET refunded_cents = 2500 WHERE id = (SELECT id FROM orders WHERE number = #)",
      "refunded 2500, order 2499 to 2499",
    ),
    of(
      "refunding",
      "UPDATE sandbox_payments SET refunded_cents = 2000 WHERE id = (SELECT id FROM orders WHERE number = #)",
      "refunded 2000, order 0 to 1999",
    ),
  ],
  "An order that the sandbox has been paid for": [
    of(
      "confirmed",
      "DELETE FROM sandbox_payments WHERE id = (SELECT id FROM orders WHERE number = #)",
      "order #: it is confirmed and authorized, its sandbox payment is missing",
    ),
    of(
      "shipped",
      "UPDATE sandbox_payments SET status = 'voided' WHERE id = (SELECT id FROM orders WHERE number = #)",
      "its sandbox payment is voided",
    ),
  ],
};

test("every rule has changes that break it", () => {
  expect(unmatched(MAIL_RULES, BREAKS)).toEqual([]);
});

describeBreaks(BREAKS);
