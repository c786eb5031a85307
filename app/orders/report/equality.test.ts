// Quote = order = report, to the cent: random carts placed through the API in three currencies, over days of 23 and 25 hours.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import Papa from "papaparse";
import { addKey } from "../../accounts/keys.ts";
import { ask } from "../../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../../testing/shop.ts";

/** Carts of each currency; they are placed so many at a time. */
const CARTS = 120;
const AT_ONCE = 10;
const COUNTRIES = ["DE", "GB", "US", "CH", "NZ"];
/** The last cents are those that rounding gets wrong: of a tax contained, of a float. */
const PRICES = [1, 5, 99, 101, 1_005, 1_995, 2_675, 5_000, 12_999, 29_995, 999_999, 99_999_999, 100_000_000];
const SHIPPING = [
  { method: "standard", name: "Standard", price: 4.9, freeFrom: 100 },
  { method: "express", name: "Express", price: "19.95", countries: ["DE", "GB"] },
  { method: "courier", name: "Courier", price: 1_000_000 },
];
const TAX_RATES = { DE: 19, GB: 20, CH: 8.1, NZ: 15 };
const SHOPS = [
  { currency: "USD", timezone: "Pacific/Auckland", clocksChange: ["2026-04-04", "2026-09-26"] },
  { currency: "GBP", timezone: "Europe/London", clocksChange: ["2026-03-29", "2026-10-25"] },
  { currency: "EUR", timezone: "Australia/Lord_Howe", clocksChange: ["2026-04-04", "2026-10-03"] },
];

type Totals = { items: number; shipping: number; tax: number; total: number };
type Priced = { totals: Totals; totalAmount: number; items: { quantity: number; price: number }[] };
type Report = {
  days: { date: string; orders: number; items: number; revenue: number }[];
  totals: { orders: number; items: number; revenue: number; refunds: number };
};
type Cart = { items: { productId: string; quantity: number }[]; country: string; method: string | null };

const cart: fc.Arbitrary<Cart> = fc.record({
  items: fc.array(
    fc.record({
      productId: fc.integer({ min: 0, max: PRICES.length - 1 }).map((index) => `s${index}`),
      quantity: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 20 })),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  country: fc.constantFrom(...COUNTRIES),
  method: fc.constantFrom(null, "standard", "courier"),
});

const cents = (amount: number): number => Math.round(amount * 100);
const sum = (amounts: number[]): number => amounts.reduce((all, each) => all + each, 0);

/** Reads an answer and checks that each number in it has at most two decimals. */
async function read<T>(answer: Response, status: number): Promise<T> {
  const text = await answer.text();
  expect([answer.status, text]).toEqual([status, text]);
  expect(
    [...text.matchAll(/[:[,](-?\d+(?:\.\d{3,}|[^,\]}]*e[+-]?\d+))[,\]}]/gi)].map(([, each]) => each),
  ).toEqual([]);
  return (JSON.parse(text) as { data: T }).data;
}

describe.each(SHOPS)("in $currency, on days of $timezone", ({ currency, timezone, clocksChange }) => {
  let shop: ObservedShop;
  let key: string;
  let nowMs = 0;
  beforeAll(async () => {
    const stock = { sizes: [{ size: "", stock: 1_000_000 }] };
    shop = await openObservedShop(
      PRICES.map((priceCents, index) => shoe(`s${index}`, { priceCents, ...stock })),
      false,
      {
        now: () => nowMs,
        settings: {
          CURRENCY: currency,
          REPORT_TIMEZONE: timezone,
          SHIPPING: JSON.stringify(SHIPPING),
          TAX_RATES: JSON.stringify(TAX_RATES),
        },
      },
    );
    key = await addKey(shop.db, "books", 0);
  });
  afterAll(() => shop.close());

  /** The quote and the order of a cart. */
  async function buy({ items, country, method }: Cart): Promise<Priced> {
    const shippingMethod = method === null ? {} : { shippingMethod: method };
    const quote = await read<Priced & { currency: string }>(
      await ask(shop, "POST", "/api/orders/quote", { body: { items, country, ...shippingMethod } }),
      200,
    );
    const order = await read<Priced & { status: string; currency: string }>(
      await ask(shop, "POST", "/api/orders", {
        body: {
          items,
          email: "guest@shop.example",
          shippingAddress: { street: "Main 1", city: "Town", country },
          expectedTotal: quote.totalAmount,
          ...shippingMethod,
        },
      }),
      201,
    );
    expect([order.status, order.currency, quote.currency]).toEqual(["confirmed", currency, currency]);
    expect([order.totals, order.totalAmount]).toEqual([quote.totals, quote.totalAmount]);
    expect(order.totalAmount).toBe(order.totals.total);
    const { totals } = order;
    expect(cents(totals.items) + cents(totals.shipping)).toBe(cents(totals.total));
    expect(sum(order.items.map(({ quantity, price }) => quantity * cents(price)))).toBe(cents(totals.items));
    return order;
  }

  test("the report of each day is the sum of its quotes and orders", async () => {
    const clocks = new Intl.DateTimeFormat("en-CA", {
      timeZone: timezone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
    const placed: { date: string; order: Priced }[] = [];
    const [first = "", second = ""] = clocksChange;
    const hour = fc.integer({ min: -30, max: 54 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(cart, { minLength: AT_ONCE, maxLength: AT_ONCE }),
        fc.constantFrom(first, second),
        hour,
        async (carts, date, hours) => {
          nowMs = Date.parse(date) + hours * 3_600_000;
          const orders = await Promise.all(carts.map(buy));
          placed.push(...orders.map((order) => ({ date: clocks.format(nowMs), order })));
        },
      ),
      { numRuns: CARTS / AT_ONCE, endOnFailure: true },
    );
    expect(placed).toHaveLength(CARTS);

    const path = "/api/reports/sales?from=2026-03-01&to=2026-12-31";
    const report = await read<Report>(await ask(shop, "GET", path, { token: key }), 200);
    const byDate = Object.groupBy(placed, ({ date }) => date);
    const expected = Object.entries(byDate).map(([date, those = []]) => ({
      date,
      orders: those.length,
      items: sum(those.flatMap(({ order }) => order.items.map(({ quantity }) => quantity))),
      revenue: sum(those.map(({ order }) => cents(order.totalAmount))),
    }));
    const shown = report.days
      .filter(({ orders }) => orders > 0)
      .map(({ date, orders, items, revenue }) => ({ date, orders, items, revenue: cents(revenue) }));
    expect(shown).toEqual(expected.toSorted((a, b) => (a.date < b.date ? -1 : 1)));
    expect(cents(report.totals.revenue)).toBe(sum(expected.map(({ revenue }) => revenue)));
    expect([report.totals.orders, report.totals.refunds]).toEqual([CARTS, 0]);

    const csv = await ask(shop, "GET", path, { token: key, headers: { accept: "text/csv" } });
    const rows = Papa.parse<Record<string, string>>(await csv.text(), { header: true, skipEmptyLines: true });
    expect(rows.data.slice(0, -1).map(({ date, revenue }) => [date, Number(revenue)])).toEqual(
      report.days.map(({ date, revenue }) => [date, revenue]),
    );
    expect(rows.data.at(-1)).toMatchObject({
      date: "total",
      revenue: report.totals.revenue.toFixed(2),
      currency,
    });
  }, 120_000);
});
