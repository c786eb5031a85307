// The memory cache rule by rule, on a clock and a feed that are turned by manual.
import { describe, expect, test } from "bun:test";
import { fillOf, openManualCache, TTL_MS, textOf } from "../testing/cache.ts";
import type { Entry } from "./entry.ts";

const MISSING_MAX = 5_000;
const MISSING_TTL_MS = 5_000;
const ITEM = { scope: "item", shoeIds: ["a"] } as const;
const RELATED = { scope: "related", shoeIds: ["a", "b", "later"] } as const;
const LIST = { scope: "list" } as const;

/** One shoe's item, a product view, related answers that show it, others, and two lists. */
async function openFull() {
  const manual = openManualCache();
  await manual.get("/shoes/a", "a", ITEM);
  await manual.get("/products/a", "a", ITEM);
  await manual.get("/shoes/b", "b", { scope: "item", shoeIds: ["b"] });
  await manual.get("/shoes/a/relatedproducts", "a, b", RELATED);
  await manual.get("/shoes/c/relatedproducts", "c, a", { scope: "related", shoeIds: ["c", "a"] });
  await manual.get("/shoes/d/relatedproducts", "d, b", { scope: "related", shoeIds: ["d", "b"] });
  await manual.get("/shoes", "list", LIST);
  await manual.get("/categories", "categories", LIST);
  const all = [
    "/shoes/a",
    "/products/a",
    "/shoes/b",
    ...["a", "c", "d"].map((id) => `/shoes/${id}/relatedproducts`),
  ];
  const keys = [...all, "/shoes", "/categories"];
  return { ...manual, dropped: () => keys.filter((key) => !manual.has(key)) };
}

const OF_A = ["/shoes/a", "/products/a"];
const SHOWING_A = [...OF_A, "/shoes/a/relatedproducts", "/shoes/c/relatedproducts"];
const LISTS = ["/shoes", "/categories"];

describe("an answer", () => {
  test("is computed once, kept, and says so", async () => {
    const { get, cache } = openManualCache();
    const first = await get("/shoes/a", "first", ITEM);
    const second = await get("/shoes/a", "second", ITEM);
    expect([first.outcome, second.outcome]).toEqual(["miss", "hit"]);
    expect(second.entry).toBe(first.entry);
    expect(textOf(second.entry)).toBe("first");
    expect(cache.find("/shoes/a")).toBe(first.entry as Entry);
    expect(cache.find("/shoes/b")).toBeUndefined();
  });

  test.each([ITEM, RELATED, LIST])("is kept as long as its TTL and no longer: %p", async (options) => {
    const { get, has, passTime, cache } = openManualCache();
    await get("/key", "body", options);
    passTime(TTL_MS - 1);
    expect(has("/key")).toBe(true);
    passTime(1);
    expect(has("/key")).toBe(false);
    expect(cache.state()).toMatchObject({ entries: 0, bytes: 0 });
  });

  test("is computed once for two who ask at the same time", async () => {
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

  test("that fails, fails for all who wait, and the next ask tries again", async () => {
    const { cache, get } = openManualCache();
    const { promise, reject } = Promise.withResolvers<string>();
    const fill = fillOf("/shoes/a", () => promise);
    const pending = [cache.findOrCompute(fill), cache.findOrCompute(fill)];
    reject(new Error("broken"));
    for (const { status } of await Promise.allSettled(pending)) expect(status).toBe("rejected");
    expect(await get("/shoes/a", "well")).toMatchObject({ outcome: "miss" });
    expect(cache.state().entries).toBe(1);
  });

  test("is not kept by a cache of no bytes, yet still computed once at a time", async () => {
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

  test("larger than the whole cache is answered and not kept", async () => {
    const { get, cache, change } = openManualCache(10_000);
    await get("/small", "small");
    expect(textOf((await get("/large", "x".repeat(20_000))).entry)).toHaveLength(20_000);
    expect(cache.state().bytes).toBeLessThan(10_000);
    expect(cache.find("/large")).toBeUndefined();
    // Nothing of it is left behind that would drop what comes at its place.
    await get("/moved", "x".repeat(20_000), ITEM);
    await get("/moved", "small", { scope: "item", shoeIds: ["b"] });
    change(["facts", "a"]);
    expect(cache.find("/moved")).toBeDefined();
    expect(cache.find("/small")).toBeDefined();
  });
});

describe("what is not there", () => {
  test("is remembered briefly", async () => {
    const { get, cache, passTime } = openManualCache();
    expect(await get("/shoes/none", null)).toEqual({ entry: null, outcome: "miss" });
    expect(await get("/shoes/none", "now there")).toEqual({ entry: null, outcome: "hit" });
    passTime(MISSING_TTL_MS);
    expect(cache.isMissing("/shoes/none")).toBe(false);
    expect(textOf((await get("/shoes/none", "now there")).entry)).toBe("now there");
  });

  test("is bounded apart: looking for thousands of ids evicts no shoe", async () => {
    const { get, cache, has } = openManualCache();
    await get("/shoes/a", "a", ITEM);
    const { bytes } = cache.state();
    for (let index = 0; index < MISSING_MAX + 500; index += 1) cache.noteMissing(`/shoes/none${index}`);
    expect(cache.state()).toEqual({ entries: 1, bytes, missing: MISSING_MAX });
    expect(has("/shoes/a")).toBe(true);
    expect(cache.isMissing(`/shoes/none${MISSING_MAX + 499}`)).toBe(true);
    expect(cache.isMissing("/shoes/none0")).toBe(false);
  });

  test("is forgotten when it comes into being, and the others are not", async () => {
    const { cache, change } = openManualCache();
    for (const key of ["/shoes/new", "/products/new", "/shoes/new/relatedproducts", "/shoes/newer"])
      cache.noteMissing(key);
    change(["facts", "new"]);
    expect(cache.state().missing).toBe(1);
    expect(cache.isMissing("/shoes/newer")).toBe(true);
  });

  test("is forgotten by its slug when shoes come", () => {
    const { cache, change, advance } = openManualCache();
    change(["collection", "x"]);
    cache.noteMissing("/shoes/trail-shoe_new");
    change(["facts", "new"], ["collection", "new"]);
    advance(100);
    expect(cache.isMissing("/shoes/trail-shoe_new")).toBe(false);
  });

  test("is not remembered when the shoe came while it was looked for", async () => {
    const { cache, change } = openManualCache();
    const { promise, resolve } = Promise.withResolvers<null>();
    const pending = cache.findOrCompute(fillOf("/shoes/new", () => promise));
    change(["facts", "new"], ["collection", "new"]);
    resolve(null);
    expect((await pending).entry).toBeNull();
    expect(cache.isMissing("/shoes/new")).toBe(false);
  });
});

describe("a change drops", () => {
  test("of facts: at once what shows the shoe, and no list", async () => {
    const { change, dropped } = await openFull();
    change(["facts", "a"]);
    expect(dropped()).toEqual(SHOWING_A);
  });

  test("of facts of a shoe that comes into being: the related answer that waits for it", async () => {
    const { change, dropped } = await openFull();
    change(["facts", "later"]);
    expect(dropped()).toEqual(["/shoes/a/relatedproducts"]);
  });

  test("of all facts: everything at once", async () => {
    const { change, cache } = await openFull();
    cache.noteMissing("/shoes/none");
    change(["facts", null]);
    expect(cache.state()).toEqual({ entries: 0, bytes: 0, missing: 0 });
  });

  test("of the collection: the lists, at most every 100 ms, and at last all", async () => {
    const { change, dropped, advance, get } = await openFull();
    change(["collection", "a"]);
    expect(dropped()).toEqual(LISTS);
    for (const key of LISTS) await get(key, "anew", LIST);
    advance(30);
    change(["collection", "b"]);
    change(["collection", null]);
    expect(dropped()).toEqual([]);
    advance(69);
    expect(dropped()).toEqual([]);
    advance(1);
    expect(dropped()).toEqual(LISTS);
    for (const key of LISTS) await get(key, "anew", LIST);
    advance(200);
    expect(dropped()).toEqual([]);
  });

  test("of counters: the item, at most once a second per shoe, and never a related answer", async () => {
    const { change, dropped, advance, get } = await openFull();
    const again = async () => {
      for (const key of OF_A) await get(key, "anew", ITEM);
      for (const key of LISTS) await get(key, "anew", LIST);
    };
    change(["counters", "a"]);
    expect(dropped()).toEqual([...OF_A, ...LISTS]);
    await again();
    advance(400);
    change(["counters", "a"]);
    expect(dropped()).toEqual([]);
    change(["counters", "b"]);
    expect(dropped()).toEqual(["/shoes/b"]);
    advance(599);
    expect(dropped()).toEqual(["/shoes/b"]);
    advance(1);
    expect(dropped()).toEqual([...OF_A, "/shoes/b", ...LISTS]);
    await again();
    advance(5_000);
    expect(dropped()).toEqual(["/shoes/b"]);
    change(["counters", "a"]);
    expect(dropped()).toEqual([...OF_A, "/shoes/b", ...LISTS]);
  });

  test("of everything: and then nothing more is due", async () => {
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

  test("of sessions: nothing", async () => {
    const { change, dropped, advance } = await openFull();
    change(["session", null], ["session", "a"]);
    advance(2_000);
    expect(dropped()).toEqual([]);
  });
});

describe("a fill that began before a change", () => {
  const cases: [
    string,
    "item" | "related" | "list",
    ["facts" | "collection" | "counters" | "session", string | null],
    boolean,
  ][] = [
    ["an item, its facts", "item", ["facts", "a"], false],
    ["an item, its counters", "item", ["counters", "a"], false],
    ["an item, all facts", "item", ["facts", null], false],
    ["an item, another's facts", "item", ["facts", "z"], true],
    ["an item, another's counters", "item", ["counters", "z"], true],
    ["an item, the collection", "item", ["collection", null], true],
    ["a related answer, facts it shows", "related", ["facts", "a"], false],
    ["a related answer, counters", "related", ["counters", "a"], true],
    ["a list, the collection", "list", ["collection", "z"], false],
    ["a list, counters", "list", ["counters", "z"], false],
    ["a list, all facts", "list", ["facts", null], false],
    ["a list, a session", "list", ["session", null], true],
  ];
  test.each(cases)("%s %s %p: kept is %p", async (_name, scope, news, isKept) => {
    const { cache, change, has } = openManualCache();
    const { promise, resolve } = Promise.withResolvers<string>();
    // Lists were dropped just now, so that the next news do not drop them at once.
    change(["collection", null], ["counters", null]);
    const pending = cache.findOrCompute(fillOf("/key", () => promise, { scope, shoeIds: ["a"] }));
    change(news);
    resolve("old");
    expect(textOf((await pending).entry)).toBe("old");
    expect(has("/key")).toBe(isKept);
  });

  test("is not handed to one who asks after it", async () => {
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

  test("does not end the computation of those who asked after it", async () => {
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

  test("is not kept when more changes came than are remembered", async () => {
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
  ])("is not kept when the feed was lost and goes on at %s", async (_name, seq) => {
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
