// The faults of stored orders.
import { expect, test } from "bun:test";
import { faultOfOrders } from "./stored-orders.ts";

const STORED = { orders: 102, paid: 101, ordered: 300, taken: 300 };
const ACKNOWLEDGED = { created: 100, openMax: 2 };

test.each([
  ["all are there, and some whose outcome is open", {}, null],
  ["one is lost", { orders: 99 }, "1 of 100 acknowledged orders are not stored"],
  ["one is stored twice", { orders: 103 }, "103 orders are stored, but only 100 were acknowledged"],
  ["one is not paid", { paid: 99 }, "100 orders were acknowledged as paid, but only 99 are"],
  ["a pair is not taken", { taken: 299 }, "300 pairs were ordered, but 299 were taken from stock"],
])("%s", (_what, stored, fault) => {
  expect(faultOfOrders({ ...STORED, ...stored }, ACKNOWLEDGED)).toBe(fault);
});
