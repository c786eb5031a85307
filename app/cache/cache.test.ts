// The memory cache rule by rule, with a clock and a change feed that the test controls.
import { describe, expect, test } from "bun:test";
import { fillOf, openManualCache, TTL_MS, textOf } from "../testing/cache.ts";
import type { Entry, Scope } from "./entry.ts";

const MISSING_MAX = 5_000;
const MISSING_TTL_MS = 5_000;
const ITEM = { scope: "item", shoeIds: ["a"] } as const;
const RELATED = { scope: "related", shoeIds: ["a", "b", "later"] } as const;
const LIST = { scope: "list" } as const;
const CATEGORIES = { scope: "categories" } as const;
const PICTURE = { scope: "picture", shoeIds: ["a"] } as const;

/** A cache with one shoe's item, product and picture, related responses that show it, entries of other shoes, and lists. */
async function openFull() {
  const manual = openManualCache();
  await manual.get("/shoes/a", "a", ITEM);
  await manual.get("/products/a", "a", ITEM);
  await manual.get("/shoes/b", "b", { scope: "item", shoeIds: ["b"] });
  await manual.get("/shoes/a/relatedproducts", "a, b", RELATED);
  await manual.get("/shoes/c/relatedproducts", "c, a", { scope: "related", shoeIds: ["c", "a"] });
  await manual.get("/shoes/d/relatedproducts", "d, b", { scope: "related", shoeIds: ["d", "b"] });
  await manual.get("/shoes", "list", LIST);
  await manual.get("/categories", "categories", CATEGORIES);
  await manual.get("/images/a.svg", "picture", PICTURE);
  const all = [
    "/shoes/a",
    "/products/a",
    "/shoes/b",
    ...["a", "c", "d"].map((id) => `/shoes/${id}/relatedproducts`),
  ];
  const keys = [...all, "/images/a.svg", "/shoes", "/categories"];
  return { ...manual, dropped: () => keys.filter((key) => !manual.has(key)) };
}

const OF_A = ["/shoes/a", "/products/a"];
const SHOWING_A = [...OF_A, "/shoes/a/relatedproducts", "/shoes/c/relatedproducts", "/images/a.svg"];
const LISTS = ["/shoes", "/categories"];

describe("an entry", () => {
  test("is computed once and stored: first a miss, then a hit", async () => {
    const { get, cache } = openManualCache();
    const first = await get("/shoes/a", "first", ITEM);
    const second = await get("/shoes/a", "second", ITEM);
    expect([first.outcome, second.outcome]).toEqual(["miss", "hit"]);
    expect(second.entry).toBe(first.entry);
    expect(textOf(second.entry)).toBe("first");
    expect(cache.find("/shoes/a")).toBe(first.entry as Entry);
    expect(cache.find("/shoes/b")).toBeUndefined();
  });

  test.each([ITEM, RELATED, LIST, PICTURE, CATEGORIES])(
    "lives for its TTL and no longer: %p",
    async (options) => {
      const { get, has, passTime, cache } = openManualCache();
      await get("/key", "body", options);
      passTime(TTL_MS - 1);
      expect(has("/key")).toBe(true);
      passTime(1);
      expect(has("/key")).toBe(false);
      expect(cache.state()).toMatchObject({ entries: 0, bytes: 0 });
    },
  );

  test("is computed once for concurrent callers", async () => {
    const { cache } = openManualCache();
    let computed = 0;
    const { promise, resolve } = Promise.withResolvers<string>();
    const fill = fillOf("/shoes/a", () => {
      computed += 1;
      return promise;
    });
    const pending = [cache.findOrCompute(fill), cache.findOrCompute(fill), cache.findOrCompute(fill)];
    resolve("body");
    const answers = await Promise.all(pending);
    expect(computed).toBe(1);
    expect(new Set(answers.map(({ entry }) => entry)).size).toBe(1);
    expect(answers.map(({ outcome }) => outcome)).toEqual(["miss", "miss", "miss"]);
    expect(await cache.findOrCompute(fill)).toMatchObject({ outcome: "hit" });
  });

  test("whose computation fails rejects all callers that share it; the next call computes again", async () => {
    const { cache, get } = openManualCache();
    const { promise, reject } = Promise.withResolvers<string>();
    const fill = fillOf("/shoes/a", () => promise);
    const pending = [cache.findOrCompute(fill), cache.findOrCompute(fill)];
    reject(new Error("broken"));
    for (const { status } of await Promise.allSettled(pending)) expect(status).toBe("rejected");
    expect(await get("/shoes/a", "well")).toMatchObject({ outcome: "miss" });
    expect(cache.state().entries).toBe(1);
  });

  test("is not stored by a cache of 0 bytes; concurrent callers still share one computation", async () => {
    const { cache, get } = openManualCache(0);
    let computed = 0;
    const fill = fillOf("/shoes/a", async () => {
      computed += 1;
      return "body";
    });
    await Promise.all([cache.findOrCompute(fill), cache.findOrCompute(fill)]);
    expect(computed).toBe(1);
    await get("/shoes/none", null);
    expect(cache.state()).toMatchObject({ entries: 0, missing: 0 });
    expect((await cache.findOrCompute(fill)).outcome).toBe("miss");
  });

  test("larger than the whole cache is returned and not stored", async () => {
    const { get, cache, change } = openManualCache(10_000);
    await get("/small", "small");
    expect(textOf((await get("/large", "x".repeat(20_000))).entry)).toHaveLength(20_000);
    expect(cache.state().bytes).toBeLessThan(10_000);
    expect(cache.find("/large")).toBeUndefined();
    // The refused entry left no trace in the index that would drop its successor.
    await get("/moved", "x".repeat(20_000), ITEM);
    await get("/moved", "small", { scope: "item", shoeIds: ["b"] });
    change(["facts", "a"]);
    expect(cache.find("/moved")).toBeDefined();
    expect(cache.find("/small")).toBeDefined();
  });
});

describe("a missing resource", () => {
  test("is remembered briefly", async () => {
    const { get, cache, passTime } = openManualCache();
    expect(await get("/shoes/none", null)).toEqual({ entry: null, outcome: "miss" });
    expect(await get("/shoes/none", "now there")).toEqual({ entry: null, outcome: "hit" });
    passTime(MISSING_TTL_MS);
    expect(cache.isMissing("/shoes/none")).toBe(false);
    expect(textOf((await get("/shoes/none", "now there")).entry)).toBe("now there");
  });

  test("is bounded apart: scanning thousands of ids evicts no shoe", async () => {
    const { get, cache, has } = openManualCache();
    await get("/shoes/a", "a", ITEM);
    const { bytes } = cache.state();
    for (let index = 0; index < MISSING_MAX + 500; index += 1) cache.noteMissing(`/shoes/none${index}`);
    expect(cache.state()).toEqual({ entries: 1, bytes, missing: MISSING_MAX });
    expect(has("/shoes/a")).toBe(true);
    expect(cache.isMissing(`/shoes/none${MISSING_MAX + 499}`)).toBe(true);
    expect(cache.isMissing("/shoes/none0")).toBe(false);
  });

  test("is forgotten when its shoe is added; other missing keys stay", async () => {
    const { cache, change } = openManualCache();
    for (const key of ["/shoes/new", "/products/new", "/shoes/new/relatedproducts", "/shoes/newer"])
      cache.noteMissing(key);
    change(["facts", "new"]);
    expect(cache.state().missing).toBe(1);
    expect(cache.isMissing("/shoes/newer")).toBe(true);
  });

  test("is forgotten by its slug when shoes are added", () => {
    const { cache, change, advance } = openManualCache();
    change(["collection", "x"]);
    cache.noteMissing("/shoes/trail-shoe_new");
    change(["facts", "new"], ["collection", "new"]);
    advance(100);
    expect(cache.isMissing("/shoes/trail-shoe_new")).toBe(false);
  });

  test("is not remembered when the shoe was added during the computation", async () => {
    const { cache, change } = openManualCache();
    const { promise, resolve } = Promise.withResolvers<null>();
    const pending = cache.findOrCompute(fillOf("/shoes/new", () => promise));
    change(["facts", "new"], ["collection", "new"]);
    resolve(null);
    expect((await pending).entry).toBeNull();
    expect(cache.isMissing("/shoes/new")).toBe(false);
  });
});

describe("a change invalidates", () => {
  test("facts: at once every entry that shows the shoe, and no list", async () => {
    const { change, dropped } = await openFull();
    change(["facts", "a"]);
    expect(dropped()).toEqual(SHOWING_A);
  });

  test("facts of an added shoe: the related response that names it already", async () => {
    const { change, dropped } = await openFull();
    change(["facts", "later"]);
    expect(dropped()).toEqual(["/shoes/a/relatedproducts"]);
  });

  test("facts of all shoes: everything at once", async () => {
    const { change, cache } = await openFull();
    cache.noteMissing("/shoes/none");
    change(["facts", null]);
    expect(cache.state()).toEqual({ entries: 0, bytes: 0, missing: 0 });
  });

  test("collection: the lists, at most every 100 ms, and the last change too", async () => {
    const { change, dropped, advance, get } = await openFull();
    change(["collection", "a"]);
    expect(dropped()).toEqual(LISTS);
    const again = async () => {
      await get("/shoes", "anew", LIST);
      await get("/categories", "anew", CATEGORIES);
    };
    await again();
    advance(30);
    change(["collection", "b"]);
    change(["collection", null]);
    expect(dropped()).toEqual([]);
    advance(69);
    expect(dropped()).toEqual([]);
    advance(1);
    expect(dropped()).toEqual(LISTS);
    await again();
    advance(200);
    expect(dropped()).toEqual([]);
  });

  test("counters: item and lists, at most once a second, and no related response, picture or category", async () => {
    const { change, dropped, advance, get } = await openFull();
    const again = async () => {
      for (const key of OF_A) await get(key, "anew", ITEM);
      await get("/shoes", "anew", LIST);
    };
    change(["counters", "a"]);
    expect(dropped()).toEqual([...OF_A, "/shoes"]);
    await again();
    advance(400);
    change(["counters", "a"]);
    expect(dropped()).toEqual([]);
    change(["counters", "b"]);
    expect(dropped()).toEqual(["/shoes/b"]);
    advance(599);
    expect(dropped()).toEqual(["/shoes/b"]);
    advance(1);
    expect(dropped()).toEqual([...OF_A, "/shoes/b", "/shoes"]);
    await again();
    advance(5_000);
    expect(dropped()).toEqual(["/shoes/b"]);
    change(["counters", "a"]);
    expect(dropped()).toEqual([...OF_A, "/shoes/b", "/shoes"]);
  });

  test("counters: no missing address, which only a new shoe ends", async () => {
    const { cache, change, advance } = openManualCache();
    change(["collection", "x"]);
    cache.noteMissing("/shoes/none");
    change(["counters", "a"]);
    advance(1_000);
    expect(cache.isMissing("/shoes/none")).toBe(true);
    change(["collection", "x"]);
    expect(cache.isMissing("/shoes/none")).toBe(false);
  });

  test("clear: everything, and nothing is due afterwards", async () => {
    const { change, dropped, advance, get, cache } = await openFull();
    change(["collection", "a"], ["counters", "a"]);
    advance(30);
    change(["collection", "a"], ["counters", "a"]);
    cache.clear();
    for (const key of OF_A) await get(key, "anew", ITEM);
    for (const key of LISTS) await get(key, "anew", LIST);
    const before = dropped();
    advance(2_000);
    expect(dropped()).toEqual(before);
    expect(before).not.toContain("/shoes");
  });

  test("session: nothing", async () => {
    const { change, dropped, advance } = await openFull();
    change(["session", null], ["session", "a"]);
    advance(2_000);
    expect(dropped()).toEqual([]);
  });
});

describe("a computation that began before a change", () => {
  const cases: [string, Scope, ["facts" | "collection" | "counters" | "session", string | null], boolean][] =
    [
      ["an item, its facts", "item", ["facts", "a"], false],
      ["an item, its counters", "item", ["counters", "a"], false],
      ["an item, all facts", "item", ["facts", null], false],
      ["an item, another's facts", "item", ["facts", "z"], true],
      ["an item, another's counters", "item", ["counters", "z"], true],
      ["an item, the collection", "item", ["collection", null], true],
      ["a related response, facts it shows", "related", ["facts", "a"], false],
      ["a related response, counters", "related", ["counters", "a"], true],
      ["a picture, facts it shows", "picture", ["facts", "a"], false],
      ["a picture, another's facts", "picture", ["facts", "z"], true],
      ["a picture, all facts", "picture", ["facts", null], false],
      ["a picture, counters", "picture", ["counters", "a"], true],
      ["a picture, the collection", "picture", ["collection", "a"], true],
      ["the categories, the collection", "categories", ["collection", "z"], false],
      ["the categories, counters", "categories", ["counters", "a"], true],
      ["the categories, all counters", "categories", ["counters", null], true],
      ["the categories, facts", "categories", ["facts", "a"], true],
      ["the categories, all facts", "categories", ["facts", null], false],
      ["a list, the collection", "list", ["collection", "z"], false],
      ["a list, counters", "list", ["counters", "z"], false],
      ["a list, all facts", "list", ["facts", null], false],
      ["a list, a session", "list", ["session", null], true],
    ];
  test.each(cases)("%s %s %p: stored is %p", async (_name, scope, news, isKept) => {
    const { cache, change, has } = openManualCache();
    const { promise, resolve } = Promise.withResolvers<string>();
    // The lists were invalidated just now, so the throttle holds the next change back.
    change(["collection", null], ["counters", null]);
    const pending = cache.findOrCompute(fillOf("/key", () => promise, { scope, shoeIds: ["a"] }));
    change(news);
    resolve("old");
    expect(textOf((await pending).entry)).toBe("old");
    expect(has("/key")).toBe(isKept);
  });

  test("is not shared with a caller that comes after the change", async () => {
    const { cache, get, change } = openManualCache();
    const { promise, resolve } = Promise.withResolvers<string>();
    const early = cache.findOrCompute(fillOf("/shoes/a", () => promise, ITEM));
    change(["facts", "a"]);
    const late = get("/shoes/a", "new", ITEM);
    resolve("old");
    expect(textOf((await early).entry)).toBe("old");
    expect(textOf((await late).entry)).toBe("new");
    expect(textOf(cache.find("/shoes/a"))).toBe("new");
  });

  test("does not end the shared computation of callers that came after the change", async () => {
    const { cache, get, change } = openManualCache();
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const early = cache.findOrCompute(fillOf("/shoes/a", () => first.promise, ITEM));
    change(["facts", "a"]);
    const late = cache.findOrCompute(fillOf("/shoes/a", () => second.promise, ITEM));
    first.resolve("old");
    await early;
    const latest = get("/shoes/a", "computed once more", ITEM);
    second.resolve("new");
    expect(textOf((await late).entry)).toBe("new");
    expect((await latest).entry).toBe((await late).entry);
  });

  test("is not stored when more changes arrived than the window holds", async () => {
    const { cache, change, has } = openManualCache();
    const { promise, resolve } = Promise.withResolvers<string>();
    const pending = cache.findOrCompute(fillOf("/shoes/a", () => promise, ITEM));
    change(["facts", "a"]);
    for (let index = 0; index < 10; index += 1)
      change(...Array.from({ length: 1_000 }, (): ["facts", string] => ["facts", "z"]));
    resolve("old");
    await pending;
    expect(has("/shoes/a")).toBe(false);
  });

  test.each([
    ["a later seq", 60],
    ["the same", 50],
    ["an earlier one", 3],
  ])("is not stored when the feed was lost and goes on at %s", async (_name, seq) => {
    const { cache, get, loseFeed, has } = openManualCache();
    await get("/shoes/b", "b");
    const { promise, resolve } = Promise.withResolvers<string>();
    const pending = cache.findOrCompute(fillOf("/shoes/a", () => promise, ITEM));
    loseFeed(seq);
    expect(cache.state()).toEqual({ entries: 0, bytes: 0, missing: 0 });
    resolve("old");
    await pending;
    expect(has("/shoes/a")).toBe(false);
    await get("/shoes/a", "new", ITEM);
    expect(has("/shoes/a")).toBe(true);
  });
});
