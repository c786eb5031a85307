// Changes of single mails behind the schema's back: each rule names the row that does not fit.
import { expect, test } from "bun:test";
import { type Breaks, describeBreaks, of, unmatched } from "../../../testing/book-breaks.ts";
import { OUTBOX_RULES } from "./outbox-rules.ts";

const BREAKS: Breaks = {
  "A sent mail has its time": [
    of(
      "delivered",
      "UPDATE outbox SET sent_at = NULL WHERE number = # AND kind = 'receipt'",
      ": receipt is sent after 1 tries, without an error",
    ),
    of("delivered", "UPDATE outbox SET tries = 0 WHERE number = #", ": receipt is sent after 0 tries"),
    of(
      "shipped",
      "UPDATE outbox SET sent_at = 1 WHERE number = # AND kind = 'receipt'",
      ": receipt is due after 0 tries, with the time when it was sent",
    ),
    of(
      "refunded",
      "UPDATE outbox SET last_error = NULL WHERE number = #",
      ": receipt is parked after 12 tries, without an error",
    ),
    of("waiting", "UPDATE outbox SET tries = 1 WHERE number = #", ": receipt is held after 1 tries"),
    of(
      "confirmed",
      "UPDATE outbox SET sent_at = NULL WHERE kind = 'low-stock'",
      ": low-stock is sent after 1 tries",
    ),
  ],
  "A mail that waits has its content": [
    of(
      "shipped",
      "UPDATE outbox SET data = NULL WHERE number = # AND kind = 'receipt'",
      "order #: its receipt is due, without content, to person",
    ),
    of(
      "refunded",
      "UPDATE outbox SET data = NULL, recipient = NULL WHERE number = # AND kind = 'receipt'",
      "order #: its receipt is parked, without content, to the staff",
    ),
    of(
      "shipped",
      "UPDATE outbox SET recipient = NULL WHERE number = # AND kind = 'shipped'",
      "order #: its shipped is due, to the staff",
    ),
    of(
      "confirmed",
      "UPDATE outbox SET recipient = 'else@shop.example' WHERE number = # AND kind = 'receipt'",
      "order #: its receipt is due, to else@shop.example",
    ),
    of(
      "confirmed",
      "UPDATE outbox SET recipient = 'guest@shop.example' WHERE number = # AND kind = 'alert'",
      "order #: its alert is due, to guest@shop.example",
    ),
    of(
      "partly refunded",
      "UPDATE outbox SET recipient = 'sam@shop.example' WHERE number = # AND kind = 'receipt'",
      "order #: its receipt is sent, without content, to sam@shop.example",
    ),
  ],
  "A mail to the customer of a confirmed order": [
    of(
      "shipped",
      "UPDATE outbox SET state = 'withdrawn', tries = 1 WHERE number = # AND kind = 'receipt'",
      "order #: its receipt is withdrawn",
    ),
    of(
      "invoice",
      "UPDATE outbox SET state = 'withdrawn' WHERE number = #",
      "order #: its receipt is withdrawn",
    ),
    of(
      "shipped",
      "UPDATE outbox SET state = 'withdrawn' WHERE number = # AND kind = 'shipped'",
      "order #: its shipped is withdrawn",
    ),
    of(
      "voiding",
      "UPDATE outbox SET state = 'withdrawn', data = NULL, recipient = NULL WHERE number = # AND kind = 'cancelled'",
      "order #: its cancelled is withdrawn",
    ),
  ],
  "A mail without an order has the key": [
    of("confirmed", "UPDATE outbox SET key = NULL WHERE kind = 'low-stock'", ": low-stock without a key"),
    of("confirmed", "UPDATE outbox SET key = 'a' WHERE kind = 'low-stock'", ': low-stock "a"'),
    of(
      "confirmed",
      "UPDATE outbox SET key = 'a 2026-01-30' WHERE kind = 'daily-report'",
      ': daily-report "a 2026-01-30"',
    ),
    of("confirmed", "UPDATE outbox SET kind = 'news' WHERE kind = 'daily-report'", ': news "2026-01-30"'),
    of(
      "confirmed",
      "UPDATE outbox SET kind = 'receipt' WHERE kind = 'daily-report'",
      ': receipt "2026-01-30"',
    ),
    of(
      "confirmed",
      "UPDATE outbox SET key = 'nobody 1769817600000' WHERE kind = 'password-reset'",
      ': password-reset "nobody 1769817600000"',
    ),
    of("confirmed", "UPDATE outbox SET key = key || 'x' WHERE kind = 'password-reset'", '1769817600000x"'),
    of("confirmed", "UPDATE outbox SET recipient = NULL WHERE kind = 'password-reset'", ': password-reset "'),
    of(
      "confirmed",
      "UPDATE outbox SET recipient = 'sam@shop.example' WHERE kind = 'daily-report'",
      ': daily-report "2026-01-30"',
    ),
    of("confirmed", "UPDATE outbox SET data = NULL WHERE kind = 'low-stock'", ': low-stock "a 2026-01-31"'),
    of(
      "confirmed",
      "INSERT INTO outbox (seq, kind, key, data, state, tries) SELECT seq + 1000, kind, key, data, state, tries FROM outbox WHERE kind = 'daily-report'",
      ': daily-report "2026-01-30" is there 2 times',
    ),
    of(
      "shipped",
      "UPDATE outbox SET key = 'k' WHERE number = # AND kind = 'receipt'",
      ': receipt "k", of an order',
    ),
  ],
};

test("every rule has changes that break it", () => {
  expect(unmatched(OUTBOX_RULES, BREAKS)).toEqual([]);
});

describeBreaks(BREAKS);
