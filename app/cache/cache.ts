// The memory cache: finished answers by canonical address, dropped by the change feed, bounded in bytes.
import { LRUCache } from "lru-cache";
import { type Answer, type Entry, finish, weigh } from "./entry.ts";
import type { Change } from "./feed.ts";

/** What an answer is about: one shoe, a shoe with others beside it, or many shoes. */
export type Concern = "item" | "related" | "list";

export type Fill = {
  key: string;
  concern: Concern;
  ttlMs: number;
  /** Makes the answer; `null`: there is no such thing, which is remembered briefly. */
  compute(): Promise<Answer | null> | Answer | null;
};

/** Why an answer came as it did, for `Cache-Status`. */
export type Origin = "hit" | "miss";

export type CacheOptions = { bytesMax: number; now(): number; position(): number };

/** Answers that are remembered as missing: few and short-lived, so that scanning ids evicts no shoe. */
const MISSING_MAX = 5_000;
const MISSING_TTL_MS = 5_000;
/** A list is dropped at most this often for shoes that come, go or move; and for likes and stock. */
const COLLECTION_PAUSE_MS = 100;
const COUNTERS_PAUSE_MS = 1_000;
/** Changes that are remembered for fills under way. */
const RECENT_MAX = 4_096;
/** Entries are found by the shoes they show in this many buckets. */
const BUCKETS = 8_192;

export type Cache = ReturnType<typeof openCache>;

/** Opens an empty cache; `position` tells how far the change feed has been read. */
export function openCache({ bytesMax, now, position }: CacheOptions) {
  const enabled = bytesMax > 0;
  const shows = Array.from({ length: BUCKETS }, () => new Set<Entry>());
  const entries = new LRUCache<string, Entry>({
    maxSize: Math.max(1, bytesMax),
    sizeCalculation: weigh,
    dispose: (entry) => forget(shows, entry),
  });
  const missing = new LRUCache<string, number>({ max: MISSING_MAX });
  const flights = new Map<string, Promise<Entry | null>>();
  const recent: Change[] = [];
  const lists = { epoch: 0, droppedAt: Number.NEGATIVE_INFINITY, dueAt: Number.POSITIVE_INFINITY };
  const counted = new Map<string, { droppedAt: number; due: boolean }>();
  let recentFrom = 0;

  const isFresh = (entry: Entry): boolean =>
    entry.expiresAtMs > now() && (entry.concern !== "list" || entry.epoch === lists.epoch);

  const find = (key: string): Entry | undefined => {
    const entry = entries.get(key);
    if (entry === undefined || isFresh(entry)) return entry;
    entries.delete(key);
    return undefined;
  };

  const dropShoe = (shoeId: string, concerns: readonly Concern[]) => {
    for (const entry of shows[bucketOf(shoeId)] ?? [])
      if (concerns.includes(entry.concern) && entry.shoeIds.includes(shoeId)) entries.delete(entry.key);
  };

  const dropMissing = (shoeId: string) => {
    for (const key of [...missing.keys()]) if (key.includes(`/${shoeId}`)) missing.delete(key);
  };

  const dropLists = () => {
    lists.epoch += 1;
    lists.droppedAt = now();
    lists.dueAt = Number.POSITIVE_INFINITY;
    missing.clear();
  };

  const clear = () => {
    entries.clear();
    dropLists();
    recent.length = 0;
    recentFrom = position();
    counted.clear();
  };

  const applyOne = ({ kind, shoeId }: Change) => {
    if (shoeId === null && kind === "facts") return clear();
    if (kind === "facts" && shoeId !== null) {
      dropShoe(shoeId, ["item", "related"]);
      dropMissing(shoeId);
    }
    if (kind === "collection") lists.dueAt = Math.min(lists.dueAt, lists.droppedAt + COLLECTION_PAUSE_MS);
    if (kind === "counters") {
      lists.dueAt = Math.min(lists.dueAt, Math.max(now(), lists.droppedAt + COUNTERS_PAUSE_MS));
      if (shoeId !== null) {
        const state = counted.get(shoeId);
        if (state) state.due = true;
        else counted.set(shoeId, { droppedAt: Number.NEGATIVE_INFINITY, due: true });
      }
    }
  };

  /** Does what has become due; the feed's poll calls it, so it runs many times a second. */
  const tick = () => {
    if (lists.dueAt <= now()) dropLists();
    for (const [shoeId, state] of counted) {
      if (state.droppedAt + COUNTERS_PAUSE_MS > now()) continue;
      if (!state.due) counted.delete(shoeId);
      else {
        dropShoe(shoeId, ["item"]);
        counted.set(shoeId, { droppedAt: now(), due: false });
      }
    }
  };

  const isConcerned = (entry: Entry): boolean =>
    entry.seq < recentFrom ||
    recent.some(({ seq, kind, shoeId }) => {
      if (seq <= entry.seq) return false;
      if (shoeId === null && kind === "facts") return true;
      if (entry.concern === "list") return kind === "collection" || kind === "counters";
      return shoeId !== null && (kind === "facts" || kind === "counters") && entry.shoeIds.includes(shoeId);
    });

  const store = (entry: Entry) => {
    if (!enabled || isConcerned(entry)) return;
    entries.set(entry.key, entry);
    for (const shoeId of entry.shoeIds) shows[bucketOf(shoeId)]?.add(entry);
  };

  const isMissing = (key: string): boolean => (missing.get(key) ?? 0) > now();
  const noteMissing = (key: string) => {
    if (enabled) missing.set(key, now() + MISSING_TTL_MS);
  };

  const compute = async ({ key, concern, ttlMs, compute }: Fill): Promise<Entry | null> => {
    const seq = position();
    const answer = await compute();
    if (answer === null) {
      noteMissing(key);
      return null;
    }
    const entry = finish(answer, { key, concern, seq, epoch: lists.epoch, expiresAtMs: now() + ttlMs });
    store(entry);
    return entry;
  };

  return {
    find,
    /** Whether there was lately nothing at this key; and to say so of one that was looked up elsewhere. */
    isMissing,
    noteMissing,
    /** The answer and whether it was there; one computation per key at a time, whoever asks. */
    async answer(fill: Fill): Promise<{ entry: Entry | null; origin: Origin }> {
      const entry = find(fill.key);
      if (entry) return { entry, origin: "hit" };
      if (isMissing(fill.key)) return { entry: null, origin: "hit" };
      const underway = flights.get(fill.key);
      if (underway) return { entry: await underway, origin: "miss" };
      const flight = compute(fill).finally(() => flights.delete(fill.key));
      flights.set(fill.key, flight);
      return { entry: await flight, origin: "miss" };
    },
    /** Takes news of the feed, in order. */
    apply(changes: Change[]): void {
      for (const change of changes) {
        recent.push(change);
        applyOne(change);
      }
      const surplus = recent.splice(0, Math.max(0, recent.length - RECENT_MAX)).at(-1);
      if (surplus) recentFrom = surplus.seq;
      tick();
    },
    tick,
    /** Forgets everything: the feed has a gap, or tells of another database. */
    clear,
    state: () => ({ entries: entries.size, bytes: entries.calculatedSize, missing: missing.size }),
  };
}

const bucketOf = (shoeId: string): number => Bun.hash.crc32(shoeId) % BUCKETS;

function forget(shows: Set<Entry>[], entry: Entry): void {
  for (const shoeId of entry.shoeIds) shows[bucketOf(shoeId)]?.delete(entry);
}
