// Daily reports: which days have one, when it is made, and that it is made once.
import { afterEach, describe, expect, test } from "bun:test";
import { addDays } from "../../orders/orders.ts";
import { openReportShop, type ReportShop, reportIn, soldAt, utc } from "../../testing/daily-reports.ts";
import { writeSales } from "../../testing/sales.ts";

const open: ReportShop[] = [];
afterEach(async () => {
  for (const shop of open.splice(0)) await shop.close();
});

/** A shop whose sender first started at `started`, and whose clock shows `now`. */
async function shopAt(now: string, started: string | null): Promise<ReportShop> {
  const shop = openReportShop(now);
  open.push(shop);
  if (started !== null) await shop.startMail(started);
  return shop;
}

describe("the days that have a report", () => {
  test.each<[string, string, string | null, string, string[]]>([
    ["none before a sender has started", "Europe/Berlin", null, "2026-03-10T12:00", []],
    ["none on the day of the start", "Europe/Berlin", "2026-03-10T08:00", "2026-03-10T22:59:59.999", []],
    ["none before the grace is over", "Europe/Berlin", "2026-03-10T08:00", "2026-03-10T23:04:59.999", []],
    ["the day of the start", "Europe/Berlin", "2026-03-10T08:00", "2026-03-10T23:05", ["2026-03-10"]],
    [
      "it, also when it began with its last millisecond",
      "UTC",
      "2026-03-10T23:59:59.999",
      "2026-03-11T00:05",
      ["2026-03-10"],
    ],
    [
      "not the day before, by the zone",
      "Europe/Berlin",
      "2026-03-10T23:00",
      "2026-03-11T23:05",
      ["2026-03-11"],
    ],
    ["the longest day", "Europe/Berlin", "2026-10-25T12:00", "2026-10-25T23:04:59.999", []],
    [
      "the longest day, once it is over",
      "Europe/Berlin",
      "2026-10-25T12:00",
      "2026-10-25T23:05",
      ["2026-10-25"],
    ],
    ["the shortest day", "Europe/Berlin", "2026-03-29T12:00", "2026-03-29T22:04:59.999", []],
    [
      "the shortest day, once it is over",
      "Europe/Berlin",
      "2026-03-29T12:00",
      "2026-03-29T22:05",
      ["2026-03-29"],
    ],
    ["the year's last", "America/New_York", "2025-12-31T12:00", "2026-01-01T05:05", ["2025-12-31"]],
    ["New York's longest", "America/New_York", "2026-11-01T12:00", "2026-11-02T05:05", ["2026-11-01"]],
    [
      "Lord Howe's of 24.5 hours",
      "Australia/Lord_Howe",
      "2026-04-05T01:00",
      "2026-04-05T13:35",
      ["2026-04-05"],
    ],
    ["and not before", "Australia/Lord_Howe", "2026-04-05T01:00", "2026-04-05T13:34:59.999", []],
    [
      "no date that the zone skips",
      "Pacific/Apia",
      "2011-12-29T12:00",
      "2011-12-31T10:05",
      ["2011-12-29", "2011-12-31"],
    ],
    [
      "days of a time in which nothing ran, oldest first",
      "UTC",
      "2026-03-10T12:00",
      "2026-03-13T10:00",
      ["2026-03-10", "2026-03-11", "2026-03-12"],
    ],
    [
      "at most a week of them",
      "UTC",
      "2025-01-01T12:00",
      "2026-03-10T10:00",
      ["2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09"],
    ],
    ["none of a start that lies ahead", "UTC", "2026-03-20T12:00", "2026-03-10T10:00", []],
  ])("%s: %s", async (_name, timezone, started, now, dates) => {
    const shop = await shopAt(now, started);
    const maker = shop.openMaker({ timezone });
    await maker.run();
    expect(shop.dates()).toEqual(dates);
    expect([maker.scans(), maker.logged]).toEqual([dates.length, []]);
  });

  test("the week goes by the calendar over the change of clocks and of the year", async () => {
    const shop = await shopAt("2026-01-03T12:00", "2025-12-01T12:00");
    await shop.openMaker().run();
    expect(shop.dates()).toEqual(Array.from({ length: 7 }, (_, at) => addDays("2025-12-27", at)));
  });
});

describe("a report", () => {
  test("has the orders from the first to the last millisecond of its day", async () => {
    const shop = await shopAt("2026-03-10T23:05", "2026-03-10T08:00");
    await writeSales(shop.db, [
      soldAt("2026-03-09T22:59:59.999", 1),
      soldAt("2026-03-09T23:00:00.000", 10),
      soldAt("2026-03-10T22:59:59.999", 200),
      soldAt("2026-03-10T23:00:00.000", 3_000),
    ]);
    await shop.openMaker().run();
    const { hours, ...report } = reportIn(shop.db, "2026-03-10");
    expect(report).toEqual({
      date: "2026-03-10",
      timezone: "Europe/Berlin",
      currency: "USD",
      orders: 2,
      items: 2,
      revenue: 2.1,
      refunds: 0,
      topShoes: [{ productId: "a", productName: "Shoe a", pairs: 2, revenue: 2.1 }],
      newCustomers: 0,
    });
    const none = { orders: 0, revenue: 0 };
    const expected = Array.from({ length: 24 }, (_, at) => ({
      start: `${String(at).padStart(2, "0")}:00`,
      ...none,
    }));
    Object.assign(expected[0] ?? {}, { orders: 1, revenue: 0.1 });
    Object.assign(expected[23] ?? {}, { orders: 1, revenue: 2 });
    expect(hours).toEqual(expected);
  });

  test("is due at once, for the staff, and about no order", async () => {
    const shop = await shopAt("2026-03-10T23:07", "2026-03-10T08:00");
    await shop.openMaker().run();
    const rows = shop.db.read.all(
      "SELECT number, kind, part, key, recipient, state, due_at, created_at, tries FROM outbox",
    );
    expect(rows).toEqual([[null, "daily-report", 0, "2026-03-10", null, "due", shop.nowMs, shop.nowMs, 0]]);
  });

  test("waits for this process's share of the spread", async () => {
    const shop = await shopAt("2026-03-10T23:05", "2026-03-10T08:00");
    // 20 seconds and a fraction of a millisecond.
    const maker = shop.openMaker({ random: 1 / 3 + 1e-7 });
    await maker.run();
    expect(shop.dates()).toEqual([]);
    shop.nowMs += 19_999;
    await maker.run();
    expect(shop.dates()).toEqual([]);
    shop.nowMs += 1;
    await maker.run();
    expect(shop.dates()).toEqual(["2026-03-10"]);
  });

  test("is that of the time when it was made: a later refusal of a refund leaves it", async () => {
    const shop = await shopAt("2026-03-10T23:05", "2026-03-10T08:00");
    const refunds = [{ atMs: utc("2026-03-10T13:00"), cents: 400, state: "due" as const }];
    await writeSales(shop.db, [{ ...soldAt("2026-03-10T12:00"), refunds }]);
    const maker = shop.openMaker();
    await maker.run();
    await shop.db.write([{ sql: "UPDATE refunds SET state = 'refused'" }]);
    shop.nowMs += 60_000;
    await maker.run();
    expect(reportIn(shop.db, "2026-03-10")).toMatchObject({ revenue: 10, refunds: 4 });
    expect(shop.dates()).toHaveLength(1);
  });
});

describe("is made once", () => {
  const DAYS = ["2026-03-10", "2026-03-11", "2026-03-12"];

  test("by a process that looks again, and by its successors", async () => {
    const shop = await shopAt("2026-03-13T10:00", "2026-03-10T12:00");
    const maker = shop.openMaker({ timezone: "UTC" });
    await maker.run();
    shop.nowMs += 60_000;
    await maker.run();
    await maker.close();
    const successor = shop.openMaker({ timezone: "UTC" });
    await successor.run();
    expect(shop.dates()).toEqual(DAYS);
    expect([maker.scans(), successor.scans()]).toEqual([3, 0]);
  });

  test("by several processes at once", async () => {
    const shop = await shopAt("2026-03-13T10:00", "2026-03-10T12:00");
    const makers = Array.from({ length: 4 }, () => shop.openMaker({ timezone: "UTC" }));
    await Promise.all(makers.map((maker) => maker.run()));
    expect(shop.dates()).toEqual(DAYS);
    // They did meet.
    expect(makers.reduce((all, maker) => all + maker.scans(), 0)).toBeGreaterThan(DAYS.length);
    expect(makers.flatMap(({ logged }) => logged)).toEqual([]);
  });

  test("by a process whose copy does not show it yet", async () => {
    const shop = await shopAt("2026-03-11T10:00", "2026-03-10T12:00");
    const maker = shop.openMaker({
      timezone: "UTC",
      before: (file) => ({ ...file, read: { ...file.read, all: () => [] } }),
    });
    await maker.run();
    await maker.run();
    expect([shop.dates(), maker.scans()]).toEqual([["2026-03-10"], 1]);
  });

  test("also when old rows are removed", async () => {
    const shop = await shopAt("2026-03-20T10:00", "2026-03-01T12:00");
    const maker = shop.openMaker({ timezone: "UTC" });
    await maker.run();
    shop.nowMs = utc("2026-06-19T10:00");
    await maker.run();
    await shop.db.write([
      { sql: "DELETE FROM outbox WHERE created_at < ?", args: [utc("2026-03-21T00:00")] },
    ]);
    await shop.openMaker({ timezone: "UTC" }).run();
    expect(shop.dates()).toEqual(Array.from({ length: 7 }, (_, at) => addDays("2026-06-12", at)));
  });

  test("after a process that died between reading and adding", async () => {
    const shop = await shopAt("2026-03-11T10:00", "2026-03-10T12:00");
    const dying = shop.openMaker({
      timezone: "UTC",
      before: (file) => ({ ...file, write: () => new Promise(() => undefined) }),
    });
    void dying.run();
    await shop.openMaker({ timezone: "UTC" }).run();
    expect(shop.dates()).toEqual(["2026-03-10"]);
  });
});
