// The bodies of orders: what they hold, and that a seed decides them.
import { expect, test } from "bun:test";
import { isOrders, orderBodies } from "./orders.ts";

const SIZES = [
  { shoeId: "a", size: "" },
  { shoeId: "b", size: "8" },
];

test("each is by another guest and has two lines, without a size for a shoe that has none", () => {
  const bodies = orderBodies(SIZES, 50, 1).map((body) => JSON.parse(body));
  expect(new Set(bodies.map(({ email }) => email)).size).toBe(50);
  const items = bodies.flatMap((body) => body.items);
  expect(items).toHaveLength(100);
  expect(new Set(items.map((item) => JSON.stringify(item)))).toEqual(
    new Set(['{"productId":"a","quantity":1}', '{"productId":"b","quantity":1,"size":"8"}']),
  );
});

test("a seed decides them", () => {
  expect(orderBodies(SIZES, 9, 1)).toEqual(orderBodies(SIZES, 9, 1));
  expect(orderBodies(SIZES, 9, 1)).not.toEqual(orderBodies(SIZES, 9, 2));
});

test("a load of orders is known by its file", () => {
  expect(isOrders({ post: { bodiesPath: "/tmp/x/orders.bodies" } })).toBe(true);
  expect(isOrders({ post: { bodiesPath: "/tmp/x/registrations.bodies" } })).toBe(false);
  expect(isOrders({})).toBe(false);
});
