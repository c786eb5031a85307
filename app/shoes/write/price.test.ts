// A changed price: what follows from it is written in the same commit, and nothing that stays the same.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database, Statement } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { openHandle } from "../../../db/read/reader.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { plainWrite } from "../../http/write.ts";
import { randomShoes } from "../../testing/oracle.ts";
import { openFolder, saveAll, shoe } from "../../testing/shop.ts";
import { listShoes } from "../list/list.ts";
import { readListQuery } from "../list/query.ts";
import { computeRelated } from "../related/backlog.ts";
import type { Change } from "./draft.ts";
import { changeShoe, openCatalogue } from "./shoes.ts";

const SHOP = { publicUrl: "", currency: "USD" };
const folder = openFolder();
const path = join(folder.path, "insole.db");
let db: Database;
/** The groups that `change` committed. */
let groups: Statement[][] = [];

beforeAll(async () => {
  migrate(path);
  db = openFile(path);
  const others = randomShoes(200, 3).map((draft) => ({ ...draft, category: "Running", brand: "Quick" }));
  await saveAll(db, [
    ...others,
    shoe("a", { category: "Running", brand: "Quick", priceCents: 5_000 }),
    shoe("sold-out", { priceCents: 9_000, sizes: [{ size: "9", stock: 0 }] }),
  ]);
});
afterAll(async () => {
  await db.close();
  folder.remove();
});

async function change(shoeId: string, fields: Change, of: Database = db): Promise<void> {
  groups = [];
  const write: Database["write"] = (statements, id) => {
    groups.push(statements);
    return db.write(statements, id);
  };
  const catalogue = openCatalogue({ ...of, write });
  await changeShoe(catalogue, { ...plainWrite(null, Date.now()), view: "shoe", shop: SHOP }, shoeId, fields);
  await catalogue.close();
}

const listOf = (shoeId: string) =>
  db.read.get("SELECT list FROM related WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = ?)", shoeId);
const pending = () => db.read.get<[number]>("SELECT count(*) FROM related_pending")?.[0];

/** The list that is computed for the stored shoe. */
async function computedListOf(shoeId: string) {
  await db.write([
    { sql: "INSERT INTO related_pending SELECT id FROM shoes WHERE shoe_id = ?", args: [shoeId] },
  ]);
  await computeRelated(db);
  return listOf(shoeId);
}

async function idsBetween(min: number, max: number): Promise<string[]> {
  const query = readListQuery(new URLSearchParams({ minPrice: `${min}`, maxPrice: `${max}`, limit: "100" }));
  const { items } = await listShoes(db, query, "shoe", SHOP);
  return items.map((json) => (JSON.parse(json) as { id: string }).id);
}

test("that leaves its band takes the related list with it, as if it were computed anew", async () => {
  const before = listOf("a");
  for (const priceCents of [7_990, 100, 31_200, 5_200]) {
    await change("a", { priceCents });
    expect([groups.length, pending()]).toEqual([1, 0]);
    const list = listOf("a");
    expect(list).toEqual(await computedListOf("a"));
  }
  await change("a", { priceCents: 9_999 });
  expect(listOf("a")).not.toEqual(before);
});

test("that stays in its band writes neither the search index nor the related list, and is found by it", async () => {
  await change("a", { priceCents: 8_000 });
  const list = listOf("a");
  await change("a", { priceCents: 8_499 });
  const sql = groups.flat().map((statement) => statement.sql);
  expect(groups).toHaveLength(1);
  expect(sql.filter((each) => /\b(search|related|related_pending)\b/.test(each))).toEqual([]);
  expect([listOf("a"), pending()]).toEqual([list, 0]);
  expect(await idsBetween(84.99, 84.99)).toContain("a");
  expect(await idsBetween(80, 84.98)).not.toContain("a");
  await change("a", { priceCents: 8_500 });
  expect(groups.flat().some((statement) => /INSERT INTO search\b/.test(statement.sql))).toBe(true);
  expect(await idsBetween(85, 85)).toContain("a");
});

test("that begins or ends a sale is found among sales", async () => {
  const onSale = async () => {
    const { items } = await listShoes(
      db,
      readListQuery(new URLSearchParams("onSale=true&limit=100")),
      "shoe",
      SHOP,
    );
    return items.some((json) => (JSON.parse(json) as { id: string }).id === "a");
  };
  await change("a", { priceCents: 8_600, listPriceCents: 8_600 });
  expect(await onSale()).toBe(false);
  await change("a", { priceCents: 8_599 });
  expect(await onSale()).toBe(true);
  await change("a", { priceCents: 8_600 });
  expect(await onSale()).toBe(false);
});

test("of a shoe that this copy shows in another version leaves its list to be computed", async () => {
  const isOfVersion = (sql: string) => sql.includes("s.version = ?");
  const read: Database["read"] = {
    all: db.read.all,
    get: (sql, ...args) => (isOfVersion(sql) ? undefined : db.read.get(sql, ...args)),
  };
  await change("a", { priceCents: 2_000 }, { ...db, read });
  expect(groups).toHaveLength(2);
  expect(pending()).toBe(0);
  expect(listOf("a")).toEqual(await computedListOf("a"));
});

test("a sold-out shoe stays out of what is in stock", async () => {
  await change("sold-out", { priceCents: 9_600 });
  const { items } = await listShoes(
    db,
    readListQuery(new URLSearchParams("inStock=true&limit=100&minPrice=96&maxPrice=96")),
    "shoe",
    SHOP,
  );
  expect(items).toEqual([]);
});

test("no statement of the commit walks over a table", async () => {
  await change("a", { priceCents: 12_345 });
  const handle = openHandle(path, 1_000);
  const details = groups.flat().flatMap(({ sql, args = [] }) => {
    const values = args.map((value) => (typeof value === "number" ? BigInt(value) : value));
    const rows = handle.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(values) as { detail: string }[];
    // Of the rule that facets in use stay, which a new facet does not run.
    const isLabels = sql.startsWith("INSERT INTO facets");
    return rows.map(({ detail }) => detail).filter((line) => !(isLabels && /^SCAN shoes/.test(line)));
  });
  handle.close();
  const isBounded =
    /^SCAN (CONSTANT ROW|\(subquery|(d|j|json_each) VIRTUAL TABLE|search VIRTUAL TABLE INDEX 0:=)/;
  expect(details.filter((line) => line.startsWith("SCAN") && !isBounded.test(line))).toEqual([]);
});
