// A burst of orders above what the database commits: they wait and are answered in order; what does not fit is refused at once.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { openFile } from "../../db/file.ts";
import { type Handle, openHandle } from "../../db/read/reader.ts";
import { until } from "../../db/until.ts";
import { openLog } from "../log.ts";
import { guestOrder, openTestGateway, order, ordersIn, pairsOf, stockIn } from "../testing/orders.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";
import { Placing } from "./fields.ts";
import { openSettle } from "./payment/settle.ts";
import { placeOrder } from "./place.ts";

const QUEUE_MAX = 20_000;
const BURST = 60;
const UNLIMITED = { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" };
const { gateway, asked } = openTestGateway();
let clockMs: number;
let shop: ObservedShop;
let other: Handle;
/** Keeps every commit waiting until it is let go. */
function hold(): () => void {
  other.exec("BEGIN IMMEDIATE");
  return () => other.exec("ROLLBACK");
}
beforeAll(async () => {
  clockMs = Date.parse("2026-03-01T12:00:00Z");
  const now = () => clockMs;
  shop = await openObservedShop([shoe("a", { sizes: [{ size: "", stock: 1_000 }] })], false, {
    settings: UNLIMITED,
    gateway,
    now,
    before: (_, path) => openFile(path, undefined, { now }),
  });
  other = openHandle(shop.databasePath, 1_000);
});
afterAll(async () => {
  other.close();
  await shop.close();
});
beforeEach(() => {
  asked.length = 0;
});

const queued = () => shop.watched.writeQueue().queued;
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const buy = (index: number) => order(shop, guestOrder("a", { email: `buyer${index}@shop.example` }));

test("a burst waits while the database is held, and every order is placed", async () => {
  const [count, pairs] = [ordersIn(shop.db), pairsOf(shop.db, "a")];
  const release = hold();
  const answers = times(BURST, buy);
  await until("all but the one under way wait", () => queued() === BURST - 1);
  expect([ordersIn(shop.db), asked.length]).toEqual([count, 0]);
  release();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(BURST).fill(201));
  expect([ordersIn(shop.db), pairsOf(shop.db, "a"), asked.length]).toEqual([
    count + BURST,
    pairs - BURST,
    BURST,
  ]);
});

test("waiting orders are answered in the order of their numbers, which is that of their arrival", async () => {
  const services = {
    db: shop.watched,
    settle: openSettle(shop.watched),
    now: () => clockMs,
    currency: "USD",
    terms: { shipping: [{ method: "standard", name: "Standard", priceCents: 0 }], taxRates: {} },
    orderUrl: "/orders",
    openOrdersMax: 0,
    openOrdersAddressMax: 0,
    lowStock: 0,
    reportTimezone: "UTC",
    gateway: null,
    log: openLog("error", "json", () => undefined),
  };
  const answered: [arrival: number, number: number][] = [];
  const release = hold();
  const orders = times(BURST, async (arrival) => {
    const input = Placing.read({ items: [{ productId: "a", quantity: 1 }], paymentMethod: "invoice" });
    const owner = { kind: "guest", email: "guest@shop.example" } as const;
    const { json } = await placeOrder(services, { owner, input, client: "", storeAnswer: () => [] });
    answered.push([arrival, Number(JSON.parse(json).number)]);
  });
  await until("all but the one under way wait", () => queued() === BURST - 1);
  release();
  await Promise.all(orders);
  const first = answered[0]?.[1] ?? 0;
  expect(answered).toEqual(times(BURST, (arrival) => [arrival, first + arrival]));
});

test("what does not fit is 503 with Retry-After while the others still wait, and takes nothing", async () => {
  const [stock, count] = [stockIn(shop.db), ordersIn(shop.db)];
  const release = hold();
  const others = times(QUEUE_MAX + 1, () => shop.watched.write([]));
  expect(queued()).toBe(QUEUE_MAX);
  const refused = await Promise.all(times(5, buy));
  expect(refused.map(({ status, headers, body }) => [status, headers.get("retry-after"), body.type])).toEqual(
    Array(5).fill([503, "1", "/problems/unavailable"]),
  );
  expect(queued()).toBe(QUEUE_MAX);
  release();
  await Promise.all(others);
  expect([stockIn(shop.db), ordersIn(shop.db), asked.length]).toEqual([stock, count, 0]);
  expect((await buy(0)).status).toBe(201);
});

test("what waited too long is 503, and takes nothing; what is under way is waited for", async () => {
  const count = ordersIn(shop.db);
  const release = hold();
  const answers = times(10, buy);
  await until("all but the one under way wait", () => queued() === 9);
  clockMs += 60_000;
  release();
  const statuses = (await Promise.all(answers)).map(({ status }) => status).sort();
  expect(statuses).toEqual([201, ...Array(9).fill(503)]);
  expect([ordersIn(shop.db), asked.length]).toEqual([count + 1, 1]);
});
