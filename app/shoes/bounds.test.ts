// Bounds for a big catalogue: rows read on the serving thread, and totals that are lower bounds.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { encodeCursor } from "../http/cursor.ts";
import { hasServer, openRowCounter, type RowCounter } from "../testing/rows-read.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";

const SHOES = 60_000;
/** About 10,000, plus the rows of the page itself. */
const ROWS_MAX = 12_000;
const SIDES = ["left", "right", "middle"];
const SORTS = ["newest", "price_asc", "price_desc", "name", "popular"];

const drafts = () =>
  Array.from({ length: SHOES }, (_, index) =>
    shoe(`s${index}`, {
      title: `Classic ${SIDES[index % 3]} a b ${index % 900}`,
      description: index % 40_000 === 7 ? "unicorn" : "",
      category: `Category ${index % 5 === 0 ? 1 : 0}`,
      brand: `Brand ${index % 20}`,
      color: index % 2 === 0 ? "Red" : "Blue",
      gender: "men",
      priceCents: 1_000 + (index % 2_000) * 10,
      listPriceCents: index % 3 === 0 ? 90_000 : null,
      sizes: [{ size: String(index % 7), stock: index % 4 }],
    }),
  );

type Listing = {
  data: { id: string; price: number }[];
  pagination: { total: number; totalIsLowerBound?: true; nextCursor: string | null };
  facets?: { approximate?: true; category: { value: string; count: number }[] };
};

let shop: ObservedShop;
beforeAll(async () => {
  shop = await openObservedShop(drafts(), false);
}, 60_000);
afterAll(() => shop.close());

async function list(query: string): Promise<Listing> {
  const answer = await shop.get(`/api/shoes?${query}`);
  expect([query, answer.status]).toEqual([query, 200]);
  return (await answer.json()) as Listing;
}

describe("totals", () => {
  const rows: [string, number, boolean][] = [
    ["", SHOES, false],
    ["category=category+0", SHOES * 0.8, false],
    ["category=category+0&sort=price_desc&page=3", SHOES * 0.8, false],
    ["brand=brand+3&sort=price_asc", SHOES / 20, false],
    ["color=red", SHOES / 2, false],
    ["gender=men&inStock=true", 10_000, true],
    ["q=classic", 10_000, true],
    ["brand=brand+3&inStock=true", SHOES / 20, false],
    ["brand=brand+4&inStock=true", 0, false],
    ["q=classic&brand=brand+3", SHOES / 20, false],
    ["minPrice=10&maxPrice=1000", 10_000, true],
  ];
  test.each(rows)("%s: %d, a lower bound: %p", async (query, total, isLowerBound) => {
    const { pagination } = await list(query);
    expect(pagination.total).toBe(total);
    expect(pagination.totalIsLowerBound).toBe(isLowerBound ? true : undefined);
    if (!isLowerBound) expect(pagination).not.toHaveProperty("totalIsLowerBound");
  });

  test("facets over more than 10,000 matches are marked approximate, counters are exact", async () => {
    const all = (await list("facets=true")).facets;
    expect(all?.category).toEqual([
      { value: "Category 0", count: SHOES * 0.8 },
      { value: "Category 1", count: SHOES * 0.2 },
    ]);
    expect(all).not.toHaveProperty("approximate");
    expect((await list("facets=true&gender=men&color=red")).facets?.approximate).toBe(true);
    expect((await list("facets=true&q=unicorn")).facets).not.toHaveProperty("approximate");
  });

  test("sorted lists with more matches than are counted are in order, by page and by cursor", async () => {
    for (const page of [1, 50]) {
      const query = `inStock=true&sort=price_asc&limit=100`;
      const first = await list(`${query}&page=${page}`);
      const second = await list(`${query}&cursor=${first.pagination.nextCursor}`);
      const byPage = await list(`${query}&page=${page + 1}`);
      expect(second.data).toEqual(byPage.data);
      const prices = [...first.data, ...second.data].map(({ price }) => price);
      expect(prices).toEqual([...prices].sort((a, b) => a - b));
      expect(new Set([...first.data, ...second.data].map(({ id }) => id)).size).toBe(200);
    }
  });

  test("a search ranks its newest 2,000 matches, then continues with older ones, none twice", async () => {
    const ids: string[] = [];
    const prices: number[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 23; page += 1) {
      const { data, pagination } = await list(
        `q=classic&sort=price_asc&limit=100${cursor ? `&cursor=${cursor}` : ""}`,
      );
      ids.push(...data.map(({ id }) => id));
      prices.push(...data.map(({ price }) => price));
      cursor = pagination.nextCursor;
    }
    expect(new Set(ids).size).toBe(2_300);
    expect(prices.slice(0, 2_000)).toEqual(prices.slice(0, 2_000).sort((a, b) => a - b));
    const numbers = ids.map((id) => Number(id.slice(1)));
    expect(Math.min(...numbers.slice(0, 2_000))).toBe(SHOES - 2_000);
    expect(numbers.slice(2_000)).toEqual(Array.from({ length: 300 }, (_, index) => SHOES - 2_001 - index));
    expect((await list("q=classic&sort=price_asc&limit=30&page=67")).data.map(({ id }) => id)).toEqual(
      ids.slice(1_980, 2_010),
    );
  });
});

// biome-ignore format: one line reads as one table
const HOSTILE = [
  "q=a b c", "q=a", "q=a b 1", "q=classic", "q=cl", "q=clasick lefft", "q=classic unicorn", "q=1&sort=price_desc", "q=unicorn",
  "facets=true", "facets=true&inStock=true&onSale=true", "facets=true&q=classic&sort=name",
  "facets=true&category=category 0&brand=brand 1&size=1&color=red&gender=men&minPrice=15&maxPrice=900&inStock=true&onSale=true",
  "page=100&limit=100", "page=500&limit=20&color=red", "page=100&limit=100&q=classic", "ids=s1,s2,none",
  ...SORTS.flatMap((sort) => [
    `sort=${sort}&MIDDLE`, `sort=${sort}&category=category 0&MIDDLE`, `sort=${sort}&page=499`, `sort=${sort}&page=100&limit=100`, `sort=${sort}&category=category 0&page=499`,
    `sort=${sort}&brand=brand 1&page=140`, `sort=${sort}&size=3&page=400`, `sort=${sort}&inStock=true&page=499`,
    `sort=${sort}&color=blue&gender=men&page=499`, `sort=${sort}&q=classic&page=499`, `sort=${sort}&minPrice=20&page=499`,
    `sort=${sort}&gender=men&page=499`, `sort=${sort}&onSale=true&brand=brand 19&page=2`,
  ]),
].map((query) => `/api/shoes?${query}`);
const SINGLE = [
  "/api/shoes/s1",
  "/api/shoes/s1/relatedproducts",
  "/api/products/s2",
  "/api/categories",
  "/images/s1.svg",
];

describe.skipIf(!hasServer)("rows read", () => {
  let counter: RowCounter;
  beforeAll(async () => {
    counter = await openRowCounter(shop.databasePath);
  }, 20_000);
  afterAll(() => counter?.close());

  test("rows_read counts the rows of a scan, of an index range, of an offset and of a search", async () => {
    const search = "SELECT rowid FROM search WHERE search MATCH ? LIMIT ?";
    const counts = await counter.count([
      { sql: "SELECT max(length(description)) FROM shoes", args: [] },
      { sql: "SELECT id FROM shoes ORDER BY price_rank, id LIMIT 20 OFFSET 5000", args: [] },
      { sql: search, args: ["classic", 15_000] },
      { sql: search, args: ["unicorn", 15_000] },
    ]);
    expect(counts[0]).toBe(SHOES);
    expect(counts[1]).toBe(5_020);
    expect(counts[2]).toBeGreaterThanOrEqual(14_999);
    expect(counts[3]).toBe(2);
  });

  test(`no statement on the serving thread reads more than ${ROWS_MAX} rows`, async () => {
    const middles: Record<string, string | number> = { name: "Classic right a b 300", popular: 0 };
    const middle = (path: string) => {
      const sort = /sort=(\w+)/.exec(path)?.[1] ?? "newest";
      return encodeCursor(sort, sort === "newest" ? 0 : (middles[sort] ?? 11_000), SHOES / 2, 0);
    };
    shop.cache.clear();
    shop.ran.length = 0;
    for (const path of [...HOSTILE, ...SINGLE]) {
      const answer = await shop.get(path.replace("MIDDLE", `cursor=${middle(path)}`));
      await answer.arrayBuffer();
      expect([path, answer.status]).toEqual([path, 200]);
    }
    const here = shop.ran.filter((statement) => statement.here);
    expect(here.length).toBeGreaterThan(HOSTILE.length);
    const counts = await counter.count(here);
    const worst = here
      .map(({ sql, args }, index) => ({ rows: counts[index] ?? 0, sql, args }))
      .sort((a, b) => b.rows - a.rows);
    expect(worst.filter(({ rows }) => rows > ROWS_MAX)).toEqual([]);
    expect(worst[0]?.rows).toBeGreaterThan(5_000);
  }, 60_000);
});
