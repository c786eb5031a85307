// Changes of orders and their history behind the schema's back: each rule names the row that does not fit.
import { expect, test } from "bun:test";
import { type Breaks, describeBreaks, of, unmatched } from "../../../testing/book-breaks.ts";
import { ORDER_RULES } from "./order-rules.ts";

const BREAKS: Breaks = {
  "Numbers of orders have no gap": [
    of("shipped", "DELETE FROM orders WHERE number = # - 1", "order #: there is no order "),
    of(
      "confirmed",
      "UPDATE orders SET number = 10000 WHERE number = #",
      "order 10002: there is no order 10001",
    ),
  ],
  "Numbers and ids of orders are unique": [
    of("shipped", "UPDATE orders SET number = # WHERE number = # + 1", "order #: 2 orders have this number"),
    of(
      "shipped",
      "UPDATE orders SET id = (SELECT id FROM orders WHERE number = # - 1) WHERE number = #",
      "has the same id",
    ),
    of("shipped", "UPDATE orders SET cart_id = 'a-cart-of-somebody' WHERE number = #", "has the same cart"),
  ],
  "Every part of an order has its order": [
    of(
      "shipped",
      "INSERT INTO order_lines SELECT 9999999, position, shoe, product_id, title, size, quantity, price_cents, tax_cents, refunded, returned FROM order_lines WHERE number = #",
      "order 9999999: a row of order_lines has no order",
    ),
    of(
      "shipped",
      "INSERT INTO order_history SELECT 5, position, status, changed_by, at FROM order_history WHERE number = #",
      "order 5: a row of order_history has no order",
    ),
    of(
      "partly refunded",
      "INSERT INTO refunds SELECT 5, position, amount_cents, restock, state, created_at FROM refunds WHERE number = #",
      "order 5: a row of refunds has no order",
    ),
    of(
      "shipped",
      "INSERT INTO refund_lines VALUES (5, 1, 0, 1)",
      "order 5: a row of refund_lines has no order",
    ),
    of(
      "shipped",
      "UPDATE payment_requests SET number = 5 WHERE number = #",
      "order 5: a row of payment_requests has no order",
    ),
    of(
      "shipped",
      "INSERT INTO payment_events VALUES ('e', 5, 1)",
      "order 5: a row of payment_events has no order",
    ),
    of("shipped", "UPDATE outbox SET number = 5 WHERE number = #", "order 5: a row of outbox has no order"),
    of("shipped", "UPDATE orders SET user_id = 'nobody' WHERE number = #", "order #: its account is gone"),
  ],
  "Amounts are whole numbers": [
    of(
      "shipped",
      "UPDATE orders SET shipping_cents = shipping_cents + 0.5, total_cents = total_cents + 0.5 WHERE number = #",
      "order #: an amount is not whole",
    ),
    of(
      "shipped",
      "UPDATE order_lines SET price_cents = price_cents + 0.5 WHERE number = #",
      "order #: an amount of line 0 is not whole",
    ),
    of(
      "refunding",
      "UPDATE refunds SET amount_cents = '1999 cents' WHERE number = #",
      "order #: the amount of refund 1 is not whole",
    ),
    of(
      "shipped",
      "UPDATE payment_requests SET amount_cents = amount_cents + 0.5 WHERE number = #",
      "order #: the amount of its ",
    ),
  ],
  "An order has lines": [
    of(
      "shipped",
      "UPDATE orders SET total_cents = total_cents + 1 WHERE number = #",
      "order #: 3 lines of 27998, items 27998, delivery 0, total 27999",
    ),
    of(
      "shipped",
      "UPDATE order_lines SET price_cents = price_cents + 1 WHERE number = # AND position = 2",
      "order #: 3 lines of 28000, items 27998",
    ),
    of("shipped", "DELETE FROM order_lines WHERE number = #", "order #: 0 lines"),
    of(
      "shipped",
      "UPDATE order_lines SET position = 3 WHERE number = # AND position = 2",
      "order #: 3 lines",
    ),
  ],
  "The tax is that of the lines": [
    of(
      "shipped",
      "UPDATE orders SET tax_cents = tax_cents + 1 WHERE number = #",
      "order #: its taxes do not fit its amounts",
    ),
    of(
      "confirmed",
      "UPDATE orders SET tax_cents = tax_cents - 1 WHERE number = #",
      "order #: its taxes do not fit its amounts",
    ),
    of(
      "confirmed",
      "UPDATE order_lines SET tax_cents = tax_cents + iif(position = 0, 1, -1) WHERE number = #",
      "order #: its taxes do not fit its amounts",
    ),
  ],
  "The history begins with the order": [
    of(
      "shipped",
      "UPDATE order_history SET status = 'delivered' WHERE number = # AND position = 3",
      "order #: it is shipped, its history has 1 pending, 2 confirmed, 3 delivered",
    ),
    of(
      "shipped",
      "DELETE FROM order_history WHERE number = # AND position = 2",
      "order #: it is shipped, its history has 1 pending, 3 shipped",
    ),
    of(
      "shipped",
      "DELETE FROM order_history WHERE number = #",
      "order #: it is shipped, its history has nothing",
    ),
    of(
      "shipped",
      "UPDATE order_history SET at = at - 1 WHERE number = # AND position = 1",
      "order #: it is shipped",
    ),
    of(
      "shipped",
      "UPDATE orders SET status = 'delivered' WHERE number = #",
      "order #: it is delivered, its history has 1 pending, 2 confirmed, 3 shipped",
    ),
  ],
  "Each step of the history": [
    of(
      "delivered",
      "UPDATE order_history SET status = 'confirmed' WHERE number = # AND position = 3",
      "order #: step 3 leads from confirmed at ",
    ),
    of(
      "shipped",
      "UPDATE order_history SET at = at - 100000000 WHERE number = # AND position = 3",
      "order #: step 3 leads from confirmed at ",
    ),
  ],
  "An order has the time of its confirmation": [
    of("shipped", "UPDATE orders SET confirmed_at = NULL WHERE number = #", "order #: confirmed at no time"),
    of("waiting", "UPDATE orders SET confirmed_at = 1 WHERE number = #", "order #: confirmed at 1"),
  ],
};

test("every rule has changes that break it", () => {
  expect(unmatched(ORDER_RULES, BREAKS)).toEqual([]);
});

describeBreaks(BREAKS);
