// The report of a day with its hours: the same sums as the API's report, to the cent, on every kind of day.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import type { Database, Statement } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { openHandle } from "../../../db/read/reader.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { type Sale, writeSales } from "../../testing/sales.ts";
import { type Folder, openFolder } from "../../testing/shop.ts";
import { dayReportOf } from "./day.ts";
import { addDays, daysOf } from "./days.ts";
import { jsonOf } from "./formats.ts";
import { salesOf } from "./sales.ts";

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

async function shopWith(sales: readonly Sale[]): Promise<{ db: Database; path: string }> {
  const path = join(folder.path, `${++files}.db`);
  migrate(path);
  const db = openFile(path);
  open.push(db);
  await writeSales(db, sales);
  return { db, path };
}

const dayIn = (date: string, zone: string) => {
  const [day] = daysOf(date, date, zone);
  if (!day) throw new Error(`no day ${date}`);
  return day;
};
const reportOf = (db: Database, date: string, timezone: string, currency = "USD") =>
  dayReportOf(db.scan, dayIn(date, timezone), { timezone, currency });

const soldAt = (confirmedMs: number, priceCents = 1_000): Sale => ({
  confirmedMs,
  lines: [{ productId: "a", quantity: 1, priceCents }],
});
/** The hours in which something was sold: start, orders and revenue. */
const busy = ({ hours }: Awaited<ReturnType<typeof reportOf>>) =>
  hours.filter(({ orders }) => orders > 0).map(({ start, orders, revenue }) => [start, orders, revenue]);

describe("by hand", () => {
  test("the last and the first millisecond of an hour and of a day", async () => {
    const { db } = await shopWith([
      soldAt(utc("2026-03-27T22:59:59.999"), 1),
      soldAt(utc("2026-03-27T23:00:00.000"), 10),
      soldAt(utc("2026-03-28T11:59:59.999"), 100),
      soldAt(utc("2026-03-28T12:00:00.000"), 1_005),
      soldAt(utc("2026-03-28T22:59:59.999"), 10_000),
      soldAt(utc("2026-03-28T23:00:00.000"), 100_000),
    ]);
    const report = await reportOf(db, "2026-03-28", "Europe/Berlin");
    expect(busy(report)).toEqual([
      ["00:00", 1, 0.1],
      ["12:00", 1, 1],
      ["13:00", 1, 10.05],
      ["23:00", 1, 100],
    ]);
    expect([report.orders, report.revenue, report.hours.length]).toEqual([4, 111.15, 24]);
    expect(report).toMatchObject({ date: "2026-03-28", timezone: "Europe/Berlin", currency: "USD" });
  });

  test.each<[string, string, string[], [string, number, number][], number]>([
    // 02:00 to 03:00 is there twice: first by summer time, then by winter time.
    [
      "Europe/Berlin",
      "2026-10-25",
      ["2026-10-25T00:59:59.999", "2026-10-25T01:00", "2026-10-25T22:59:59.999", "2026-10-25T23:00"],
      [
        ["02:00", 1, 10],
        ["02:00", 1, 10],
        ["23:00", 1, 10],
      ],
      25,
    ],
    [
      "Europe/Berlin",
      "2026-03-29",
      ["2026-03-29T00:59:59.999", "2026-03-29T01:00", "2026-03-29T21:59:59.999", "2026-03-29T22:00"],
      [
        ["01:00", 1, 10],
        ["03:00", 1, 10],
        ["23:00", 1, 10],
      ],
      23,
    ],
    [
      "America/New_York",
      "2026-11-01",
      ["2026-11-01T03:59:59.999", "2026-11-01T04:00", "2026-11-01T05:30", "2026-11-01T06:30"],
      [
        ["00:00", 1, 10],
        ["01:00", 1, 10],
        ["01:00", 1, 10],
      ],
      25,
    ],
    [
      "Australia/Lord_Howe",
      "2026-04-05",
      ["2026-04-04T14:59:59.999", "2026-04-04T15:00", "2026-04-04T15:30"],
      [
        ["01:00", 1, 10],
        ["01:30", 1, 10],
        ["02:00", 1, 10],
      ],
      25,
    ],
    [
      "Europe/Berlin",
      "2025-12-31",
      ["2025-12-30T22:59:59.999", "2025-12-30T23:00", "2025-12-31T22:59:59.999", "2025-12-31T23:00"],
      [
        ["00:00", 1, 10],
        ["23:00", 1, 10],
      ],
      24,
    ],
  ])("%s %s", async (zone, date, times, expected, length) => {
    const { db } = await shopWith(times.map((time) => soldAt(utc(time))));
    const report = await reportOf(db, date, zone);
    expect(busy(report)).toEqual(expected);
    expect(report.hours).toHaveLength(length);
  });

  test("a date that the zone skips has no hours, and nothing", async () => {
    const { db } = await shopWith([soldAt(utc("2011-12-30T10:00"))]);
    const report = await reportOf(db, "2011-12-30", "Pacific/Apia");
    expect([report.hours, report.orders]).toEqual([[], 0]);
    expect((await reportOf(db, "2011-12-31", "Pacific/Apia")).orders).toBe(1);
  });
});

test("all of a day is read at once, and its hours walk the index", async () => {
  const { db, path } = await shopWith([]);
  const scans: Statement[][] = [];
  await dayReportOf(
    (queries) => {
      scans.push(queries);
      return db.scan(queries);
    },
    dayIn("2026-03-28", "UTC"),
    { timezone: "UTC", currency: "USD" },
  );
  expect(scans.map((queries) => queries.length)).toEqual([5]);
  const handle = openHandle(path, 2_048);
  const rows = handle.prepare(`EXPLAIN QUERY PLAN ${scans[0]?.[0]?.sql}`).all(["[]", "USD"]);
  handle.close();
  expect((rows as { detail: string }[]).map(({ detail }) => detail)).toContain(
    "SEARCH o USING INDEX orders_by_confirmation (confirmed_at>? AND confirmed_at<?)",
  );
});

describe("random sales", () => {
  const START = utc("2026-10-22T00:00");
  const time = fc.integer({ min: 0, max: 6 * 24 * 3_600_000 }).map((ms) => START + ms);
  const sale: fc.Arbitrary<Sale> = fc
    .record({
      confirmedMs: fc.option(time, { freq: 8 }),
      cancelled: fc.option(fc.integer({ min: 0, max: 3 * 24 * 3_600_000 }), { freq: 3 }),
      currency: fc.constantFrom("USD", "USD", "EUR"),
      shippingCents: fc.constantFrom(0, 499, 100_000_000),
      lines: fc.array(
        fc.record({
          productId: fc.constantFrom("a", "b", "c", "d", "e", "f", "g"),
          quantity: fc.integer({ min: 1, max: 100 }),
          priceCents: fc.oneof(fc.integer({ min: 1, max: 100_000_000 }), fc.constantFrom(1, 99, 2_675)),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    })
    .map(({ cancelled, ...sale }) => ({
      ...sale,
      ...(cancelled === null ? {} : { cancelledMs: (sale.confirmedMs ?? START) + cancelled }),
    }));
  const cents = (amount: number): number => Math.round(amount * 100);

  test("the day is that of the API's report, and its hours add up to it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sale, { maxLength: 12 }), async (sales) => {
        const { db } = await shopWith(sales);
        for (const timezone of ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York"]) {
          const books = { timezone, currency: "USD" };
          const to = addDays("2026-10-22", 6);
          const { days } = jsonOf(await salesOf(db.scan, { from: "2026-10-22", to }, books));
          for (const { date, ...expected } of days) {
            const { hours, ...report } = await dayReportOf(db.scan, dayIn(date, timezone), books);
            expect(report).toEqual({ date, ...expected, ...books });
            const sum = (of: (hour: (typeof hours)[number]) => number) =>
              hours.reduce((all, hour) => all + of(hour), 0);
            expect(sum(({ orders }) => orders)).toBe(expected.orders);
            expect(sum(({ revenue }) => cents(revenue))).toBe(cents(expected.revenue));
          }
        }
        await db.close();
      }),
      { numRuns: 20 },
    );
  }, 60_000);
});
