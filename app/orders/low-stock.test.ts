// The staff is told of shoes that an order leaves low: at most once a day for each, by what is truly left, and at no cost to others.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Database, Statement } from "../../db/database.ts";
import { verdictOf } from "../../replicas/primary/door/writes/statements.ts";
import { guestOrder, openTestGateway, order, ordersIn, pairsOf } from "../testing/orders.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";

const NOON = Date.parse("2026-03-01T12:00:00Z");
const SETTINGS = {
  OPEN_ORDERS_MAX: "0",
  OPEN_ORDERS_ADDRESS_MAX: "0",
  ADMIN_ALERT_EMAIL: "staff@shop.example",
};
const DRAFTS = [
  shoe("few", {
    title: "Few",
    href: "/few",
    sizeSystem: "EU",
    sizes: ["42", "41"].map((size) => ({ size, stock: 3 })),
  }),
  shoe("one", { title: "One", sizes: [{ size: "", stock: 1_004 }] }),
  shoe("many", { sizes: [{ size: "", stock: 100_000 }] }),
];

let shop: ObservedShop;
let nowMs = NOON;
/** The groups that were written. */
let groups: Statement[][] = [];
const open = async (settings: Record<string, string> = {}) => {
  await shop?.close();
  shop = await openObservedShop(DRAFTS, false, {
    now: () => nowMs,
    settings: { ...SETTINGS, ...settings },
    gateway: openTestGateway().gateway,
    before(file): Database {
      return {
        ...file,
        write(statements, id) {
          groups.push(statements);
          return file.write(statements, id);
        },
      };
    },
  });
  groups = [];
};
beforeEach(() => {
  nowMs = NOON;
});
afterEach(async () => {
  await shop.close();
});

const told = () =>
  shop.db.read
    .all<[string, string]>("SELECT key, data FROM outbox WHERE kind = 'low-stock' ORDER BY seq")
    .map(([key, data]) => [key, JSON.parse(data)] as const);
const keys = () => told().map(([key]) => key);
const buy = async (productId: string, quantity = 1, given: Record<string, unknown> = {}) =>
  (await order(shop, guestOrder(productId, { items: [{ productId, quantity }], ...given }))).status;
const buyFew = (size: string, quantity = 1) =>
  buy("few", quantity, { items: [{ productId: "few", size, quantity }] });
const stock = (pairs: number, shoeId = "one") =>
  shop.db.write([
    {
      sql: "UPDATE sizes SET stock = ? WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = ?)",
      args: [pairs, shoeId],
    },
  ]);
const writes = (sql = "low-stock") => groups.flat().filter((statement) => statement.sql.includes(sql));

describe("an order that leaves a shoe low", () => {
  beforeEach(() => open());

  test("writes all that the mail shows, due at once, to the staff", async () => {
    expect([await buyFew("42", 2), keys()]).toEqual([201, []]);
    expect(await buyFew("41")).toBe(201);
    expect(told()).toEqual([
      [
        "few 2026-03-01",
        {
          id: "few",
          title: "Few",
          href: "/few",
          sizeSystem: "EU",
          stock: 3,
          sizes: [
            { size: "41", stock: 2 },
            { size: "42", stock: 1 },
          ],
          threshold: 3,
        },
      ],
    ]);
    const row =
      "SELECT number, part, recipient, state, due_at, created_at, tries FROM outbox WHERE kind = 'low-stock'";
    expect(shop.db.read.all(row)).toEqual([[null, 0, null, "due", NOON, NOON, 0]]);
  });

  test("tells once a day, also when the shoe was restocked in between", async () => {
    expect([await buyFew("42", 3), await buyFew("41")]).toEqual([201, 201]);
    expect(keys()).toEqual(["few 2026-03-01"]);
    await stock(3, "few");
    expect([await buyFew("42", 3), keys().length]).toEqual([201, 1]);
    nowMs += 86_400_000;
    expect([await buyFew("41"), keys()]).toEqual([201, ["few 2026-03-01", "few 2026-03-02"]]);
  });

  test("counts the pairs of all its lines, and tells of each shoe by itself", async () => {
    await stock(4);
    const items = [
      { productId: "few", size: "41", quantity: 2 },
      { productId: "many", quantity: 100 },
      { productId: "few", size: "42", quantity: 2 },
      { productId: "one", quantity: 4 },
    ];
    expect(await buy("few", 1, { items })).toBe(201);
    expect(told().map(([key, { stock: left }]) => [key, left])).toEqual([
      ["few 2026-03-01", 2],
      ["one 2026-03-01", 0],
    ]);
  });

  test("keeps its mail when the payment is declined: the shoe was low, and others may have been refused", async () => {
    await stock(1);
    expect(await buy("one", 1, { paymentToken: "declined" })).toBe(402);
    expect([pairsOf(shop.db, "one"), keys()]).toEqual([1, ["one 2026-03-01"]]);
  });

  test("tells nobody when it is refused", async () => {
    await stock(2);
    const count = ordersIn(shop.db);
    expect([await buy("one", 3), ordersIn(shop.db), keys()]).toEqual([409, count, []]);
    // Its group writes the mail and is then undone: another buyer of another line was quicker.
    const both = {
      items: [
        { productId: "one", quantity: 1 },
        { productId: "few", size: "41", quantity: 1 },
      ],
    };
    await shop.db.write([
      {
        sql: "CREATE TRIGGER refuse BEFORE INSERT ON outbox WHEN NEW.kind = 'alert' BEGIN SELECT RAISE(ABORT, 'no'); END",
      },
    ]);
    expect([await buy("one", 1, both), writes().length, keys()]).toEqual([500, 1, []]);
  });

  test("of a rush for the last pairs tells once", async () => {
    await stock(40);
    const answers = await Promise.all(Array.from({ length: 50 }, () => buy("one")));
    expect(answers.filter((status) => status === 201)).toHaveLength(40);
    expect([pairsOf(shop.db, "one"), keys()]).toEqual([0, ["one 2026-03-01"]]);
  });

  test("of a rush that begins above the margin tells once, and misses nothing", async () => {
    await stock(1_300);
    const answers = await Promise.all(Array.from({ length: 700 }, () => buy("one", 2)));
    expect(answers.filter((status) => status === 201)).toHaveLength(650);
    expect([pairsOf(shop.db, "one"), keys()]).toEqual([0, ["one 2026-03-01"]]);
  });
});

describe("an order of plentiful shoes", () => {
  beforeEach(() => open());

  test("has the same statements as in a shop that tells nobody", async () => {
    expect([await buy("many"), writes()]).toEqual([201, []]);
    const [withStaff] = groups;
    await open({ ADMIN_ALERT_EMAIL: "" });
    expect(await buy("many")).toBe(201);
    const texts = (group: Statement[] | undefined) => group?.map(({ sql }) => sql);
    expect(texts(groups[0])).toEqual(texts(withStaff));
    expect(texts(withStaff)).toHaveLength(4);
  });

  test("asks from the margin on, and then writes nothing yet", async () => {
    await stock(1_005);
    expect([await buy("one"), writes()]).toEqual([201, []]);
    expect([await buy("one"), writes()]).toEqual([201, [expect.anything()]]);
    expect(keys()).toEqual([]);
  });

  test("asks where the pairs of all its lines reach the margin", async () => {
    await stock(550, "few");
    const line = (size: string) => ({ productId: "few", size, quantity: 50 });
    expect([await buyFew("41", 50), writes()]).toEqual([201, []]);
    await stock(550, "few");
    expect(await buy("few", 1, { items: [line("41"), line("42")] })).toBe(201);
    expect([writes().length, keys()]).toEqual([1, []]);
  });

  test("sends the door one statement that passes", async () => {
    await buyFew("41");
    const [{ sql } = { sql: "" }] = writes();
    expect([writes().length, verdictOf(sql, false)]).toEqual([1, { refusal: null }]);
  });
});

describe("the day is that of the shop's zone:", () => {
  test.each([
    ["UTC", "2026-03-01T23:59:59.999Z", "2026-03-02T00:00:00Z", "2026-03-01", "2026-03-02"],
    ["America/New_York", "2026-03-02T04:59:59.999Z", "2026-03-02T05:00:00Z", "2026-03-01", "2026-03-02"],
    // Clocks are turned forward, so this day begins an hour early by UTC, and back.
    ["Europe/Berlin", "2026-03-29T21:59:59.999Z", "2026-03-29T22:00:00Z", "2026-03-29", "2026-03-30"],
    ["Europe/Berlin", "2026-10-25T22:59:59.999Z", "2026-10-25T23:00:00Z", "2026-10-25", "2026-10-26"],
    ["Pacific/Auckland", "2025-12-31T10:59:59.999Z", "2025-12-31T11:00:00Z", "2025-12-31", "2026-01-01"],
  ])("%s from %s to %s", async (zone, last, first, before, after) => {
    await open({ REPORT_TIMEZONE: zone });
    await stock(3);
    nowMs = Date.parse(last);
    expect([await buy("one"), keys()]).toEqual([201, [`one ${before}`]]);
    nowMs = Date.parse(first);
    expect([await buy("one"), keys()]).toEqual([201, [`one ${before}`, `one ${after}`]]);
  });

  test("an hour that comes twice is one day", async () => {
    await open({ REPORT_TIMEZONE: "Europe/Berlin" });
    await stock(3);
    for (const at of ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]) {
      nowMs = Date.parse(at);
      expect(await buy("one")).toBe(201);
    }
    expect(keys()).toEqual(["one 2026-10-25"]);
  });
});

describe("by the settings:", () => {
  test.each([
    ["LOW_STOCK=0 tells of no shoe", { LOW_STOCK: "0" }, []],
    ["without an address of the staff there is nobody to tell", { ADMIN_ALERT_EMAIL: "" }, []],
    ["LOW_STOCK=1 tells of one pair", { LOW_STOCK: "1" }, [1]],
    ["LOW_STOCK=5 tells of five pairs", { LOW_STOCK: "5" }, [5]],
  ])("%s", async (_what, settings, lefts) => {
    await open(settings as Record<string, string>);
    await stock(7);
    for (let left = 6; left >= 0; left -= 1) expect(await buy("one")).toBe(201);
    expect(told().map(([, data]) => data.stock)).toEqual(lefts);
    expect(writes().length).toBe(lefts.length === 0 ? 0 : 7);
  });
});
