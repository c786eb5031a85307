// Orders on a node whose replica lags: it never refuses what the primary has, and never sells what it has not.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Database } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { type LaggingNode, openLagging } from "../testing/lagging.ts";
import { askFor, guestOrder, openTestGateway, order, ordersIn, pairsOf, stockIn } from "../testing/orders.ts";
import { signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, saveAll, shoe } from "../testing/shop.ts";

const UNLIMITED = { OPEN_ORDERS_MAX: "2", OPEN_ORDERS_ADDRESS_MAX: "0" };
const { gateway, asked } = openTestGateway();
let shop: ObservedShop;
let node: LaggingNode;
beforeAll(async () => {
  shop = await openObservedShop(
    [shoe("a", { sizes: ["41", "42"].map((size) => ({ size, stock: 5 })) })],
    false,
    {
      settings: UNLIMITED,
      gateway,
      before(file: Database, path) {
        node = openLagging(file, path);
        const remote: Database = { ...node.db, isRemote: true };
        return remote;
      },
    },
  );
});
afterAll(() => shop.close());

const primary = (sql: string) => shop.db.write([{ sql }]);
const stock = (pairs: number) => primary(`UPDATE sizes SET stock = ${pairs}`);
const price = (cents: number) => primary(`UPDATE shoes SET price_cents = ${cents}`);
beforeEach(async () => {
  await primary("UPDATE orders SET status = 'cancelled' WHERE status = 'pending'");
  await stock(5);
  await price(5_000);
  await node.catchUp();
  node.interceptPrimary = (_, send) => send();
  node.primaryQueries.length = 0;
  asked.length = 0;
});

const ITEM = { productId: "a", size: "41", quantity: 2 };
const buy = (given: Record<string, unknown> = {}) =>
  order(shop, guestOrder("a", { items: [ITEM], ...given }));
const quote = async (item = ITEM) =>
  (await askFor(shop, "POST", "/api/orders/quote", { items: [item] })).body.data;
const pairsHere = () => node.db.read.get("SELECT sum(stock) FROM sizes WHERE shoe = 1")?.[0];

describe("what the primary has is sold though the replica does not show it:", () => {
  test("stock that came in", async () => {
    await stock(0);
    await node.catchUp();
    await stock(5);
    expect((await quote()).short).toEqual([]);
    expect((await buy()).status).toBe(201);
    expect([pairsHere(), pairsOf(shop.db, "a")]).toEqual([0, 8]);
  });

  test("a price that fell below the expected total", async () => {
    await price(4_000);
    const answer = await buy({ expectedTotal: 80 });
    expect([answer.status, answer.body.data.totals.total, asked[0]?.amountCents]).toEqual([201, 80, 8_000]);
  });

  test("a new shoe, and a new size", async () => {
    await saveAll(shop.db, [shoe("new")], false);
    await primary(
      "INSERT INTO sizes (shoe, size, position, stock) SELECT id, '43', 9, 5 FROM shoes WHERE shoe_id = 'a'",
    );
    expect((await buy({ items: [{ productId: "new", quantity: 1 }] })).status).toBe(201);
    expect((await buy({ items: [{ ...ITEM, size: "43" }] })).status).toBe(201);
    await primary("DELETE FROM sizes WHERE size = '43'");
  });

  test("to an account that registered elsewhere a moment ago", async () => {
    const { token, id } = await signUp(shop);
    const answer = await order(shop, { items: [ITEM] }, { token });
    expect([answer.status, answer.body.data.userId]).toEqual([201, id]);
    const found = await askFor(shop, "GET", `/api/orders/${answer.body.data.id}`, undefined, { token });
    expect(found.body).toEqual(answer.body);
  });

  test("to a guest whose earlier orders were settled meanwhile", async () => {
    for (const _ of [1, 2]) expect((await buy({ paymentToken: "redirect" })).status).toBe(201);
    await node.catchUp();
    await primary("UPDATE orders SET status = 'cancelled' WHERE status = 'pending'");
    expect((await buy({ paymentToken: "redirect" })).status).toBe(201);
  });
});

describe("what the primary has not is refused though the replica still shows it:", () => {
  const refusal = async (given: Record<string, unknown> = {}) => {
    const before = [stockIn(shop.db), ordersIn(shop.db)];
    const { status, body } = await buy(given);
    expect([stockIn(shop.db), ordersIn(shop.db), asked.length]).toEqual([...before, 0] as never);
    return [status, body.detail, body.errors?.[0]?.pointer];
  };

  test("stock that was sold", async () => {
    await stock(1);
    expect([(await quote()).short, await refusal()]).toEqual([
      [],
      [409, "a size 41: 1 left", "/items/0/quantity"],
    ]);
    expect(pairsHere()).toBe(10);
  });

  test("a price that rose above the expected total", async () => {
    await price(6_000);
    expect(await refusal({ expectedTotal: 100 })).toEqual([
      409,
      "the total is 120.00 today",
      "/expectedTotal",
    ]);
  });

  test("a shoe that was removed", async () => {
    await saveAll(shop.db, [shoe("gone")], false);
    await node.catchUp();
    await primary("DELETE FROM shoes WHERE shoe_id = 'gone'");
    const items = [{ productId: "gone", quantity: 1 }];
    expect(await refusal({ items })).toEqual([
      400,
      "items/0/productId is not the id of a shoe in the shop",
      "/items/0/productId",
    ]);
  });

  test("a third order that waits for its payment, of which the replica shows none", async () => {
    for (const _ of [1, 2]) expect((await buy({ paymentToken: "redirect" })).status).toBe(201);
    asked.length = 0;
    expect((await refusal({ paymentToken: "redirect" }))[0]).toBe(429);
  });

  test("a second order of a cart, which is the first one", async () => {
    const cartId = "a-cart-on-a-lagging-node";
    const first = await buy({ cartId });
    const again = await buy({ cartId });
    expect([first.status, again.status, again.body.data.id]).toEqual([201, 200, first.body.data.id]);
  });

  test("a repetition by its key, which is the first answer", async () => {
    const send = () => order(shop, guestOrder("a", { items: [ITEM] }), { key: "a key on a lagging node" });
    const [first, again] = [await send(), await send()];
    expect([again.status, again.headers.get("idempotent-replayed"), again.body]).toEqual([
      201,
      "true",
      first.body,
    ]);
  });
});

test("an order that the replica can plan asks the primary for nothing but its group", async () => {
  expect((await buy()).status).toBe(201);
  expect(node.primaryQueries).toEqual([]);
});

test("without its primary it sells nothing and says so", async () => {
  node.interceptPrimary = () => Promise.reject(new DatabaseError("unreachable", "the primary is gone"));
  const before = stockIn(shop.db);
  const short = await buy({ items: [{ ...ITEM, quantity: 6 }] });
  expect([short.status, short.headers.has("retry-after")]).toEqual([503, true]);
  expect([stockIn(shop.db), asked.length]).toEqual([before, 0]);
});
