// The sales report over HTTP: who may read it, its parameters and formats, and where its queries run.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Papa from "papaparse";
import type { Database } from "../../../db/database.ts";
import { openRequesters } from "../../../db/read/requesters.ts";
import { openTurns } from "../../../db/read/turns.ts";
import { openManualClock, settle } from "../../../db/testing/turns.ts";
import { until } from "../../../db/until.ts";
import { addKey } from "../../accounts/keys.ts";
import { makeAdminOf } from "../../testing/accounts.ts";
import { ask, signIn, signUp } from "../../testing/people.ts";
import { type Sale, writeSales } from "../../testing/sales.ts";
import { type ObservedShop, openObservedShop } from "../../testing/shop.ts";

/** Midday of 30 March in Auckland, where the clocks have not changed yet. */
const NOW_MS = Date.parse("2026-03-29T23:00:00Z");
const clock = openManualClock();
const wide = openTurns({ runningMax: 2, waitingMax: 10, clock });

let shop: ObservedShop;
let nowMs = NOW_MS;
let admin: string;
let customer: string;
let key: string;
/** Holds back the scans of the shop while a test wants that. */
let held: Promise<void> = Promise.resolve();
let scans = 0;
let lastSeen: Request | undefined;

const holding = (file: Database): Database => ({
  ...file,
  async scan(queries) {
    scans += 1;
    await held;
    return file.scan(queries);
  },
  // A report never goes to the primary of a node.
  onPrimary: (work) =>
    file.onPrimary(({ read }) =>
      work({ read, scan: () => Promise.reject(new Error("a scan of the primary")) }),
    ),
});

const utc = (text: string): number => Date.parse(`${text}Z`);
const SALES: Sale[] = [
  {
    confirmedMs: utc("2026-03-28T10:59:59.999"),
    lines: [{ productId: "a", quantity: 2, priceCents: 12_995 }],
    shippingCents: 490,
  },
  {
    confirmedMs: utc("2026-03-28T11:00"),
    cancelledMs: utc("2026-03-29T12:00"),
    lines: [{ productId: "b", title: "=1+1", quantity: 1, priceCents: 5 }],
  },
];

beforeAll(async () => {
  shop = await openObservedShop([], false, {
    now: () => nowMs,
    settings: { REPORT_TIMEZONE: "Pacific/Auckland" },
    turns: { wide, primary: openTurns({ runningMax: 4, waitingMax: 10, clock }) },
    before: holding,
    seen: (request) => {
      lastSeen = request;
    },
  });
  await writeSales(shop.db, SALES);
  customer = (await signUp(shop)).token;
  const person = await makeAdminOf(shop.db, await signUp(shop));
  admin = (await signIn(shop, person)).token;
  key = await addKey(shop.db, "books", nowMs);
});
afterAll(() => shop.close());

type Body = {
  data: {
    from: string;
    to: string;
    timezone: string;
    currency: string;
    days: { date: string; orders: number; items: number; revenue: number; refunds: number }[];
    totals: object;
  };
};
const PATH = "/api/reports/sales";
const read = (query: string, accept?: string, path = PATH) =>
  ask(shop, "GET", `${path}${query}`, { token: admin, headers: accept ? { accept } : {} });

describe("who reads it", () => {
  test.each<[string, () => string | undefined, number]>([
    ["anonymous", () => undefined, 401],
    ["a bad token", () => "let me in", 401],
    ["a customer", () => customer, 403],
    ["an admin", () => admin, 200],
    ["an admin key", () => key, 200],
  ])("%s", async (_name, token, status) => {
    for (const path of [PATH, "/v1/reports/sales"])
      for (const [method, accept] of [
        ["GET", "application/json"],
        ["GET", "text/csv"],
        ["HEAD", "text/csv"],
      ] as const) {
        scans = 0;
        const given = token();
        const answer = await ask(shop, method, `${path}?from=2026-03-28&to=2026-03-29`, {
          ...(given === undefined ? {} : { token: given }),
          headers: { accept },
        });
        expect([path, method, answer.status]).toEqual([path, method, status]);
        expect(answer.headers.get("cache-control")).toBe("private, no-store");
        expect(answer.headers.has("etag")).toBe(false);
        // Refused before anything is read.
        expect(scans).toBe(status === 200 ? 2 : 0);
        const body = await answer.text();
        if (status !== 200 && method === "GET") expect(body).not.toContain("revenue");
      }
  });

  test("no other method", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await ask(shop, method, PATH, { token: admin });
      expect([method, answer.status, answer.headers.get("allow")]).toEqual([
        method,
        405,
        "GET, HEAD, OPTIONS",
      ]);
    }
  });
});

describe("the period", () => {
  test.each<[string, string, string, number]>([
    ["", "2026-03-01", "2026-03-30", 30],
    ["?to=2026-01-10", "2025-12-12", "2026-01-10", 30],
    ["?from=2026-03-30", "2026-03-30", "2026-03-30", 1],
    ["?from=2025-03-30", "2025-03-30", "2026-03-30", 366],
    ["?from=2024-01-01&to=2024-12-31", "2024-01-01", "2024-12-31", 366],
    ["?from=1970-01-01&to=1970-01-01", "1970-01-01", "1970-01-01", 1],
    ["?to=1970-01-01", "1969-12-03", "1970-01-01", 30],
    ["?from=9999-12-31&to=9999-12-31", "9999-12-31", "9999-12-31", 1],
    ["?from=2026-03-28&to=2026-03-29&limit=1&zone=UTC&from2=x", "2026-03-28", "2026-03-29", 2],
  ])("%s is %s to %s", async (query, from, to, days) => {
    const answer = await read(query);
    expect(answer.status).toBe(200);
    const { data } = (await answer.json()) as Body;
    expect([data.from, data.to, data.days.length]).toEqual([from, to, days]);
    expect([data.days[0]?.date, data.days.at(-1)?.date]).toEqual([from, to]);
    expect([data.timezone, data.currency]).toEqual(["Pacific/Auckland", "USD"]);
  });

  test("ends today, which is that of the zone", async () => {
    const last = async (at: string) => {
      nowMs = utc(at);
      // A key does not expire.
      return ((await (await ask(shop, "GET", PATH, { token: key })).json()) as Body).data.to;
    };
    try {
      expect(await last("2026-12-31T10:59:59.999")).toBe("2026-12-31");
      expect(await last("2026-12-31T11:00")).toBe("2027-01-01");
    } finally {
      nowMs = NOW_MS;
    }
  });

  const DATE = "must be a date such as 2026-03-29, from 1970-01-01 on";
  test.each<[string, Record<string, string>]>([
    ["?from=", { from: DATE }],
    ["?from=yesterday", { from: DATE }],
    ["?from=2026-02-30", { from: DATE }],
    ["?from=2026-3-1", { from: DATE }],
    ["?to=2026-03-29T00:00:00Z", { to: DATE }],
    ["?to=20260329", { to: DATE }],
    ["?to=1969-12-31", { to: DATE }],
    ["?to=%2B010000-01-01", { to: DATE }],
    ["?to=2026-03-29%00", { to: DATE }],
    ["?to=2026-03-29%0A", { to: DATE }],
    ["?from='%20OR%201=1--", { from: DATE }],
    ["?from=2026-13-01&to=2026-00-01", { from: DATE, to: DATE }],
    ["?from=2026-03-01&from=2026-03-02", { from: "must be given once" }],
    ["?from=2026-03-02&to=2026-03-01", { from: "must not be after 2026-03-01" }],
    ["?from=2026-03-31", { from: "must not be after 2026-03-30" }],
    ["?from=2025-03-29", { from: "must be at most 365 days before 2026-03-30" }],
    ["?from=1970-01-01&to=9999-12-31", { from: "must be at most 365 days before 9999-12-31" }],
  ])("%s is refused", async (query, errors) => {
    for (const accept of ["application/json", "text/csv"]) {
      scans = 0;
      const answer = await read(query, accept);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([400, "application/problem+json"]);
      const problem = (await answer.json()) as { errors: { parameter: string; detail: string }[] };
      expect(Object.fromEntries(problem.errors.map((each) => [each.parameter, each.detail]))).toEqual(errors);
      expect(scans).toBe(0);
    }
  });
});

describe("the formats", () => {
  const QUERY = "?from=2026-03-27&to=2026-03-30";
  // The shop's day of 28 March begins at 11:00 UTC of the 27th.
  const DAYS = [
    ["2026-03-27", 0, 0, 0, 0],
    ["2026-03-28", 1, 2, 264.8, 0],
    ["2026-03-29", 1, 1, 0.05, 0],
    ["2026-03-30", 0, 0, 0, 0.05],
  ];

  test("JSON", async () => {
    const answer = await read(QUERY);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(answer.headers.has("content-disposition")).toBe(false);
    const { data } = (await answer.json()) as Body;
    const { days, totals } = data;
    expect(days.map((day) => [day.date, day.orders, day.items, day.revenue, day.refunds])).toEqual(DAYS);
    expect(totals).toEqual({ orders: 2, items: 3, revenue: 264.85, refunds: 0.05 });
    expect(days[2]).toHaveProperty("topShoes", [
      { productId: "b", productName: "=1+1", pairs: 1, revenue: 0.05 },
    ]);
  });

  test("CSV", async () => {
    const answer = await read(QUERY, "text/csv");
    expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(answer.headers.get("content-disposition")).toBe(
      'attachment; filename="sales_2026-03-27_2026-03-30.csv"',
    );
    const text = await answer.text();
    expect(text.split("\r\n")).toHaveLength(1 + 4 + 1 + 1);
    const { data } = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true });
    const rows = data.map(({ date, orders, items, revenue, refunds }) => [
      date,
      Number(orders),
      Number(items),
      Number(revenue),
      Number(refunds),
    ]);
    expect(rows).toEqual([...DAYS, ["total", 2, 3, 264.85, 0.05]]);
    expect(data[2]).toHaveProperty("top1ProductName", "'=1+1");
  });

  test.each([
    ["text/csv", "text/csv"],
    ["text/csv;q=0.5, application/json", "application/json"],
    ["image/png", "application/json"],
  ])("Accept: %s is answered with %s, and a cache keeps them apart", async (accept, type) => {
    const answer = await read(QUERY, accept);
    expect(answer.headers.get("content-type")).toStartWith(type);
    expect(answer.headers.get("vary")?.split(", ")).toEqual(["Accept", "Origin"]);
  });
});

describe("its queries", () => {
  const hold = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    return resolve;
  };

  test("run at the read worker, a day at a time", async () => {
    shop.ran.length = 0;
    scans = 0;
    await read("?from=2026-03-01&to=2026-03-30");
    const ofReport = shop.ran.filter(({ sql }) => /\b(orders|refunds|order_history)\b/.test(sql));
    expect(ofReport.map(({ here }) => here)).toEqual(Array.from({ length: 4 * 30 }, () => false));
    expect(scans).toBe(30);
  });

  test("take one turn among wide reads, one report at a time", async () => {
    const release = hold();
    scans = 0;
    const reports = [read("?from=2026-03-30"), read("?from=2026-03-30"), read("?from=2026-03-30")];
    await until("one report reads", () => scans === 1);
    await settle();
    expect([scans, wide.state().running, wide.state().waiting]).toEqual([1, 1, 0]);
    release();
    const answers = await Promise.all(reports);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(scans).toBe(3);
    expect(wide.state().running).toBe(0);
  });

  test("wait while lists have every turn; then 503", async () => {
    const busy = Promise.withResolvers<void>();
    for (let turn = 0; turn < 2; turn += 1) void wide.run(openRequesters(), () => busy.promise);
    const report = read("");
    await until("the report waits", () => wide.state().waiting === 1);
    scans = 0;
    clock.pass(5_000);
    const answer = await report;
    expect([answer.status, answer.headers.get("retry-after"), scans]).toEqual([503, "1", 0]);
    busy.resolve();
    await until("every turn is free", () => wide.state().running === 0);
  });

  test("end when the client has gone", async () => {
    const release = hold();
    scans = 0;
    const leaving = new AbortController();
    const report = shop
      .get(PATH, { headers: { authorization: `Bearer ${admin}` }, signal: leaving.signal })
      .catch((thrown: Error) => thrown.name);
    await until("the report reads", () => scans === 1);
    leaving.abort();
    expect(await report).toBe("AbortError");
    await until("the shop knows", () => lastSeen?.signal.aborted === true);
    release();
    await until("the turn is free", () => wide.state().running === 0);
    expect(scans).toBe(1);
  });
});
