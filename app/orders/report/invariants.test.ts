// Faults that other shops had, each as what must hold here: amounts that differ between two places, and days of another zone.
import { afterEach, describe, expect, test } from "bun:test";
import { addKey } from "../../accounts/keys.ts";
import { ask } from "../../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../../testing/shop.ts";

let shop: ObservedShop;
let nowMs = 0;
afterEach(() => shop.close());

type Item = { quantity: number; price: number };
type Order = { number: string; items: Item[]; totals: Record<string, number>; totalAmount: number };
type Report = {
  days: { date: string; orders: number; revenue: number; topShoes: { pairs: number; revenue: number }[] }[];
};

const cents = (amount: number): number => Math.round(amount * 100);
const body = async <T>(answer: Promise<Response>): Promise<T> =>
  ((await (await answer).json()) as { data: T }).data;

const openShop = async (prices: number[], settings: Record<string, string>): Promise<string> => {
  const sizes = [{ size: "", stock: 1_000 }];
  const shoes = prices.map((priceCents, index) => shoe(`s${index}`, { priceCents, sizes }));
  shop = await openObservedShop(shoes, false, { now: () => nowMs, settings });
  return addKey(shop.db, "books", 0);
};
const place = (items: { productId: string; quantity: number }[], country = "DE"): Promise<Order> =>
  body<Order>(
    ask(shop, "POST", "/api/orders", {
      body: {
        items,
        email: "guest@shop.example",
        shippingAddress: { street: "Main 1", city: "Town", country },
      },
    }),
  );
const report = (key: string, query: string): Promise<Report> =>
  body<Report>(ask(shop, "GET", `/api/reports/sales${query}`, { token: key }));

// woocommerce#29657, #8047, #16863, PrestaShop#19445: rounded once for the page, again for the cart, the mail and the report.
describe("price shown × quantity = price paid, in every place", () => {
  test.each([
    [1, 3],
    [5, 7],
    [1_995, 3],
    [2_675, 7],
    [1_005, 100],
    [33_333, 3],
    [8_999, 9],
    [100_000_000, 100],
  ])("%d cents, %d pairs", async (priceCents, quantity) => {
    nowMs = Date.parse("2026-03-28T12:00Z");
    const key = await openShop([priceCents, 1], { TAX_RATES: '{"DE":19}' });
    const items = [
      { productId: "s0", quantity },
      { productId: "s1", quantity: 1 },
    ];
    const shown = await body<{ price: number }>(shop.get("/api/shoes/s0"));
    const quote = await body<Order>(
      ask(shop, "POST", "/api/orders/quote", { body: { items, country: "DE" } }),
    );
    const order = await place(items);
    const expected = priceCents * quantity + 1;
    expect(cents(shown.price) * quantity + 1).toBe(expected);

    const stored = (sql: string) => shop.db.read.all(sql).map((row) => row.map(Number));
    const mails = shop.db.read.all<[string]>("SELECT data FROM outbox ORDER BY seq");
    const mailed = mails.map(([data]) => JSON.parse(data) as Order);
    expect(mailed).toHaveLength(2);
    for (const each of [quote, order, ...mailed]) {
      expect(each.items.map((item) => [item.price, item.quantity])).toEqual([
        [shown.price, quantity],
        [0.01, 1],
      ]);
      expect(each.totals).toEqual(order.totals);
      expect([cents(each.totals.items ?? 0), cents(each.totalAmount)]).toEqual([expected, expected]);
    }
    expect(stored("SELECT items_cents, total_cents FROM orders")).toEqual([[expected, expected]]);
    expect(stored("SELECT sum(price_cents * quantity) FROM order_lines")).toEqual([[expected]]);
    // The order's tax is that of its lines: nothing is rounded again.
    expect(stored("SELECT sum(l.tax_cents) - o.tax_cents FROM order_lines AS l, orders AS o")).toEqual([[0]]);
    expect(stored("SELECT amount_cents FROM payment_requests")).toEqual([[expected]]);
    expect(stored("SELECT amount_cents FROM sandbox_payments")).toEqual([[expected]]);

    const [day] = (await report(key, "?from=2026-03-28&to=2026-03-28")).days;
    expect([day?.revenue, day?.topShoes[0]?.revenue]).toEqual([
      order.totalAmount,
      (priceCents * quantity) / 100,
    ]);
  });
});

// woocommerce#44340, woocommerce-admin#3333, #7763: days of UTC, or of 24 hours each.
describe("a day of the report is a day of the shop's zone", () => {
  test.each<[string, string, [instant: string, date: string][]]>([
    [
      "Europe/Berlin",
      "of 23 hours",
      [
        ["2026-03-28T22:59:59.999Z", "2026-03-28"],
        ["2026-03-28T23:00:00.000Z", "2026-03-29"],
        ["2026-03-29T21:59:59.999Z", "2026-03-29"],
        ["2026-03-29T22:00:00.000Z", "2026-03-30"],
      ],
    ],
    [
      "Europe/Berlin",
      "of 25 hours",
      [
        ["2026-10-24T21:59:59.999Z", "2026-10-24"],
        ["2026-10-24T22:00:00.000Z", "2026-10-25"],
        ["2026-10-25T22:59:59.999Z", "2026-10-25"],
        ["2026-10-25T23:00:00.000Z", "2026-10-26"],
      ],
    ],
    [
      "Pacific/Auckland",
      "at the year's end",
      [
        ["2026-12-30T10:59:59.999Z", "2026-12-30"],
        ["2026-12-30T11:00:00.000Z", "2026-12-31"],
        ["2026-12-31T10:59:59.999Z", "2026-12-31"],
        ["2026-12-31T11:00:00.000Z", "2027-01-01"],
      ],
    ],
    [
      "Pacific/Auckland",
      "of 25 hours",
      [
        ["2026-04-04T10:59:59.999Z", "2026-04-04"],
        ["2026-04-05T11:59:59.999Z", "2026-04-05"],
        ["2026-04-05T12:00:00.000Z", "2026-04-06"],
      ],
    ],
    [
      "Australia/Lord_Howe",
      "of 23 and a half hours",
      [
        ["2026-10-03T13:29:59.999Z", "2026-10-03"],
        ["2026-10-03T13:30:00.000Z", "2026-10-04"],
        ["2026-10-04T12:59:59.999Z", "2026-10-04"],
        ["2026-10-04T13:00:00.000Z", "2026-10-05"],
      ],
    ],
    [
      "UTC",
      "at the year's end",
      [
        ["2026-12-31T23:59:59.999Z", "2026-12-31"],
        ["2027-01-01T00:00:00.000Z", "2027-01-01"],
      ],
    ],
  ])("%s, %s", async (zone, _which, orders) => {
    const key = await openShop([5_000], { REPORT_TIMEZONE: zone });
    const expected: Record<string, number> = {};
    for (const [instant, date] of orders) {
      nowMs = Date.parse(instant);
      await place([{ productId: "s0", quantity: 1 }]);
      expected[date] = (expected[date] ?? 0) + 1;
      // The order is of the last day that the report has, which is today's.
      expect((await report(key, "")).days.at(-1)).toMatchObject({ date, orders: expected[date] });
    }
    const { days } = await report(key, `?from=2026-03-01&to=2027-02-01`);
    expect(
      Object.fromEntries(days.filter(({ orders }) => orders > 0).map(({ date, orders }) => [date, orders])),
    ).toEqual(expected);
  });
});
