// The memory cache under random load, checked after every step: never over its bytes, never older than the rules allow.
import { expect, test } from "bun:test";
import { fillOf, openHandCache, textOf } from "../testing/cache.ts";
import type { Entry } from "./entry.ts";

const BYTES_MAX = 60_000;
const SHOES = 12;
const STEPS = 3_000;
const FACTS_LATE_MS = 0;
const COLLECTION_LATE_MS = 100;
const COUNTERS_LATE_MS = 1_000;
const SHOE_TTL_MS = 6_000;
const LIST_TTL_MS = 3_000;

/** The same numbers in the same order at every run. */
function randomness(seed: number): (below: number) => number {
  let state = BigInt(seed);
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number((state >> 33n) % BigInt(below));
  };
}

/** A number that only grows, and when it did. */
function openCounter() {
  const grewAt: number[] = [];
  return {
    value: () => grewAt.length,
    grow: (nowMs: number) => void grewAt.push(nowMs),
    /** Since when a copy of this value is old; never: it is the newest. */
    oldSince: (copy: number): number => grewAt[copy] ?? Number.POSITIVE_INFINITY,
  };
}

const id = (at: number): string => `s${at % SHOES}`;

/** The truth behind the cache, and what each answer showed of it when it was computed. */
function openTruth() {
  const counters = new Map<string, ReturnType<typeof openCounter>>();
  const counter = (name: string) => {
    const known = counters.get(name) ?? openCounter();
    counters.set(name, known);
    return known;
  };
  /** What an answer shows, with how late it may be. */
  const shownBy = (key: string): [string, number][] => {
    const [kind = "", name = ""] = key.split(" ");
    const at = Number(name.slice(1));
    if (kind === "item")
      return [
        [`facts ${name}`, FACTS_LATE_MS],
        [`counts ${name}`, COUNTERS_LATE_MS],
      ];
    if (kind === "related")
      return [0, 1, 2].map((step): [string, number] => [`facts ${id(at + step)}`, FACTS_LATE_MS]);
    return [
      ["collection", COLLECTION_LATE_MS],
      ["all counts", COUNTERS_LATE_MS],
    ];
  };
  return {
    counter,
    /** The answer as the database would give it now: the values shown, then filling of some length. */
    read: (key: string, padding: number): string =>
      `${shownBy(key)
        .map(([name]) => counter(name).value())
        .join(" ")} ${"x".repeat(padding)}`,
    /** What of this answer is older than it may be at this time. */
    late(key: string, body: string, nowMs: number): string[] {
      const copies = body.split(" ").map(Number);
      return shownBy(key)
        .filter(([name, lateMs], at) => nowMs - counter(name).oldSince(copies[at] ?? 0) > lateMs)
        .map(([name]) => `${key} shows an old ${name}`);
    },
  };
}

const KEYS = [
  ...Array.from({ length: SHOES }, (_, at) => [`item ${id(at)}`, `related ${id(at)}`]).flat(),
  ...Array.from({ length: 6 }, (_, at) => `list ${at}`),
];

function openLoad(seed: number) {
  const random = randomness(seed);
  const hand = openHandCache(BYTES_MAX);
  const truth = openTruth();
  const underway = new Set<() => Promise<void>>();
  const answered: Promise<void>[] = [];
  const seen = { hits: 0, mostBytes: 0 };
  const madeAt = new WeakMap<Entry, number>();

  const optionsOf = (key: string) => {
    const [kind = "", name = ""] = key.split(" ");
    const at = Number(name.slice(1));
    if (kind === "item") return { scope: "item", shoeIds: [name], ttlMs: SHOE_TTL_MS } as const;
    if (kind === "related")
      return {
        scope: "related",
        shoeIds: [0, 1, 2].map((step) => id(at + step)),
        ttlMs: SHOE_TTL_MS,
      } as const;
    return { scope: "list", shoeIds: [], ttlMs: LIST_TTL_MS } as const;
  };

  /** Asks; the query sees the truth of this moment, and its answer comes when `finish` is called. */
  const ask = (key: string) => {
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
    const askedAt = hand.now();
    const asked = hand.cache.answer(fill).then(({ entry, outcome }) => {
      if (outcome === "hit") seen.hits += 1;
      if (entry && !madeAt.has(entry)) madeAt.set(entry, hand.now());
      // Whoever asks gets nothing that was too old already when he asked.
      expect(truth.late(key, textOf(entry) ?? "", askedAt)).toEqual([]);
    });
    const finish = async () => {
      underway.delete(finish);
      resolve();
      // One that joined another's computation ends with that.
      if (isOwn) await asked;
    };
    answered.push(asked);
    underway.add(finish);
    return finish;
  };

  const change = () => {
    const name = id(random(SHOES));
    const nowMs = hand.now();
    const grow = (...names: string[]) => {
      for (const each of names) truth.counter(each).grow(nowMs);
    };
    const kind = random(10);
    if (kind < 3) {
      grow(`facts ${name}`);
      hand.change(["facts", name]);
    } else if (kind < 5) {
      grow(`facts ${name}`, "collection");
      hand.change(["facts", name], ["collection", name]);
    } else if (kind < 9) {
      grow(`counts ${name}`, "all counts");
      hand.change(["counters", name]);
    } else {
      grow(
        ...Array.from({ length: SHOES }, (_, at) => [`facts ${id(at)}`, `counts ${id(at)}`]).flat(),
        "collection",
        "all counts",
      );
      hand.change(["facts", null], ["collection", null]);
    }
  };

  const check = () => {
    const { bytes } = hand.cache.state();
    expect(bytes).toBeLessThanOrEqual(BYTES_MAX);
    seen.mostBytes = Math.max(seen.mostBytes, bytes);
    let found = 0;
    for (const key of KEYS) {
      const entry = hand.cache.find(key);
      if (!entry) continue;
      found += 1;
      expect(truth.late(key, textOf(entry) ?? "", hand.now())).toEqual([]);
      expect(entry.expiresAtMs).toBeGreaterThan(hand.now());
      expect(entry.expiresAtMs - (madeAt.get(entry) ?? hand.now())).toBeLessThanOrEqual(optionsOf(key).ttlMs);
    }
    // What was looked for and not fit is gone now, so that the rest is all there is.
    expect(hand.cache.state().entries).toBe(found);
  };

  return { random, hand, underway, answered, seen, ask, change, check };
}

test.each([1, 2, 3])("random load (seed %d)", async (seed) => {
  const { random, hand, underway, answered, seen, ask, change, check } = openLoad(seed);
  for (let step = 0; step < STEPS; step += 1) {
    const what = random(20);
    if (what < 11) await ask(KEYS[random(KEYS.length)] ?? "")();
    else if (what < 13) ask(KEYS[random(KEYS.length)] ?? "");
    else if (what < 15) await [...underway][random(underway.size + 1)]?.();
    else if (what < 17) change();
    else hand.advance(random(120));
    check();
  }
  while (underway.size > 0) await [...underway][0]?.();
  await Promise.all(answered);
  check();
  // The load was one that fills the cache and finds what it kept.
  expect(seen.hits).toBeGreaterThan(STEPS / 20);
  expect(seen.mostBytes).toBeGreaterThan(BYTES_MAX * 0.8);
  hand.cache.clear();
  expect(hand.cache.state()).toEqual({ entries: 0, bytes: 0, missing: 0 });
});
