// The daily report of a whole shop: the same numbers as the API's report, one mail, and small reads on the serving thread.
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type ParsedMail, simpleParser } from "mailparser";
import { addKey } from "../../accounts/keys.ts";
import { booksOf } from "../../testing/books.ts";
import { reportIn, utc } from "../../testing/daily-reports.ts";
import { ask, signUp } from "../../testing/people.ts";
import { hasServer, openRowCounter } from "../../testing/rows-read.ts";
import { type ObservedShop, openFolder, openObservedShop, shoe } from "../../testing/shop.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** More than the grace and a process's share of the spread. */
const AFTER_MS = 7 * MINUTE_MS;
const PRICES = [1, 99, 2_675, 12_999, 100_000_000];

let nowMs = 0;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type TestMailShop = ObservedShop & { mails(): Promise<ParsedMail[]> };

async function openShop(settings: Record<string, string>): Promise<TestMailShop> {
  const folder = openFolder();
  closing.push(folder.remove);
  const stock = { sizes: [{ size: "", stock: 1_000_000 }] };
  const shop = await openObservedShop(
    PRICES.map((priceCents, at) => shoe(`s${at}`, { priceCents, title: `Shoe <${at}>`, ...stock })),
    false,
    { now: () => nowMs, settings: { DATA_DIR: folder.path, ...settings } },
  );
  closing.push(shop.close);
  const files = join(folder.path, "mail");
  const mails = () =>
    Promise.all(
      readdirSync(files)
        .filter((name) => name.startsWith("daily-report."))
        .map((name) => simpleParser(readFileSync(join(files, name)))),
    );
  return { ...shop, mails };
}

async function buy(shop: ObservedShop, items: { productId: string; quantity: number }[]): Promise<string> {
  const answer = await ask(shop, "POST", "/api/orders", { body: { items, email: "guest@shop.example" } });
  const { data } = (await answer.json()) as { data: { id: string; status: string } };
  expect([answer.status, data.status]).toEqual([201, "confirmed"]);
  return data.id;
}

const ZONES: [string, string, number][] = [
  ["Europe/Berlin", "2026-10-25", 25],
  ["America/New_York", "2026-03-08", 23],
  ["Australia/Lord_Howe", "2026-04-05", 25],
];

describe.each(ZONES)("in %s on %s", (timezone, date, hoursOfDay) => {
  test("the mail has the numbers of the API's report of the day", async () => {
    nowMs = utc(`${date}T00:00`) - 24 * HOUR_MS;
    const shop = await openShop({
      REPORT_TIMEZONE: timezone,
      ADMIN_ALERT_EMAIL: "owner@shop.example, clerk@shop.example",
      SHOP_NAME: "Feet & Co",
      OPEN_ORDERS_MAX: "0",
      OPEN_ORDERS_ADDRESS_MAX: "0",
    });
    await shop.mail.run();
    const key = await addKey(shop.db, "books", 0);
    const cart = fc.array(
      fc.record({
        productId: fc.integer({ min: 0, max: PRICES.length - 1 }).map((at) => `s${at}`),
        quantity: fc.integer({ min: 1, max: 9 }),
      }),
      { minLength: 1, maxLength: 4 },
    );
    // Before, on and after the day, in order: the reports of the days between are made meanwhile.
    const times = fc.sample(fc.integer({ min: -14 * 60, max: 40 * 60 }), 16).toSorted((a, b) => a - b);
    for (const [at, minutes] of times.entries()) {
      nowMs = utc(`${date}T00:00`) + minutes * MINUTE_MS;
      const [items = []] = fc.sample(cart, 1);
      const id = await buy(shop, items);
      if (at % 4 === 1)
        await ask(shop, "PUT", `/api/orders/${id}/status`, { token: key, body: { status: "cancelled" } });
      if (at % 5 === 0) await signUp(shop, `Customer ${at}`);
      await shop.mail.run();
    }
    nowMs = utc(`${date}T00:00`) + 3 * 24 * HOUR_MS;
    await shop.mail.run();

    const answer = await ask(shop, "GET", `/api/reports/sales?from=${date}&to=${date}`, { token: key });
    const { data } = (await answer.json()) as { data: { days: Record<string, unknown>[] } };
    const { hours, newCustomers, ...mailed } = reportIn(shop.db, date) as {
      hours: { orders: number; revenue: number }[];
      newCustomers: number;
      orders: number;
      revenue: number;
    };
    expect(mailed as unknown).toEqual({ ...data.days[0], timezone, currency: "USD" });
    expect(hours).toHaveLength(hoursOfDay);
    expect(hours.reduce((sum, { orders }) => sum + orders, 0)).toBe(mailed.orders);
    const cents = (amount: number) => Math.round(amount * 100);
    expect(hours.reduce((sum, { revenue }) => sum + cents(revenue), 0)).toBe(cents(mailed.revenue));
    const onDay = shop.db.read.all<[number]>("SELECT created_at FROM users").filter(([ms]) => {
      const clocks = new Intl.DateTimeFormat("en-CA", { timeZone: timezone, dateStyle: "short" });
      return clocks.format(ms) === date;
    });
    expect(newCustomers).toBe(onDay.length);

    const mails = await shop.mails();
    const mail = mails.find(({ subject = "" }) =>
      subject.includes(`${new Date(`${date}T00:00Z`).getUTCDate()},`),
    );
    const long = new Intl.DateTimeFormat("en-US", { dateStyle: "full", timeZone: "UTC" }).format(
      utc(`${date}T00:00`),
    );
    const many = mailed.orders === 1 ? "1 order" : `${mailed.orders || "no"} orders`;
    expect(mail?.subject).toBe(`Feet & Co: ${many} on ${long}`);
    expect([mail?.to].flat().map((to) => to?.text)).toEqual(["owner@shop.example, clerk@shop.example"]);
    const revenue = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(
      mailed.revenue,
    );
    for (const form of [mail?.text, mail?.html]) if (mailed.orders > 0) expect(form).toContain(revenue);
    // One for each day from the start on.
    const days = shop.db.read.all("SELECT key FROM outbox WHERE kind = 'daily-report'");
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(days.length);
    expect(days.length).toBeGreaterThanOrEqual(3);
    expect(await booksOf(shop.databasePath)).toEqual([]);
  }, 60_000);
});

test("without anybody of the staff there are no reports, and nothing is read for them", async () => {
  nowMs = utc("2026-03-10T12:00");
  const shop = await openShop({});
  await shop.mail.run();
  nowMs += 48 * HOUR_MS;
  shop.ran.length = 0;
  await shop.mail.run();
  expect(shop.db.read.all("SELECT kind FROM outbox")).toEqual([]);
  expect(shop.ran.filter(({ sql }) => sql.includes("daily-report"))).toEqual([]);
});

test.if(hasServer)("the serving thread reads a few rows, and the day is read elsewhere", async () => {
  nowMs = utc("2026-03-10T12:00");
  const shop = await openShop({ ADMIN_ALERT_EMAIL: "owner@shop.example" });
  await shop.mail.run();
  for (let order = 0; order < 20; order += 1) await buy(shop, [{ productId: "s1", quantity: 1 }]);
  // A year of reports, and the mails of its orders.
  await shop.db.write([
    {
      sql: `WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 365)
        INSERT INTO outbox (kind, key, data, state, due_at, created_at)
        SELECT 'daily-report', date('2025-01-01', '+' || at || ' days'), '{}', 'withdrawn', 0, 0 FROM n`,
    },
  ]);
  nowMs = utc("2026-03-11T00:00") + AFTER_MS;
  shop.ran.length = 0;
  await shop.mail.run();
  const here = shop.ran.filter((statement) => statement.here && !statement.sql.includes("state = 'due'"));
  expect(here.map(({ sql }) => sql)).toEqual([
    "SELECT at FROM mail_start",
    "SELECT key FROM outbox WHERE kind = 'daily-report' AND key BETWEEN ? AND ?",
  ]);
  const elsewhere = shop.ran.filter((statement) => !statement.here);
  expect(elsewhere).toHaveLength(6);
  const counter = await openRowCounter(shop.databasePath);
  closing.push(counter.close);
  expect(Math.max(...(await counter.count(here)))).toBeLessThanOrEqual(10);
  expect(reportIn(shop.db, "2026-03-10")).toMatchObject({ orders: 20 });
});
