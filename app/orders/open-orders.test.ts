// The refusal of a further open order names a limit that is set, also when the orders were paid before it was made.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestShop, type TestShop } from "../testing/shop.ts";
import { tooManyOpen } from "./open-orders.ts";

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([]);
});
afterAll(() => shop.close());

// Nothing waits any more when the refusal is made.
test.each([
  { own: 3, address: 0, client: "192.0.2.1", named: "3 orders of this account or e-mail address" },
  { own: 3, address: 20, client: "", named: "3 orders of this account or e-mail address" },
  { own: 3, address: 20, client: "192.0.2.1", named: "20 orders of this client address" },
  { own: 0, address: 20, client: "192.0.2.1", named: "20 orders of this client address" },
])('limits of $own and $address, client "$client": $named', async ({ own, address, client, named }) => {
  const limits = { openOrdersMax: own, openOrdersAddressMax: address };
  const problem = await tooManyOpen(shop.db, limits, { owner: "a@shop.example", client });
  expect([problem.type, problem.message.slice(0, named.length)]).toEqual(["too-many-open-orders", named]);
});
