// Query plans of frequent requests: one index each, in order, without sorting.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openHandle } from "../../db/read/reader.ts";
import { randomShoes } from "../testing/oracle.ts";
import { type ObservedShop, openObservedShop, saveAll, shoe } from "../testing/shop.ts";
import { computeRelated } from "./related/backlog.ts";

let shop: ObservedShop;
let cursors: Record<string, string>;

beforeAll(async () => {
  shop = await openObservedShop(randomShoes(300, 1));
  await saveAll(shop.db, [shoe("given", { category: "Running", brand: "Quick", related: ["d1", "d2"] })]);
  cursors = {};
  for (const query of CURSORED) {
    const body = (await (await shop.get(`/api/shoes?${query}`)).json()) as {
      pagination: { nextCursor: string };
    };
    cursors[query] = body.pagination.nextCursor;
  }
});
afterAll(() => shop.close());

// biome-ignore format: one line reads as one table
const CURSORED = [
  "limit=20", "sort=price_asc", "sort=price_desc", "sort=name", "sort=popular", "category=running", "brand=quick", "color=red",
  "category=running&sort=price_asc", "category=running&sort=price_desc", "brand=quick&sort=price_asc",
];

/** The plans of all statements that a request for this path runs, one line each. */
async function plansOf(path: string): Promise<string[]> {
  shop.cache.clear();
  shop.ran.length = 0;
  expect((await shop.get(path)).status).toBe(200);
  return plansOfRan();
}

function plansOfRan(): string[] {
  const handle = openHandle(shop.databasePath, 2_048);
  const lines = shop.ran.flatMap(({ sql, args }) => {
    const values = args.map((value) => (typeof value === "number" ? BigInt(value) : value));
    const rows = handle.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(values) as { detail: string }[];
    // The shoes of a page are sorted into the order of its list: at most 100, for which no index exists.
    const isPage = /FROM json_each\(\?\d?\) AS j .*ORDER BY j\.key$/.test(sql);
    return rows
      .map(({ detail }) => detail)
      .filter((line) => !(isPage && line === "USE TEMP B-TREE FOR ORDER BY"));
  });
  handle.close();
  expect(lines.length).toBeGreaterThan(0);
  return lines;
}

/** Steps that a plan must not have: a scan in another order than the response's, a sort. */
function wrongOf(lines: string[], mayScan: RegExp): string[] {
  const isFine = (line: string) =>
    /^SCAN (j(son_each)? VIRTUAL TABLE INDEX 1:$|\(subquery-\d+\)$)/.test(line) || mayScan.test(line);
  return lines.filter(
    (line) => /TEMP B-TREE/.test(line) || (/^SCAN (?!CONSTANT)/.test(line) && !isFine(line)),
  );
}

const NOTHING = /^never$/;
/** Scans of an index, or of the table, in the response's order, which end at the page's last row. */
const inOrder = (index: string) => new RegExp(`^SCAN s USING (COVERING )?INDEX ${index}$`);

/** The first rows of a sort's index; the matches were counted in the search index before. */
const SHORT_WALK =
  /^SCAN (s|s USING (COVERING )?INDEX shoes_by_(likes|price|title)|search VIRTUAL TABLE INDEX \d+:M\d+)$/;

const ROWS: [string, RegExp, RegExp][] = [
  ["/api/shoes/d7", NOTHING, /SEARCH s(hoes)? USING .*\(shoe_id=\?\)/],
  ["/api/products/d7", NOTHING, /SEARCH s(hoes)? USING .*\(shoe_id=\?\)/],
  ["/api/shoes/SLUG", NOTHING, /USING .*\(slug=\?\)/],
  ["/api/shoes/d7/relatedproducts", NOTHING, /SEARCH t USING INTEGER PRIMARY KEY/],
  ["/api/shoes/given/relatedproducts", NOTHING, /SEARCH shoes USING COVERING INDEX .*\(shoe_id=\?\)/],
  ["/images/d7.svg?v=1", NOTHING, /\(shoe_id=\?\)/],
  ["/api/shoes", inOrder("shoes_narrow"), inOrder("shoes_narrow")],
  ["/api/shoes?sort=price_asc", inOrder("shoes_by_price"), inOrder("shoes_by_price")],
  ["/api/shoes?sort=price_desc", inOrder("shoes_by_price"), inOrder("shoes_by_price")],
  ["/api/shoes?sort=name", inOrder("shoes_by_title"), inOrder("shoes_by_title")],
  ["/api/shoes?sort=popular", inOrder("shoes_by_likes"), inOrder("shoes_by_likes")],
  ["/api/shoes?category=running", NOTHING, /COVERING INDEX shoes_new_by_category \(category_id=\?\)/],
  ["/api/shoes?brand=quick", NOTHING, /COVERING INDEX shoes_new_by_brand \(brand_id=\?\)/],
  ["/api/shoes?color=red", /^SCAN search VIRTUAL TABLE/, /^SCAN search VIRTUAL TABLE INDEX \d+:M/],
  ["/api/shoes?category=running&sort=price_asc", NOTHING, /INDEX shoes_by_category \(category_id=\?\)/],
  ["/api/shoes?category=running&sort=price_desc", NOTHING, /INDEX shoes_by_category \(category_id=\?\)/],
  ["/api/shoes?brand=quick&sort=price_asc", NOTHING, /INDEX shoes_by_brand \(brand_id=\?\)/],
  ["/api/shoes?brand=quick&sort=price_desc", NOTHING, /INDEX shoes_by_brand \(brand_id=\?\)/],
  ["/api/shoes?category=running&sort=popular&limit=2", SHORT_WALK, inOrder("shoes_by_likes")],
  ["/api/shoes?color=red&sort=price_asc&limit=2", SHORT_WALK, inOrder("shoes_by_price")],
  ["/api/shoes?ids=d1,d2", NOTHING, /SEARCH s USING COVERING INDEX .*\(shoe_id=\?\)/],
  ["/api/shoes?limit=20&CURSOR", NOTHING, /SEARCH s USING COVERING INDEX shoes_narrow \(id<\?\)/],
  ["/api/shoes?sort=price_asc&CURSOR", NOTHING, /INDEX shoes_by_price \(price_rank=\? AND rowid>\?\)/],
  ["/api/shoes?sort=price_desc&CURSOR", NOTHING, /INDEX shoes_by_price \(price_rank=\? AND rowid<\?\)/],
  ["/api/shoes?sort=name&CURSOR", NOTHING, /INDEX shoes_by_title \(title=\? AND id>\?\)/],
  ["/api/shoes?sort=popular&CURSOR", NOTHING, /INDEX shoes_by_likes \(likes=\? AND rowid<\?\)/],
  [
    "/api/shoes?category=running&CURSOR",
    NOTHING,
    /COVERING INDEX shoes_new_by_category \(category_id=\? AND rowid<\?\)/,
  ],
  ["/api/shoes?color=red&CURSOR", /^SCAN search VIRTUAL TABLE/, /^SCAN search VIRTUAL TABLE INDEX \d+:M\d+</],
  [
    "/api/shoes?category=running&sort=price_asc&CURSOR",
    NOTHING,
    /shoes_by_category \(category_id=\? AND price_rank=\? AND rowid>\?\)/,
  ],
  [
    "/api/shoes?category=running&sort=price_desc&CURSOR",
    NOTHING,
    /shoes_by_category \(category_id=\? AND price_rank=\? AND rowid<\?\)/,
  ],
  [
    "/api/shoes?brand=quick&sort=price_asc&CURSOR",
    NOTHING,
    /shoes_by_brand \(brand_id=\? AND price_rank=\? AND rowid>\?\)/,
  ],
];

test.each(ROWS)("%s", async (path, mayScan, mustHave) => {
  const query = /\?(.*)&CURSOR$/.exec(path)?.[1] ?? "";
  const slug = ((await (await shop.get("/api/shoes/d7")).json()) as { data: { slug: string } }).data.slug;
  const lines = await plansOf(path.replace("CURSOR", `cursor=${cursors[query]}`).replace("SLUG", slug));
  expect(wrongOf(lines, mayScan)).toEqual([]);
  expect(lines.filter((line) => mustHave.test(line))).not.toEqual([]);
});

test("computing a related list reads ranges of an index only", async () => {
  await saveAll(shop.db, [shoe("pending", { category: "Running", brand: "Quick" })], false);
  shop.ran.length = 0;
  expect(await computeRelated(shop.watched)).toBe(1);
  const lines = plansOfRan();
  expect(wrongOf(lines, /^SCAN p|related_pending$/)).toEqual([]);
  for (const label of ["category", "brand"])
    for (const beyond of ["<", ">"])
      expect(lines.join("\n")).toContain(`shoes_by_${label} (${label}_id=? AND price_rank${beyond}?)`);
});

test("categories are found by their kind; only their few names are sorted", async () => {
  const lines = await plansOf("/api/categories");
  expect(lines.filter((line) => line.startsWith("SCAN"))).toEqual([]);
  expect(lines.filter((line) => /SEARCH facets USING INDEX .*\(kind=\?\)/.test(line)).length).toBe(1);
});
