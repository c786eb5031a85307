// The table of steps: equal to the schema's, and every step that is not in it is refused over HTTP.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";
import { isForAdmins, STATUSES, STEPS, type Status, stepOf } from "./steps.ts";

let shop: StepShop;
beforeAll(async () => {
  shop = await openStepShop();
});
afterAll(() => shop.close());

/** All pairs, each way. */
const PAIRS = STATUSES.flatMap((from) => STATUSES.map((to): [Status, Status] => [from, to]));
const WAYS: Record<Status, string[]> = {
  pending: [],
  confirmed: ["confirmed"],
  shipped: ["confirmed", "shipped"],
  delivered: ["confirmed", "shipped", "delivered"],
  cancelled: ["cancelled"],
};

/** An order that stands there. A card's order is confirmed at once, and waits with another token. */
async function orderAt(status: Status, paymentMethod: "card" | "invoice"): Promise<Placed> {
  const isWaiting = paymentMethod === "card" && status === "pending";
  const order = await shop.place("owner", { paymentMethod, ...(isWaiting && { paymentToken: "redirect" }) });
  await shop.move(order, ...WAYS[status]);
  return order;
}

const factsOf = (order: Placed) => ({
  order: shop.row("SELECT * FROM orders WHERE number = ?", order),
  history: shop.db.read.all("SELECT * FROM order_history WHERE number = ?", order.number),
  lines: shop.db.read.all("SELECT * FROM order_lines WHERE number = ?", order.number),
  requests: shop.db.read.all("SELECT * FROM payment_requests WHERE number = ?", order.number),
  mails: shop.db.read.all("SELECT * FROM outbox WHERE number = ?", order.number),
  stock: shop.db.read.all("SELECT shoe, size, stock FROM sizes"),
  audit: shop.db.read.all("SELECT count(*) FROM audit"),
});

test("the table lists what the contract lists", () => {
  expect(STEPS.map(({ from, to, by }) => `${from} ${to} ${by.join("+")}`)).toEqual([
    "pending confirmed admin+gateway",
    "pending cancelled customer+admin+gateway+system",
    "confirmed shipped admin",
    "confirmed cancelled customer+admin",
    "shipped delivered admin",
  ]);
  expect(STATUSES.filter(isForAdmins)).toEqual(["confirmed", "shipped", "delivered"]);
});

describe("the schema allows the same steps", () => {
  test.each(PAIRS)("%s -> %s", async (from, to) => {
    const order = await orderAt(from, "invoice");
    const write = shop.db.write([
      {
        sql: "UPDATE orders SET status = ?, changed_by = 'system' WHERE number = ?",
        args: [to, order.number],
      },
    ]);
    const wasDone = await write.then(
      () => true,
      (thrown: Error) => {
        expect(thrown.message).toContain("a step that is allowed");
        return false;
      },
    );
    expect(wasDone).toBe(from === to || stepOf(from, to) !== undefined);
    expect(shop.row("SELECT status FROM orders WHERE number = ?", order)).toEqual([wasDone ? to : from]);
  });
});

describe.each(["card", "invoice"] as const)("over HTTP an admin takes the %s's", (method) => {
  test.each(PAIRS)("%s -> %s", async (from, to) => {
    const order = await orderAt(from, method);
    const before = factsOf(order);
    const answer = await shop.as("admin", "PUT", `/v1/orders/${order.id}/status`, { status: to });
    const isWaiting = method === "card" && from === "pending" && to === "confirmed";
    const isAllowed = stepOf(from, to) !== undefined && !isWaiting;
    if (from === to || isAllowed) {
      expect([answer.status, answer.body.data.status]).toEqual([200, to]);
      expect(answer.headers.get("insole-version")).not.toBeNull();
    } else {
      expect([answer.status, answer.body.type]).toEqual([409, "/problems/conflict"]);
      expect(answer.body.errors).toEqual([{ pointer: "/status", detail: expect.any(String) }]);
    }
    if (isAllowed)
      expect(
        shop.db.read.all("SELECT status FROM order_history WHERE number = ?", order.number).at(-1),
      ).toEqual([to]);
    else expect(factsOf(order)).toEqual(before);
  });
});
