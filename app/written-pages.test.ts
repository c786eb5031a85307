// How many pages a like, an unlike, a change of a price and an order write into the log: each is copied onto every node.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../db/database.ts";
import { openFile } from "../db/file.ts";
import { must } from "../db/must.ts";
import { openHandle } from "../db/read/reader.ts";
import { migrate } from "../db/schema/migrate.ts";
import { openIdempotency } from "./http/idempotency.ts";
import { plainWrite } from "./http/write.ts";
import { demoShoes } from "./import/demo/demo.ts";
import { type Likes, openLikes } from "./likes/likes.ts";
import { openSettle, type PlaceServices, placeOrder } from "./orders/orders.ts";
import { bandOf } from "./shoes/list/price-bands.ts";
import { changeShoe, openCatalogue } from "./shoes/write/shoes.ts";
import { dice } from "./testing/oracle.ts";
import { openTestGateway } from "./testing/orders.ts";
import { openFolder, saveAll, silentLog } from "./testing/shop.ts";
import { FREED, pagesWritten } from "./testing/written-pages.ts";

const SHOES = 1_000;
const EARLIER_LIKES = 10_000;
const WRITES = 100;
const EARLIER_ORDERS = 500;

const roll = dice(12);
const folder = openFolder();
const path = join(folder.path, "insole.db");
const ids = [...demoShoes(SHOES)].map(({ shoeId }) => shoeId);
let db: Database;
let likes: Likes;
let users = 0;

/** Popular shoes are liked most. */
const anyShoe = (): string => must(ids[Math.floor(roll() ** 3 * SHOES)], "a shoe");
const newUser = (): string => {
  users += 1;
  return Bun.hash(`user ${users}`).toString(36);
};

beforeAll(async () => {
  migrate(path);
  await open();
  await saveAll(db, [...demoShoes(SHOES)]);
  await db.write([{ sql: "UPDATE sizes SET stock = 10000" }]);
  await Promise.all(Array.from({ length: EARLIER_LIKES }, () => likes.like(anyShoe(), newUser())));
});
afterAll(async () => {
  await db.close();
  folder.remove();
});

async function open(): Promise<void> {
  db = openFile(path);
  likes = openLikes(db, { now: Date.now, isOpen: true, onCommit: () => undefined });
}

/** The commits of `work`, which begins with an empty log. */
async function commitsOf(work: () => Promise<unknown>): Promise<string[][]> {
  await db.close();
  await open();
  return pagesWritten(path, work);
}

/** The tables and indexes of the pages that the typical commit writes, and their median number. */
function typical(commits: string[][]): { pages: number; of: string[] } {
  const counts = commits.map(({ length }) => length).toSorted((a, b) => a - b);
  const pages = must(counts[Math.floor(counts.length / 2)], "the median");
  const mostOf = (name: string) => commits.filter((each) => each.includes(name)).length > commits.length / 2;
  const of = [...new Set(commits.flat())].filter((name) => name !== FREED && mostOf(name)).toSorted();
  return { pages, of };
}

const OF_LIKE = ["changes", "likes", "shoes", "shoes_by_likes", "writes"];

test("a like and an unlike write five pages", async () => {
  const liked: [string, string][] = Array.from({ length: WRITES }, () => [anyShoe(), newUser()]);
  const like = await commitsOf(async () => {
    for (const pair of liked) await likes.like(...pair);
  });
  expect(like).toHaveLength(WRITES);
  expect(typical(like)).toEqual({ pages: 5, of: OF_LIKE });
  const unlike = await commitsOf(async () => {
    for (const pair of liked) await likes.unlike(...pair);
  });
  expect(unlike).toHaveLength(WRITES);
  expect(typical(unlike)).toEqual({ pages: 5, of: OF_LIKE });
});

test("the likes of one commit share pages", async () => {
  const group = 20;
  const commits = await commitsOf(async () => {
    for (let count = 0; count < 10; count += 1)
      await Promise.all(Array.from({ length: group }, () => likes.like(anyShoe(), newUser())));
  });
  expect(commits).toHaveLength(10);
  expect(typical(commits).pages).toBeLessThanOrEqual(3 * group);
});

const OF_PRICE = [
  "audit",
  "cards",
  "changes",
  "shoes",
  "shoes_by_brand",
  "shoes_by_category",
  "shoes_by_price",
  "shoes_narrow",
  "writes",
];

test("a price that stays in its band writes nine pages in one commit", async () => {
  const commits = await commitsOf(() => changePrices((cents) => (bandOf(cents + 1) === cents + 1 ? -1 : 1)));
  expect(commits).toHaveLength(WRITES);
  expect(typical(commits)).toEqual({ pages: 9, of: OF_PRICE });
});

test("a price that leaves its band also writes the search index and the related list, in the same commit", async () => {
  const commits = await commitsOf(() => changePrices(() => -500));
  expect(commits).toHaveLength(WRITES);
  const { pages, of } = typical(commits);
  expect(of).toEqual([...OF_PRICE, "related", "search_data", "search_docsize", "search_idx"].toSorted());
  expect(pages).toBeLessThanOrEqual(20);
});

test.each([
  ["likes by shoe", "CREATE INDEX likes_by_shoe ON likes (shoe)", "likes_by_shoe"],
  ["write ids by age", "CREATE INDEX writes_by_age ON writes (at)", "writes_by_age"],
])("an index of %s is one page more", async (_what, sql, name) => {
  const handle = openHandle(path, 1_000);
  handle.exec(sql);
  const commits = await commitsOf(async () => {
    for (let count = 0; count < WRITES; count += 1) await likes.like(anyShoe(), newUser());
  });
  expect(typical(commits)).toEqual({ pages: 6, of: [...OF_LIKE, name].toSorted() });
  handle.exec(`DROP INDEX ${name}`);
  handle.close();
});

/** Changes the prices of shoes spread over the catalogue, each by what `by` says of its price in cents. */
async function changePrices(by: (cents: number) => number): Promise<void> {
  const catalogue = openCatalogue(db);
  const shop = { publicUrl: "", currency: "USD" };
  for (let count = 0; count < WRITES; count += 1) {
    const shoeId = must(ids[(count * 7) % SHOES], "a shoe");
    const [cents] = must(
      db.read.get<[number]>("SELECT price_cents FROM shoes WHERE shoe_id = ?", shoeId),
      "a price",
    );
    const write = { ...plainWrite(null, Date.now()), view: "product" as const, shop };
    await changeShoe(catalogue, write, shoeId, { priceCents: cents + by(cents) });
  }
  await catalogue.close();
}

/** Orders two pairs each of two shoes, with a key; the gateway authorises each at once. */
async function placeOrders(count: number): Promise<void> {
  const services: PlaceServices = {
    db,
    settle: openSettle(db),
    currency: "USD",
    orderUrl: "/orders",
    log: silentLog,
    now: Date.now,
    gateway: openTestGateway().gateway,
    terms: { shipping: [{ method: "standard", name: "Standard", priceCents: 0 }], taxRates: {} },
    openOrdersMax: 3,
    openOrdersAddressMax: 20,
    lowStock: 0,
    reportTimezone: "UTC",
  };
  const idempotency = openIdempotency(db, Date.now);
  for (let placed = 0; placed < count; placed += 1) {
    const email = `${newUser()}@shop.example`;
    const items = [anySize(), anySize()].map((size) => ({ ...size, quantity: 2 }));
    const request = new Request("http://shop/api/orders", {
      method: "POST",
      headers: { "idempotency-key": email },
    });
    await idempotency.once(request, email, items, async (storeAnswer) => {
      await placeOrder(services, {
        owner: { kind: "guest", email },
        input: { items },
        client: "192.0.2.1",
        storeAnswer,
      });
      return { status: 201, headers: {}, body: null };
    });
  }
}

const OF_RESERVATION = [
  "changes",
  "idempotency",
  "idempotency_by_age",
  "order_history",
  "order_lines",
  "orders",
  "orders_by_email",
  "orders_by_status",
  "outbox",
  "payment_requests",
  "payment_requests_due",
  "shoes",
  "sizes",
  "sqlite_autoindex_orders_1",
  "sqlite_autoindex_outbox_1",
  "stock_taken",
  "writes",
];
const OF_SETTLEMENT = [
  "order_history",
  "orders",
  "orders_by_confirmation",
  "orders_by_status",
  "outbox",
  "outbox_due",
  "payment_requests",
  "payment_requests_due",
  "writes",
];

test("an order of two lines writes 23 pages to reserve and 9 to settle, a few more where it splits full ones", async () => {
  await placeOrders(EARLIER_ORDERS);
  const commits = await commitsOf(() => placeOrders(WRITES));
  expect(commits).toHaveLength(2 * WRITES);
  const groups = [0, 1].map((odd) => typical(commits.filter((_, at) => at % 2 === odd)));
  const [reservation, settlement] = [
    must(groups[0], "the first groups"),
    must(groups[1], "the second groups"),
  ];
  // The file grows with every other order, which writes its first page.
  expect(reservation.of.filter((name) => name !== "sqlite_schema")).toEqual(OF_RESERVATION);
  expect(reservation.pages).toBeWithin(18, 25);
  expect(settlement.of).toEqual(OF_SETTLEMENT);
  expect(settlement.pages).toBeWithin(9, 11);
});

/** Popular shoes are bought most. */
function anySize(): { productId: string; size: string } {
  const shoeId = anyShoe();
  const [size] = must(
    db.read.get<[string]>(
      "SELECT size FROM sizes WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = ?) ORDER BY stock DESC LIMIT 1",
      shoeId,
    ),
    "a size",
  );
  return { productId: shoeId, size };
}
