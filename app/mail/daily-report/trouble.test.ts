// Daily reports while something is wrong: a copy that lags, a database that fails, read workers that are busy, and the end.
import { afterEach, describe, expect, test } from "bun:test";
import type { Database } from "../../../db/database.ts";
import { DatabaseError } from "../../../db/errors.ts";
import { openRequesters } from "../../../db/read/requesters.ts";
import { openTurns } from "../../../db/read/turns.ts";
import { until } from "../../../db/until.ts";
import { openReportShop, type ReportShop, reportIn, soldAt } from "../../testing/daily-reports.ts";
import { writeSales } from "../../testing/sales.ts";

const MINUTE_MS = 60_000;
const BOTH = ["2026-03-10", "2026-03-11"];

const open: ReportShop[] = [];
afterEach(async () => {
  for (const shop of open.splice(0)) await shop.close();
});

/** A shop with two days to report. */
async function openShop(now = "2026-03-12T08:00"): Promise<ReportShop> {
  const shop = openReportShop(now);
  open.push(shop);
  await shop.startMail("2026-03-10T12:00");
  return shop;
}

describe("a copy of the data", () => {
  test("has to be newer than the end of the day and the grace", async () => {
    const shop = await openShop("2026-03-12T00:00");
    let lagMs = 0;
    const maker = shop.openMaker({ timezone: "UTC", copy: { lagMs: () => lagMs } });
    shop.nowMs += 20 * MINUTE_MS;
    lagMs = 15 * MINUTE_MS + 1;
    await maker.run();
    expect(shop.dates()).toEqual(["2026-03-10"]);
    lagMs -= 1;
    await maker.run();
    expect(shop.dates()).toEqual(BOTH);
  });

  test("of unknown age is not reported", async () => {
    const shop = await openShop();
    // The replica was opened just before, and has not been synced since.
    const openedMs = shop.nowMs - 5;
    let syncedMs = openedMs;
    const maker = shop.openMaker({ timezone: "UTC", copy: { lagMs: () => shop.nowMs - syncedMs } });
    shop.nowMs += 2 * MINUTE_MS;
    await maker.run();
    expect(shop.dates()).toEqual([]);
    syncedMs = shop.nowMs - MINUTE_MS;
    await maker.run();
    expect(shop.dates()).toEqual(BOTH);
  });

  test("of a node in trouble is not reported", async () => {
    const shop = await openShop();
    let trouble: string | null = "there is no complete replica";
    const maker = shop.openMaker({ timezone: "UTC", copy: { trouble: () => trouble } });
    await maker.run();
    expect([shop.dates(), maker.logged]).toEqual([[], []]);
    trouble = null;
    await maker.run();
    expect(shop.dates()).toEqual(BOTH);
  });
});

describe("a failure", () => {
  const away = () => Promise.reject(new DatabaseError("unreachable", "the primary does not answer"));
  const thrown = () => {
    throw new DatabaseError("unreachable", "there is no copy to read");
  };
  test.each<[string, Partial<Database>, string]>([
    ["of the write", { write: away }, "the primary does not answer"],
    ["of the read worker", { scan: away }, "the primary does not answer"],
    ["of the local copy", { read: { get: thrown, all: thrown } }, "there is no copy to read"],
  ])("%s is logged once a minute, and the reports are made later", async (_name, broken, error) => {
    const shop = await openShop();
    await writeSales(shop.db, [soldAt("2026-03-10T12:00")]);
    let isBroken = true;
    const maker = shop.openMaker({
      timezone: "UTC",
      before: (file) =>
        new Proxy(file, {
          get: (target, name: keyof Database) => (isBroken ? (broken[name] ?? target[name]) : target[name]),
        }),
    });
    await maker.run();
    await maker.run();
    shop.nowMs += MINUTE_MS;
    await maker.run();
    expect(shop.dates()).toEqual([]);
    expect(maker.logged).toEqual([
      { message: "a daily report was not made", error: expect.stringContaining(error) },
      { message: "a daily report was not made", error: expect.stringContaining(error), leftOut: 1 },
    ]);
    isBroken = false;
    await maker.run();
    expect(shop.dates()).toEqual(BOTH);
    expect(reportIn(shop.db, "2026-03-10")).toMatchObject({ orders: 1, revenue: 10 });
  });
});

describe("the read worker", () => {
  test("is used in turns: a report waits for lists", async () => {
    const shop = await openShop();
    const turns = openTurns({ runningMax: 1, waitingMax: 10 });
    const busy = Promise.withResolvers<void>();
    const list = turns.run(openRequesters(), () => busy.promise);
    const maker = shop.openMaker({ timezone: "UTC", turns });
    const run = maker.run();
    await until("the report waits", () => turns.state().waiting === 1);
    expect(maker.scans()).toBe(0);
    busy.resolve();
    await Promise.all([list, run]);
    expect([shop.dates(), turns.state().running]).toEqual([BOTH, 0]);
  });

  test("is not waited for at the end of the process", async () => {
    const shop = await openShop();
    const turns = openTurns({ runningMax: 1, waitingMax: 10 });
    void turns.run(openRequesters(), () => new Promise(() => undefined));
    const maker = shop.openMaker({ timezone: "UTC", turns });
    const run = maker.run();
    await until("the report waits", () => turns.state().waiting === 1);
    await maker.close();
    await run;
    expect([shop.dates(), maker.scans(), maker.logged]).toEqual([[], 0, []]);
  });
});

test("the end comes between two reports, and then nothing is made", async () => {
  const shop = await openShop();
  const held = Promise.withResolvers<void>();
  const maker = shop.openMaker({
    timezone: "UTC",
    before: (file) => ({
      ...file,
      async scan(queries) {
        await held.promise;
        return file.scan(queries);
      },
    }),
  });
  const run = maker.run();
  await until("a report is read", () => maker.scans() === 1);
  const closed = maker.close();
  held.resolve();
  await Promise.all([run, closed]);
  await maker.run();
  expect([shop.dates(), maker.scans()]).toEqual([[], 1]);
});

test("a started maker looks by itself until it is closed", async () => {
  const shop = await openShop("2026-03-12T00:04");
  const maker = shop.openMaker({ timezone: "UTC", times: { reportLookMs: 5 } });
  maker.start();
  await until("the first day is reported", () => shop.dates().length === 1);
  shop.nowMs += 2 * MINUTE_MS;
  await until("the second day is reported", () => shop.dates().length === 2);
  await maker.close();
  expect(shop.dates()).toEqual(BOTH);
});
