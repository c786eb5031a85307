// Changes of payments and refunds behind the schema's back: each rule names the row that does not fit.
import { expect, test } from "bun:test";
import { type Breaks, describeBreaks, of, unmatched } from "../../../testing/book-breaks.ts";
import { PAYMENT_RULES } from "./payment-rules.ts";

const BREAKS: Breaks = {
  "The payment of an order fits": [
    of(
      "waiting",
      "UPDATE orders SET payment_status = 'authorized' WHERE number = #",
      "order #: it is pending, its payment (card) authorized",
    ),
    of(
      "confirmed",
      "UPDATE orders SET captured_cents = total_cents WHERE number = #",
      "order #: it is confirmed, its payment (card) authorized, captured 8491",
    ),
    of(
      "voiding",
      "UPDATE payment_requests SET state = 'done' WHERE number = # AND kind = 'void'",
      "order #: it is cancelled, its payment (card) authorized",
    ),
    of(
      "shipped",
      "UPDATE orders SET captured_cents = captured_cents - 1 WHERE number = #",
      "captured 27997 of 27998",
    ),
    of(
      "invoice",
      "UPDATE orders SET payment_status = 'captured', captured_cents = total_cents WHERE number = #",
      "order #: it is pending, its payment (invoice) captured",
    ),
    of(
      "invoice confirmed",
      "UPDATE orders SET captured_cents = 0 WHERE number = #",
      "order #: it is confirmed, its payment (invoice) captured, captured 0",
    ),
    of(
      "invoice paid back",
      "UPDATE orders SET refunded_cents = refunded_cents - 1 WHERE number = #",
      "order #: it is cancelled, its payment (invoice) refunded",
    ),
  ],
  "A captured payment says": [
    of(
      "shipped",
      "UPDATE orders SET payment_status = 'refunded' WHERE number = #",
      "order #: it is shipped, its payment (card) refunded",
    ),
    of(
      "partly refunded",
      "UPDATE orders SET payment_status = 'captured' WHERE number = #",
      "order #: it is shipped, its payment (card) captured",
    ),
    of(
      "refunded",
      "UPDATE orders SET payment_status = 'partially_refunded' WHERE number = #",
      "order #: it is shipped",
    ),
  ],
  "A card's order has one authorisation": [
    of(
      "confirmed",
      "DELETE FROM payment_requests WHERE number = # AND kind = 'authorise'",
      "its authorisation missing",
    ),
    of(
      "confirmed",
      "UPDATE payment_requests SET amount_cents = 1 WHERE number = #",
      "order #: it is confirmed, its payment (card) authorized, captured 0 of 8491, refunded 0, its authorisation done of 1",
    ),
    of("waiting", "UPDATE payment_requests SET state = 'done' WHERE number = #", "its authorisation done"),
    of("confirmed", "UPDATE payment_requests SET state = 'due' WHERE number = #", "its authorisation due"),
    of(
      "cancelled",
      "UPDATE payment_requests SET state = 'due' WHERE number = # AND kind = 'authorise'",
      "its authorisation due",
    ),
    of(
      "invoice",
      "INSERT INTO payment_requests SELECT #, kind, refund, amount_cents, state, due_at, tries, created_at, settled_at FROM payment_requests WHERE number = 10001",
      "order #: it is pending, its payment (invoice) none",
    ),
  ],
  "A capture is of the whole total": [
    of(
      "shipped",
      "DELETE FROM payment_requests WHERE number = # AND kind = 'capture'",
      "its capture missing",
    ),
    of(
      "shipped",
      "UPDATE payment_requests SET amount_cents = amount_cents - 1 WHERE number = # AND kind = 'capture'",
      "its capture done of 27997",
    ),
    of(
      "shipping",
      "UPDATE payment_requests SET state = 'done' WHERE number = # AND kind = 'capture'",
      "order #: it is confirmed",
    ),
    of(
      "cancelled",
      "UPDATE payment_requests SET kind = 'capture', state = 'due' WHERE number = # AND kind = 'void'",
      "its capture due",
    ),
    of(
      "invoice shipped",
      "INSERT INTO payment_requests SELECT #, 'capture', 0, amount_cents, state, due_at, tries, created_at, settled_at FROM payment_requests WHERE number = 10001",
      "order #: it is shipped, its payment (invoice)",
    ),
  ],
  "A void belongs to a cancelled order": [
    of("confirmed", "UPDATE payment_requests SET kind = 'void' WHERE number = #", "order #: it is confirmed"),
    of(
      "cancelled",
      "UPDATE orders SET payment_status = 'authorized' WHERE number = #",
      "order #: it is cancelled",
    ),
  ],
  "Refunds are within what was captured": [
    of(
      "partly refunded",
      "UPDATE refunds SET amount_cents = amount_cents + 1 WHERE number = # AND position = 2",
      "order #: refunds of 2500, refunded 2499, captured 8491",
    ),
    of(
      "refund refused",
      "UPDATE refunds SET state = 'done' WHERE number = #",
      "order #: refunds of 1999, refunded 0, captured 8491",
    ),
    of(
      "refunded",
      "UPDATE orders SET captured_cents = captured_cents - 1 WHERE number = #",
      "order #: refunds of 8491, refunded 8491, captured 8490",
    ),
  ],
  "A refund to a card has one request": [
    of(
      "partly refunded",
      "DELETE FROM payment_requests WHERE number = # AND refund = 2",
      "order #: refund 2 done of 500, its request missing",
    ),
    of(
      "refunding",
      "UPDATE payment_requests SET state = 'done' WHERE number = # AND kind = 'refund'",
      "order #: refund 1 due of 1999, its request done of 1999",
    ),
    of(
      "refunding",
      "UPDATE payment_requests SET amount_cents = 2 WHERE number = # AND kind = 'refund'",
      "its request due of 2",
    ),
    of(
      "refunding",
      "UPDATE payment_requests SET refund = 2 WHERE number = # AND kind = 'refund'",
      "order #: a request refunds 1999 without refund 2",
    ),
    of(
      "invoice paid back",
      "UPDATE refunds SET state = 'due' WHERE number = #",
      "order #: refund 1 due of 8491, its request missing",
    ),
  ],
  "The pairs refunded of a line": [
    of(
      "partly refunded",
      "UPDATE refund_lines SET quantity = 3 WHERE number = # AND refund = 2",
      "order #: 4 pairs of line 0 in refunds, 2 refunded, 3 bought",
    ),
    of(
      "shipped",
      "UPDATE order_lines SET refunded = 1 WHERE number = # AND position = 2",
      "order #: 0 pairs of line 2 in refunds, 1 refunded, 2 bought",
    ),
    of(
      "refunded",
      "UPDATE order_lines SET quantity = 2 WHERE number = # AND position = 0",
      "order #: 3 pairs of line 0 in refunds, 3 refunded, 2 bought",
    ),
    of(
      "refunding",
      "UPDATE refund_lines SET position = 40 WHERE number = #",
      "order #: refund 1 has line 40, which is not there",
    ),
    of(
      "refunding",
      "UPDATE refund_lines SET refund = 9 WHERE number = #",
      "order #: refund 9 has line 0, which is not there",
    ),
  ],
  "All pairs of a cancelled order are back": [
    of(
      "cancelled",
      "UPDATE order_lines SET returned = 2 WHERE number = # AND position = 0",
      "order #: 2 of 3 pairs of line 0 are back",
    ),
    of(
      "shipped",
      "UPDATE order_lines SET returned = 1 WHERE number = # AND position = 2",
      "order #: 1 of 2 pairs of line 2 are back, refunds restocked 0 to 0",
    ),
    of(
      "partly refunded",
      "UPDATE order_lines SET returned = 0 WHERE number = #",
      "order #: 0 of 3 pairs of line 0 are back, refunds restocked 1 to 1",
    ),
  ],
};

test("every rule has changes that break it", () => {
  expect(unmatched(PAYMENT_RULES, BREAKS)).toEqual([]);
});

describeBreaks(BREAKS);
