// The report after steps and refunds over HTTP: random ones, against the second report and against the orders themselves.
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { addKey } from "../../accounts/keys.ts";
import { booksOf } from "../../testing/books.ts";
import { ask, signUp } from "../../testing/people.ts";
import { reportByHand } from "../../testing/sales.ts";
import { type ObservedShop, openObservedShop, shoe } from "../../testing/shop.ts";
import { dayOf } from "./days.ts";
import type { SalesReport } from "./sales.ts";

const ZONE = "Europe/Berlin";
const HOUR_MS = 3_600_000;
/** The night before the clocks change. */
const START_MS = Date.parse("2026-03-28T20:00Z");
const ORDERS = 40;
const STEPS = 400;

let shop: ObservedShop;
let key: string;
let buyer: string;
let nowMs = START_MS;
beforeAll(async () => {
  const stock = { sizes: [{ size: "", stock: 100_000 }] };
  shop = await openObservedShop(
    [1, 1_999, 33_333].map((priceCents, index) => shoe(`s${index}`, { priceCents, ...stock })),
    false,
    {
      now: () => nowMs,
      settings: {
        REPORT_TIMEZONE: ZONE,
        SHIPPING: '[{"method":"standard","name":"Standard","price":4.9}]',
        ACCESS_TTL_SECONDS: "86400",
        OPEN_ORDERS_MAX: "0",
        OPEN_ORDERS_ADDRESS_MAX: "0",
      },
    },
  );
  key = await addKey(shop.db, "books", 0);
  buyer = (await signUp(shop)).token;
});
afterAll(() => shop.close());

type Report = {
  days: (Record<"orders" | "items" | "revenue" | "refunds", number> & { date: string })[];
  totals: Record<"orders" | "items" | "revenue" | "refunds", number>;
};
const cents = (amount: number): number => Math.round(amount * 100);
const read = async (query: string): Promise<Report> => {
  const answer = await ask(shop, "GET", `/api/reports/sales${query}`, { token: key });
  return ((await answer.json()) as { data: Report }).data;
};
const centsOf = ({ orders, items, revenue, refunds }: Report["totals"]) => ({
  orders,
  items,
  revenueCents: cents(revenue),
  refundsCents: cents(refunds),
});

const placement = fc.record({
  items: fc.array(
    fc.record({ productId: fc.constantFrom("s0", "s1", "s2"), quantity: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 3 },
  ),
  paymentMethod: fc.constantFrom("card", "invoice"),
  paymentToken: fc.constantFrom("ok", "ok", "ok", "declined"),
});
const step = fc.record({
  order: fc.integer({ min: 0, max: ORDERS - 1 }),
  hours: fc.integer({ min: 0, max: 5 }),
  what: fc.oneof(
    fc.constantFrom("confirmed", "confirmed", "shipped", "delivered", "cancelled"),
    fc.integer({ min: 1, max: 3_000 }),
  ),
});

/** Moves an order along, or refunds so many cents of it; the shop refuses what it does not allow. */
async function take(orderId: string, what: string | number): Promise<number> {
  const answer =
    typeof what === "string"
      ? await ask(shop, "PUT", `/api/orders/${orderId}/status`, { token: key, body: { status: what } })
      : await ask(shop, "POST", `/api/orders/${orderId}/refunds`, {
          token: key,
          body: { items: [], amount: what / 100, restock: false },
        });
  expect([what, [200, 201, 409].includes(answer.status)]).toEqual([what, true]);
  return answer.status;
}

test("random steps: no earlier day changes, and what is left is what the orders hold", async () => {
  const placements = fc.array(placement, { minLength: ORDERS, maxLength: ORDERS });
  const steps = fc.array(step, { minLength: STEPS, maxLength: STEPS });
  // One run: the shop and its clock go on. A failure names the seed.
  await fc.assert(fc.asyncProperty(placements, steps, walk), { numRuns: 1, endOnFailure: true });
}, 60_000);

async function walk(
  placements: readonly object[],
  steps: readonly { order: number; hours: number; what: string | number }[],
): Promise<void> {
  const orders: string[] = [];
  for (const body of placements) {
    nowMs += 20 * 60_000;
    const answer = await ask(shop, "POST", "/api/orders", { token: buyer, body });
    expect([201, 402]).toContain(answer.status);
    const placed = (await answer.json()) as { data?: { id: string }; orderId?: string };
    orders.push(placed.data?.id ?? placed.orderId ?? "");
  }
  const seen = new Map<string, Report["days"][number]>();
  const statuses: Record<string, Set<number>> = {};
  for (const { order, hours, what } of steps) {
    nowMs += hours * HOUR_MS;
    const status = await take(orders[order] ?? "", what);
    statuses[typeof what === "string" ? what : "refund"] ??= new Set();
    statuses[typeof what === "string" ? what : "refund"]?.add(status);
    const { days } = await read("?from=2026-03-28&to=2026-06-30");
    const today = dayOf(nowMs, ZONE);
    for (const day of days.filter(({ date }) => date < today)) {
      expect(day).toEqual(seen.get(day.date) ?? day);
      seen.set(day.date, day);
    }
  }
  // Everything happened, and was refused.
  expect(Object.fromEntries(Object.entries(statuses).map(([what, those]) => [what, those.has(409)]))).toEqual(
    {
      confirmed: true,
      shipped: true,
      delivered: true,
      cancelled: true,
      refund: true,
    },
  );
  expect(statuses.cancelled?.has(200) && statuses.shipped?.has(200) && statuses.refund?.has(201)).toBe(true);

  const { days, totals } = await read("?from=2026-03-28&to=2026-06-30");
  const byHand = reportByHand(shop.db, ZONE, "USD");
  const happened = days.filter(({ date }) => byHand[date] !== undefined);
  expect(Object.fromEntries(happened.map((day) => [day.date, centsOf(day)]))).toEqual(
    Object.fromEntries(
      Object.entries(byHand).map(([date, { topShoes: _, ...sums }]): [string, SalesReport["totals"]] => [
        date,
        sums,
      ]),
    ),
  );
  const [left] = shop.db.read.get<[number]>(
    `SELECT sum(total_cents - iif(status = 'cancelled', total_cents, refunded_cents)) FROM orders
     WHERE confirmed_at IS NOT NULL`,
  ) ?? [0];
  expect(cents(totals.revenue) - cents(totals.refunds)).toBe(left);
  expect(cents(totals.refunds)).toBeGreaterThan(0);
}

test("after all this the books are right", async () => {
  expect(await booksOf(shop.databasePath)).toEqual([]);
});
