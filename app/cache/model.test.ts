// The memory cache under random load, checked after every step: never more bytes, never an older entry than the rules allow.
import { expect, test } from "bun:test";
import { fillOf, openManualCache, textOf } from "../testing/cache.ts";
import type { Entry } from "./entry.ts";

const BYTES_MAX = 60_000;
const SHOES = 12;
const STEPS = 3_000;
const FACTS_LATE_MS = 0;
const COLLECTION_LATE_MS = 100;
const COUNTERS_LATE_MS = 1_000;
const SHOE_TTL_MS = 6_000;
const LIST_TTL_MS = 3_000;

/** A seeded generator: the same numbers in the same order at every run. */
function randomness(seed: number): (below: number) => number {
  let state = BigInt(seed);
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number((state >> 33n) % BigInt(below));
  };
}

/** A number that only grows, with the time of each step. */
function openCounter() {
  const grewAtMs: number[] = [];
  return {
    value: () => grewAtMs.length,
    grow: (nowMs: number) => void grewAtMs.push(nowMs),
    /** Since when a copy of this value is outdated; infinity: it is the newest. */
    oldSince: (copy: number): number => grewAtMs[copy] ?? Number.POSITIVE_INFINITY,
  };
}

const id = (index: number): string => `s${index % SHOES}`;

/** The database behind the cache, and which of its values each response shows. */
function openTruth() {
  const counters = new Map<string, ReturnType<typeof openCounter>>();
  const counter = (name: string) => {
    const known = counters.get(name) ?? openCounter();
    counters.set(name, known);
    return known;
  };
  /** The values that a response shows, each with the delay that is allowed. */
  const shownBy = (key: string): [string, number][] => {
    const [kind = "", name = ""] = key.split(" ");
    const index = Number(name.slice(1));
    if (kind === "item")
      return [
        [`facts ${name}`, FACTS_LATE_MS],
        [`counts ${name}`, COUNTERS_LATE_MS],
      ];
    if (kind === "related")
      return [0, 1, 2].map((step): [string, number] => [`facts ${id(index + step)}`, FACTS_LATE_MS]);
    if (kind === "picture") return [[`facts ${name}`, FACTS_LATE_MS]];
    if (kind === "categories") return [["collection", COLLECTION_LATE_MS]];
    return [
      ["collection", COLLECTION_LATE_MS],
      ["all counts", COUNTERS_LATE_MS],
    ];
  };
  return {
    counter,
    /** The response as the database would give it now: the values shown, then padding. */
    read: (key: string, padding: number): string =>
      `${shownBy(key)
        .map(([name]) => counter(name).value())
        .join(" ")} ${"x".repeat(padding)}`,
    /** The values in this response that are older than allowed at this time. */
    late(key: string, body: string, nowMs: number): string[] {
      const copies = body.split(" ").map(Number);
      return shownBy(key)
        .filter(([name, lateMs], index) => nowMs - counter(name).oldSince(copies[index] ?? 0) > lateMs)
        .map(([name]) => `${key} shows an old ${name}`);
    },
  };
}

const KEYS = [
  ...Array.from({ length: SHOES }, (_, index) => [`item ${id(index)}`, `related ${id(index)}`]).flat(),
  ...Array.from({ length: 4 }, (_, index) => [`list ${index}`, `picture ${id(index)}`]).flat(),
  "categories 0",
];

function openLoad(seed: number) {
  const random = randomness(seed);
  const manual = openManualCache(BYTES_MAX);
  const truth = openTruth();
  const underway = new Set<() => Promise<void>>();
  const pending: Promise<void>[] = [];
  const seen = { hits: 0, mostBytes: 0 };
  const madeAtMs = new WeakMap<Entry, number>();

  const optionsOf = (key: string) => {
    const [kind = "", name = ""] = key.split(" ");
    const index = Number(name.slice(1));
    if (kind === "item") return { scope: "item", shoeIds: [name], ttlMs: SHOE_TTL_MS } as const;
    if (kind === "related")
      return {
        scope: "related",
        shoeIds: [0, 1, 2].map((step) => id(index + step)),
        ttlMs: SHOE_TTL_MS,
      } as const;
    if (kind === "picture") return { scope: kind, shoeIds: [name], ttlMs: SHOE_TTL_MS } as const;
    const scope = kind === "categories" ? kind : "list";
    return { scope, shoeIds: [], ttlMs: LIST_TTL_MS } as const;
  };

  /** Starts a request: the query reads the values of this moment, and ends when `finish` is called. */
  const request = (key: string) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const padding = random(4_000);
    let isOwn = false;
    const fill = fillOf(
      key,
      () => {
        isOwn = true;
        const body = truth.read(key, padding);
        return promise.then(() => body);
      },
      optionsOf(key),
    );
    const requestedAtMs = manual.now();
    const response = manual.cache.findOrCompute(fill).then(({ entry, outcome }) => {
      if (outcome === "hit") seen.hits += 1;
      if (entry && !madeAtMs.has(entry)) madeAtMs.set(entry, manual.now());
      // No value in a response was too old already when it was requested.
      expect(truth.late(key, textOf(entry) ?? "", requestedAtMs)).toEqual([]);
    });
    const finish = async () => {
      underway.delete(finish);
      resolve();
      // A caller that shares a computation ends with that.
      if (isOwn) await response;
    };
    pending.push(response);
    underway.add(finish);
    return finish;
  };

  const change = () => {
    const name = id(random(SHOES));
    const nowMs = manual.now();
    const grow = (...names: string[]) => {
      for (const each of names) truth.counter(each).grow(nowMs);
    };
    const kind = random(10);
    if (kind < 3) {
      grow(`facts ${name}`);
      manual.change(["facts", name]);
    } else if (kind < 5) {
      grow(`facts ${name}`, "collection");
      manual.change(["facts", name], ["collection", name]);
    } else if (kind < 9) {
      grow(`counts ${name}`, "all counts");
      manual.change(["counters", name]);
    } else {
      grow(
        ...Array.from({ length: SHOES }, (_, index) => [`facts ${id(index)}`, `counts ${id(index)}`]).flat(),
        "collection",
        "all counts",
      );
      manual.change(["facts", null], ["collection", null]);
    }
  };

  const check = () => {
    const { bytes } = manual.cache.state();
    expect(bytes).toBeLessThanOrEqual(BYTES_MAX);
    seen.mostBytes = Math.max(seen.mostBytes, bytes);
    let found = 0;
    for (const key of KEYS) {
      const entry = manual.cache.find(key);
      if (!entry) continue;
      found += 1;
      expect(truth.late(key, textOf(entry) ?? "", manual.now())).toEqual([]);
      expect(entry.expiresAtMs).toBeGreaterThan(manual.now());
      expect(entry.expiresAtMs - (madeAtMs.get(entry) ?? manual.now())).toBeLessThanOrEqual(
        optionsOf(key).ttlMs,
      );
    }
    // `find` has removed every entry it refused, so the entries found are all there are.
    expect(manual.cache.state().entries).toBe(found);
  };

  return { random, manual, underway, pending, seen, request, change, check };
}

test.each([1, 2, 3])("random load (seed %d)", async (seed) => {
  const { random, manual, underway, pending, seen, request, change, check } = openLoad(seed);
  for (let step = 0; step < STEPS; step += 1) {
    const what = random(20);
    if (what < 11) await request(KEYS[random(KEYS.length)] ?? "")();
    else if (what < 13) request(KEYS[random(KEYS.length)] ?? "");
    else if (what < 15) await [...underway][random(underway.size + 1)]?.();
    else if (what < 17) change();
    else manual.advance(random(120));
    check();
  }
  while (underway.size > 0) await [...underway][0]?.();
  await Promise.all(pending);
  check();
  // The load filled the cache and had hits.
  expect(seen.hits).toBeGreaterThan(STEPS / 20);
  expect(seen.mostBytes).toBeGreaterThan(BYTES_MAX * 0.8);
  manual.cache.clear();
  expect(manual.cache.state()).toEqual({ entries: 0, bytes: 0, missing: 0 });
});
