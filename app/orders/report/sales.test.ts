// The sales report: a month made by hand, and random sales against a second report in plain code.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import type { Database } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { openHandle } from "../../../db/read/reader.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { reportByHand, type Sale, writeSales } from "../../testing/sales.ts";
import { type Folder, openFolder } from "../../testing/shop.ts";
import { addDays } from "./days.ts";
import { type SalesDay, type Sums, salesOf } from "./sales.ts";

const BERLIN = { timezone: "Europe/Berlin", currency: "USD" };
const utc = (text: string): number => Date.parse(`${text}Z`);

let folder: Folder;
let files = 0;
const open: Database[] = [];
beforeAll(() => {
  folder = openFolder();
});
afterAll(async () => {
  for (const db of open) await db.close();
  folder.remove();
});

function freshPath(): string {
  const path = join(folder.path, `${++files}.db`);
  migrate(path);
  return path;
}

async function shopWith(sales: readonly Sale[], path = freshPath()): Promise<Database> {
  const db = openFile(path);
  open.push(db);
  await writeSales(db, sales);
  return db;
}

const line = (productId: string, quantity: number, priceCents: number, title?: string) => ({
  productId,
  quantity,
  priceCents,
  ...(title === undefined ? {} : { title }),
});
/** One pair for 10.00. */
const pair = [line("a", 1, 1_000)];

/** The days with anything on them, as orders, pairs, revenue and refunds. */
const figures = (days: readonly SalesDay[]): Record<string, number[]> =>
  Object.fromEntries(
    days
      .map(({ date, ...sums }) => [date, numbersOf(sums)] as const)
      .filter(([, numbers]) => numbers.some((number) => number > 0)),
  );
const numbersOf = ({ orders, items, revenueCents, refundsCents }: Sums) => [
  orders,
  items,
  revenueCents,
  refundsCents,
];

// One report of one month per row; all at once they are the month below.
const MONTH: [string, Sale, Record<string, number[]>][] = [
  [
    "an order counts on the day when it was confirmed, with its delivery",
    { confirmedMs: utc("2026-03-02T12:00"), lines: [line("a", 2, 1_999)], shippingCents: 499 },
    { "2026-03-02": [1, 2, 4_497, 0] },
  ],
  ["an order that was never confirmed counts nowhere", { confirmedMs: null, lines: pair }, {}],
  [
    "nor does one that was cancelled before",
    { confirmedMs: null, cancelledMs: utc("2026-03-03T12:00"), lines: pair },
    {},
  ],
  [
    "a card order cancelled on another day stays, and is given back on that day",
    { confirmedMs: utc("2026-03-03T12:00"), cancelledMs: utc("2026-03-05T12:00"), lines: pair },
    { "2026-03-03": [1, 1, 1_000, 0], "2026-03-05": [0, 0, 0, 1_000] },
  ],
  [
    "an invoice order that is cancelled without a row in refunds counts once",
    {
      method: "invoice",
      confirmedMs: utc("2026-03-06T12:00"),
      cancelledMs: utc("2026-03-06T13:00"),
      lines: pair,
    },
    { "2026-03-06": [1, 1, 1_000, 1_000] },
  ],
  [
    "an invoice order whose cancellation writes a row in refunds counts once",
    {
      method: "invoice",
      confirmedMs: utc("2026-03-07T12:00"),
      cancelledMs: utc("2026-03-08T12:00"),
      lines: pair,
      refunds: [{ atMs: utc("2026-03-08T12:00"), cents: 1_000 }],
    },
    { "2026-03-07": [1, 1, 1_000, 0], "2026-03-08": [0, 0, 0, 1_000] },
  ],
  [
    "what was refunded before a cancellation keeps its own day",
    {
      method: "invoice",
      confirmedMs: utc("2026-03-09T12:00"),
      cancelledMs: utc("2026-03-11T12:00"),
      lines: pair,
      refunds: [{ atMs: utc("2026-03-10T12:00"), cents: 300 }],
    },
    { "2026-03-09": [1, 1, 1_000, 0], "2026-03-10": [0, 0, 0, 300], "2026-03-11": [0, 0, 0, 700] },
  ],
  [
    "refunds count on their days, one under way too, one refused not",
    {
      confirmedMs: utc("2026-03-12T12:00"),
      lines: [line("b", 3, 1_000)],
      refunds: [
        { atMs: utc("2026-03-13T12:00"), cents: 1_000 },
        { atMs: utc("2026-03-14T12:00"), cents: 500, state: "due" },
        { atMs: utc("2026-03-15T12:00"), cents: 1_500, state: "refused" },
      ],
    },
    { "2026-03-12": [1, 3, 3_000, 0], "2026-03-13": [0, 0, 0, 1_000], "2026-03-14": [0, 0, 0, 500] },
  ],
  [
    "a refund in the first millisecond of a day counts on it",
    {
      confirmedMs: utc("2026-03-18T22:59"),
      lines: pair,
      refunds: [{ atMs: utc("2026-03-18T23:00"), cents: 400 }],
    },
    { "2026-03-18": [1, 1, 1_000, 0], "2026-03-19": [0, 0, 0, 400] },
  ],
  [
    "an order in another currency is left out, with what was given back of it",
    {
      currency: "EUR",
      confirmedMs: utc("2026-03-16T12:00"),
      cancelledMs: utc("2026-03-17T12:00"),
      lines: pair,
      refunds: [{ atMs: utc("2026-03-16T13:00"), cents: 400 }],
    },
    {},
  ],
  [
    "the last millisecond of the month's first day, and the first of the next",
    {
      confirmedMs: utc("2026-03-01T22:59:59.999"),
      cancelledMs: utc("2026-03-01T23:00:00.000"),
      lines: pair,
    },
    { "2026-03-01": [1, 1, 1_000, 0], "2026-03-02": [0, 0, 0, 1_000] },
  ],
  [
    "the day of 23 hours ends an hour early",
    { confirmedMs: utc("2026-03-29T21:59:59.999"), cancelledMs: utc("2026-03-29T22:00"), lines: pair },
    { "2026-03-29": [1, 1, 1_000, 0], "2026-03-30": [0, 0, 0, 1_000] },
  ],
  [
    "a refund in the next month leaves this one alone",
    {
      confirmedMs: utc("2026-03-31T21:59:59.999"),
      lines: pair,
      refunds: [{ atMs: utc("2026-03-31T22:00"), cents: 1_000 }],
    },
    { "2026-03-31": [1, 1, 1_000, 0] },
  ],
];
const MARCH = { from: "2026-03-01", to: "2026-03-31" };

describe("a month by hand", () => {
  test.each(MONTH)("%s", async (_name, sale, expected) => {
    const db = await shopWith([sale]);
    const report = await salesOf(db.scan, MARCH, BERLIN);
    expect(report.days).toHaveLength(31);
    expect(figures(report.days)).toEqual(expected);
  });

  test("all of it at once, with its totals", async () => {
    const db = await shopWith(MONTH.map(([, sale]) => sale));
    const expected: Record<string, number[]> = {};
    for (const [, , days] of MONTH)
      for (const [date, numbers] of Object.entries(days))
        expected[date] = numbers.map((number, index) => number + (expected[date]?.[index] ?? 0));
    const report = await salesOf(db.scan, MARCH, BERLIN);
    expect(figures(report.days)).toEqual(expected);
    expect(numbersOf(report.totals)).toEqual([10, 13, 15_497, 7_900]);
    expect(report.days.map(({ date }) => date)).toEqual(
      Array.from({ length: 31 }, (_, index) => addDays(MARCH.from, index)),
    );
  });

  test("the day of 25 hours has one more", async () => {
    const db = await shopWith([
      { confirmedMs: utc("2026-10-24T22:00"), lines: pair },
      { confirmedMs: utc("2026-10-25T22:59:59.999"), lines: pair },
      { confirmedMs: utc("2026-10-25T23:00"), lines: pair },
    ]);
    const { days } = await salesOf(db.scan, { from: "2026-10-24", to: "2026-10-26" }, BERLIN);
    expect(days.map(({ orders }) => orders)).toEqual([0, 2, 1]);
  });

  test("a date that the zone skips has nothing, and its neighbours have all", async () => {
    const db = await shopWith([
      { confirmedMs: utc("2011-12-30T09:59:59.999"), lines: pair },
      { confirmedMs: utc("2011-12-30T10:00"), lines: pair },
    ]);
    const apia = { timezone: "Pacific/Apia", currency: "USD" };
    const { days } = await salesOf(db.scan, { from: "2011-12-29", to: "2011-12-31" }, apia);
    expect(days.map(({ date, orders }) => [date, orders])).toEqual([
      ["2011-12-29", 1],
      ["2011-12-30", 0],
      ["2011-12-31", 1],
    ]);
  });
});

test("a past day is the same after everything that may happen later", async () => {
  const confirmedMs = utc("2026-03-02T12:00");
  const sales: Sale[] = [
    { confirmedMs, lines: pair },
    { method: "invoice", confirmedMs, lines: pair },
  ];
  const db = await shopWith(sales);
  const day = { from: "2026-03-02", to: "2026-03-02" };
  const before = await salesOf(db.scan, day, BERLIN);
  const laterMs = utc("2026-03-20T12:00");
  const run = (sql: string) => db.write([{ sql }]);
  await run(`UPDATE orders SET status = 'cancelled', updated_at = ${laterMs} WHERE number = 10002`);
  await run(`UPDATE orders SET status = 'shipped', updated_at = ${laterMs} WHERE number = 10001`);
  await run(`INSERT INTO refunds VALUES (10001, 1, 400, 0, 'done', ${laterMs + 1})`);
  expect(await salesOf(db.scan, day, BERLIN)).toEqual(before);
  const all = await salesOf(db.scan, MARCH, BERLIN);
  expect(numbersOf(all.totals)).toEqual([2, 2, 2_000, 1_400]);
});

describe("the shoes of a day", () => {
  const confirmedMs = utc("2026-03-02T12:00");
  test("are the five with most pairs, then most revenue, then by id, named as in their newest order", async () => {
    const db = await shopWith([
      { confirmedMs, lines: [line("a", 2, 500, "Old name"), line("b", 1, 900), line("c", 1, 900)] },
      {
        confirmedMs: confirmedMs + 1,
        lines: [line("a", 1, 600, "New name"), line("a", 1, 600, "Later line")],
      },
      { confirmedMs, lines: [line("e", 1, 950), line("d", 1, 900), line("f", 1, 1), line("g", 2, 1)] },
    ]);
    const { days } = await salesOf(db.scan, { from: "2026-03-02", to: "2026-03-02" }, BERLIN);
    expect(days[0]?.topShoes).toEqual([
      { productId: "a", productName: "New name", pairs: 4, revenueCents: 2_200 },
      { productId: "g", productName: "Shoe g", pairs: 2, revenueCents: 2 },
      { productId: "e", productName: "Shoe e", pairs: 1, revenueCents: 950 },
      { productId: "b", productName: "Shoe b", pairs: 1, revenueCents: 900 },
      { productId: "c", productName: "Shoe c", pairs: 1, revenueCents: 900 },
    ]);
    // Those beyond the fifth count too.
    expect(days[0]?.items).toBe(10 + 1);
  });
});

test("each query walks one index, and reads no other day", async () => {
  const path = freshPath();
  const queries: { sql: string }[] = [];
  const db = await shopWith([], path);
  const noting: Database["scan"] = (given) => {
    queries.push(...given);
    return db.scan(given);
  };
  await salesOf(noting, { from: "2026-03-02", to: "2026-03-02" }, BERLIN);
  const handle = openHandle(path, 2_048);
  const plans = queries.map(({ sql }) => {
    const rows = handle.prepare(`EXPLAIN QUERY PLAN ${sql}`).all([0n, 1n, "USD"]) as { detail: string }[];
    return rows.map(({ detail }) => detail);
  });
  handle.close();
  const first = plans.map(
    (plan) => plan.find((step) => / USING (INDEX|COVERING INDEX) \w+_(by_\w+|cancelled) /.test(step)) ?? "",
  );
  expect(first.map((step) => /INDEX (\w+) \((\w+)>\? AND \2<\?\)/.exec(step)?.[1])).toEqual([
    "orders_by_confirmation",
    "orders_by_confirmation",
    "refunds_by_time",
    "order_history_cancelled",
  ]);
  expect(plans.flat().filter((step) => /^SCAN (?!s$|\(subquery-\d+\)$)/.test(step))).toEqual([]);
});

describe("random sales", () => {
  const START = utc("2026-03-20T00:00");
  const time = fc.integer({ min: 0, max: 20 * 24 * 3_600_000 }).map((ms) => START + ms);
  const lines = fc.array(
    fc.record({
      productId: fc.constantFrom("a", "b", "c", "d", "e", "f", "g"),
      title: fc.constantFrom("Road", "Trail", "=1+1"),
      quantity: fc.integer({ min: 1, max: 100 }),
      priceCents: fc.oneof(fc.integer({ min: 1, max: 100_000_000 }), fc.constantFrom(1, 99, 100_000_000)),
    }),
    { minLength: 1, maxLength: 6 },
  );
  const sale: fc.Arbitrary<Sale> = fc
    .record({
      confirmedMs: fc.option(time, { freq: 5 }),
      cancelled: fc.option(fc.integer({ min: 0, max: 9 * 24 * 3_600_000 })),
      method: fc.constantFrom("card" as const, "invoice" as const),
      currency: fc.constantFrom("USD", "USD", "EUR"),
      shippingCents: fc.constantFrom(0, 499, 100_000_000),
      lines,
      refunds: fc.array(
        fc.record({
          atMs: time,
          cents: fc.integer({ min: 1, max: 200 }),
          state: fc.constantFrom("due" as const, "done" as const, "refused" as const),
        }),
        { maxLength: 3 },
      ),
    })
    .map(({ cancelled, refunds, ...sale }) => {
      const total = sale.lines.reduce((sum, each) => sum + each.quantity * each.priceCents, 0);
      const cancelledMs = (sale.confirmedMs ?? START) + (cancelled ?? 0);
      return {
        ...sale,
        ...(cancelled === null ? {} : { cancelledMs }),
        refunds: sale.confirmedMs === null || total < 600 ? [] : refunds,
      };
    });

  test("are reported as by the second report, in several zones", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sale, { maxLength: 12 }), async (sales) => {
        const db = await shopWith(sales);
        for (const timezone of ["Europe/Berlin", "Australia/Lord_Howe", "America/Los_Angeles"])
          for (const currency of ["USD", "EUR"]) {
            const period = { from: "2026-03-01", to: "2026-05-01" };
            const report = await salesOf(db.scan, period, { timezone, currency });
            const byHand = reportByHand(db, timezone, currency);
            const days = report.days.filter(({ date }) => byHand[date] !== undefined);
            expect(Object.fromEntries(days.map(({ date, ...day }) => [date, day]))).toEqual(byHand);
            const sum = (key: keyof Sums) => Object.values(byHand).reduce((all, day) => all + day[key], 0);
            expect(report.totals).toEqual({
              orders: sum("orders"),
              items: sum("items"),
              revenueCents: sum("revenueCents"),
              refundsCents: sum("refundsCents"),
            });
          }
        await db.close();
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
