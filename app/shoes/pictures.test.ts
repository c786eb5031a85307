// A picture's addresses: immutable at the shoe's version, short-lived without one, and kept by nobody at any other version.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type LaggingNode, openLagging } from "../testing/lagging.ts";
import { type ObservedShop, openObservedShop, readUntil, shoe } from "../testing/shop.ts";
import { type AdminShop, openAdminShop } from "../testing/writes.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";
const PLAIN = "public, max-age=3600, s-maxage=1, stale-while-revalidate=1, stale-if-error=86400";
const NO_STORE = "no-store";
const FEED_MS_MAX = 10_000;

let shop: ObservedShop;
beforeAll(async () => {
  shop = await openObservedShop([shoe("a"), shoe("new")]);
  await shop.db.write([{ sql: "UPDATE shoes SET version = 12 WHERE shoe_id = 'a'" }]);
});
afterAll(() => shop.close());

// The shoe is at version 12.
test.each([
  ["", PLAIN],
  ["?", PLAIN],
  ["?v=12", IMMUTABLE],
  ["?v=12&x=1", IMMUTABLE],
  ["?x=1&v=12", IMMUTABLE],
  ["?utm_source=a?b&v=12&", IMMUTABLE],
  ["?v=&v=12", IMMUTABLE],
  ["?v=no&v=12", IMMUTABLE],
  // The first well-formed version counts.
  ["?v=12&v=11", IMMUTABLE],
  ["?v=11&v=12", NO_STORE],
  ["?v=1", NO_STORE],
  ["?v=0", NO_STORE],
  ["?v=11", NO_STORE],
  ["?v=13", NO_STORE],
  ["?v=012", NO_STORE],
  ["?v=120", NO_STORE],
  ["?v=999999999999999", NO_STORE],
  ["?v=000000000000012", NO_STORE],
  // Malformed ones are ignored like unknown parameters.
  ["?v", PLAIN],
  ["?v=", PLAIN],
  ["?v=12.0", PLAIN],
  ["?v=12.5", PLAIN],
  ["?v=-12", PLAIN],
  ["?v=%2B12", PLAIN],
  ["?v=+12", PLAIN],
  ["?v=12e0", PLAIN],
  ["?v=0x0c", PLAIN],
  ["?v=12%00", PLAIN],
  ["?v=12%20", PLAIN],
  ["?v=%3112", PLAIN],
  ["?v=%D9%A1%D9%A2", PLAIN],
  ["?v=1000000000000012", PLAIN],
  ["?v=12;x=1", PLAIN],
  ["?v[]=12", PLAIN],
  ["?V=12", PLAIN],
  ["?vv=12", PLAIN],
  ["?x=v=12", PLAIN],
  ["?x=?v=12", PLAIN],
  ["?v=null", PLAIN],
  ["?v=current", PLAIN],
])("at %j: %s", async (query, cacheControl) => {
  const plain = await shop.get("/images/a.svg");
  const answer = await shop.get(`/images/a.svg${query}`);
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, cacheControl]);
  expect([answer.headers.get("content-type"), answer.headers.get("vary")]).toEqual([
    "image/svg+xml",
    "Accept-Encoding",
  ]);
  expect(await answer.text()).toBe(await plain.text());
  const head = await shop.get(`/images/a.svg${query}`, { method: "HEAD" });
  expect([head.status, head.headers.get("cache-control")]).toEqual([200, cacheControl]);
  const known = { "if-none-match": answer.headers.get("etag") ?? "" };
  const same = await shop.get(`/images/a.svg${query}`, { headers: known });
  expect([same.status, same.headers.get("cache-control")]).toEqual([304, cacheControl]);
});

test("any number of versions takes the memory of two pictures", async () => {
  const get = async (query: string) => (await shop.get(`/images/new.svg${query}`)).arrayBuffer();
  await Promise.all([get(""), get("?v=1")]);
  const before = shop.cache.state();
  await Promise.all(Array.from({ length: 300 }, (_, index) => get(`?v=${index + 2}`)));
  await Promise.all(["?v=01", "?v=x", "?v=1&x=1", "?x=1"].map(get));
  expect(shop.cache.state()).toEqual(before);
});

test("the picture of no shoe is 404 whatever the version", async () => {
  for (const query of ["", "?v=1", "?v=x"]) {
    const answer = await shop.get(`/images/none.svg${query}`);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([404, "private, no-store"]);
  }
});

test("every picture has the time of its answer, by which its age counts", async () => {
  for (const query of ["", "?v=12", "?v=13"]) {
    const headers = { "if-none-match": "*" };
    for (const init of [{}, { headers }]) {
      const before = Date.now();
      const date = Date.parse((await shop.get(`/images/a.svg${query}`, init)).headers.get("date") ?? "");
      // A date has whole seconds, and the server renews it once a second.
      expect(date).toBeGreaterThan(before - 3_000);
      expect(date).toBeLessThanOrEqual(Date.now());
    }
  }
});

test("a node that lags keeps nothing at the address of the version that it does not have", async () => {
  const nodes: LaggingNode[] = [];
  const lagging = await openObservedShop([shoe("a")], true, {
    before(file, path) {
      const node = openLagging(file, path);
      nodes.push(node);
      return node.db;
    },
  });
  await lagging.db.write([{ sql: "UPDATE shoes SET version = 2, title = 'Newer' WHERE shoe_id = 'a'" }]);
  const get = async (query: string) => {
    const answer = await lagging.get(`/images/a.svg${query}`);
    return [answer.headers.get("cache-control"), /<title>([^<]*)</.exec(await answer.text())?.[1]];
  };
  expect(await get("?v=2")).toEqual([NO_STORE, "Shoe a"]);
  expect(await get("?v=1")).toEqual([IMMUTABLE, "Shoe a"]);
  await nodes[0]?.catchUp();
  lagging.cache.clear();
  expect(await get("?v=2")).toEqual([IMMUTABLE, "Newer"]);
  expect(await get("?v=1")).toEqual([NO_STORE, "Newer"]);
  await lagging.close();
});

describe("in memory", () => {
  let admin: AdminShop;
  beforeAll(async () => {
    admin = await openAdminShop([shoe("b", { category: "Boots", sizes: [{ size: "9", stock: 3 }] })]);
  });
  afterAll(() => admin.close());

  const PATHS = {
    picture: "/images/b.svg",
    versioned: "/images/b.svg?v=1",
    related: "/api/shoes/b/relatedproducts",
    categories: "/api/categories",
    item: "/api/shoes/b",
    list: "/api/shoes",
  };
  const KEPT = ["picture", "versioned", "related", "categories"] as const;
  const outcomeOf = async (path: string) => {
    const answer = await admin.get(path);
    await answer.arrayBuffer();
    return answer.headers.get("cache-status");
  };
  const isMiss = (outcome: string | null) => outcome === "insole; fwd=miss";

  test.each([
    ["a like", "POST", "/api/shoes/b/likes/me", undefined],
    ["an unlike", "DELETE", "/api/shoes/b/likes/me", undefined],
    ["added stock", "POST", "/api/shoes/b/stock", { size: "9", delta: 1 }],
    ["set stock", "PUT", "/api/shoes/b/stock", { sizes: [{ size: "9", stock: 7 }] }],
  ])(
    "%s drops the item and the lists, and neither pictures, related shoes nor categories",
    async (_name, method, path, body) => {
      for (const each of Object.values(PATHS)) await outcomeOf(each);
      expect((await admin.send(method, path, body)).status).toBeLessThan(300);
      // At most one invalidation a second of likes and stock.
      for (const each of [PATHS.item, PATHS.list])
        expect(await readUntil(() => outcomeOf(each), isMiss, FEED_MS_MAX)).toBe("insole; fwd=miss");
      for (const each of KEPT) expect([each, await outcomeOf(PATHS[each])]).toEqual([each, "insole; hit"]);
    },
  );

  test("another title drops its pictures, and the address of the version before is kept by nobody", async () => {
    expect((await admin.send("PUT", "/api/products/b", { name: "Renamed" })).status).toBe(200);
    for (const each of [PATHS.picture, PATHS.related])
      expect(await readUntil(() => outcomeOf(each), isMiss, FEED_MS_MAX)).toBe("insole; fwd=miss");
    expect((await admin.get(PATHS.versioned)).headers.get("cache-control")).toBe(NO_STORE);
    expect((await admin.get("/images/b.svg?v=2")).headers.get("cache-control")).toBe(IMMUTABLE);
  });

  test("another shoe drops the categories, and no picture", async () => {
    for (const each of [PATHS.picture, PATHS.categories]) await outcomeOf(each);
    const added = { shoe_id: "c", title: "C", price: 5, category: "Boots", related_products: [] };
    expect((await admin.send("POST", "/api/shoes", added)).status).toBe(201);
    expect(await readUntil(() => outcomeOf(PATHS.categories), isMiss, FEED_MS_MAX)).toBe("insole; fwd=miss");
    expect(await outcomeOf(PATHS.picture)).toBe("insole; hit");
  });
});
