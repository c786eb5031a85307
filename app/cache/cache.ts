// The memory cache: finished answers by canonical address, dropped by the change feed, bounded in bytes.
import { LRUCache } from "lru-cache";
import type { Change } from "../../db/feed.ts";
import { openChangeWindow } from "./change-window.ts";
import { type Entry, makeEntry, type Representation } from "./entry.ts";
import { openShelf } from "./shelf.ts";
import { openThrottle } from "./throttle.ts";

/** What an answer is about: one shoe, a shoe with others beside it, or many shoes. */
export type Scope = "item" | "related" | "list";

export type Fill = {
  key: string;
  scope: Scope;
  ttlMs: number;
  /** Makes the answer; `null`: there is no such thing, which is remembered briefly. */
  compute(): Promise<Representation | null> | Representation | null;
};

/** Why an answer came as it did, for `Cache-Status`; `behind`: it is older than its client may know. */
export type CacheOutcome = "hit" | "miss" | "behind";

export type CacheOptions = {
  bytesMax: number;
  now(): number;
  position(): number;
  /** What the settings add to every answer's headers. */
  headers?: Record<string, string>;
};

/** Answers that are remembered as missing: few and short-lived, so that scanning ids evicts no shoe. */
const MISSING_MAX = 5_000;
const MISSING_TTL_MS = 5_000;

export type Cache = ReturnType<typeof openCache>;

/** Opens an empty cache; `position` tells how far the change feed has been read. No bytes: nothing is kept. */
export function openCache({ bytesMax, now, position, headers = {} }: CacheOptions) {
  const shelf = openShelf(bytesMax);
  const missing = openMissingKeys(bytesMax > 0, now);
  const feed = openFeedState({ shelf, missing, now, position });
  const flights = new Map<string, { generation: number; entry: Promise<Entry | null> }>();

  const find = (spelling: string, since = 0): Entry | undefined => {
    const entry = shelf.get(spelling);
    if (entry === undefined) return undefined;
    if (
      entry.expiresAtMs > now() &&
      (entry.scope !== "list" || entry.listGeneration === feed.listGeneration())
    )
      // One that is good enough for others may be too old for who knows of a later change.
      return since > entry.seq && feed.isStale(entry, since) ? undefined : entry;
    shelf.delete(entry.key);
    return undefined;
  };

  const compute = async ({ key, scope, ttlMs, compute }: Fill): Promise<Entry | null> => {
    // Read before the question, so that a change in between is seen as one that came meanwhile.
    const [seq, listGeneration, generation] = [position(), feed.listGeneration(), feed.generation()];
    const representation = await compute();
    if (representation === null) {
      if (feed.generation() === generation) missing.note(key);
      return null;
    }
    const entry = makeEntry(
      representation,
      { key, scope, seq, listGeneration, expiresAtMs: now() + ttlMs, headers },
      bytesMax > 0,
    );
    if (bytesMax > 0 && !feed.wasCleared(generation) && !feed.isStale(entry)) shelf.put(entry);
    return entry;
  };

  return {
    /** The finished answer at this key or a known spelling of it; with `since`, only one that knows the changes to that `seq`. */
    find,
    /** Another spelling of a key: from now on its answer is found by both. */
    noteSpelling: shelf.noteSpelling,
    /** Whether there was lately nothing at this key; and to say so of one that was looked up elsewhere. */
    isMissing: missing.has,
    noteMissing: missing.note,
    /** The answer and whether it was there; one computation per key at a time, whoever asks. */
    async findOrCompute(fill: Fill, since = 0): Promise<{ entry: Entry | null; outcome: CacheOutcome }> {
      const entry = find(fill.key, since);
      if (entry) return { entry, outcome: "hit" };
      if (since === 0 && missing.has(fill.key)) return { entry: null, outcome: "hit" };
      const current = flights.get(fill.key);
      // One that began before the latest news may not know them.
      if (current?.generation === feed.generation()) return { entry: await current.entry, outcome: "miss" };
      const flight = { generation: feed.generation(), entry: compute(fill) };
      flights.set(fill.key, flight);
      try {
        return { entry: await flight.entry, outcome: "miss" };
      } finally {
        if (flights.get(fill.key) === flight) flights.delete(fill.key);
      }
    },
    /** An answer computed elsewhere, as it is sent; it is not kept, for the feed here does not tell of it. */
    makeEntry: ({ key, scope }: Fill, answer: Representation): Entry =>
      makeEntry(answer, { key, scope, seq: 0, listGeneration: 0, expiresAtMs: 0, headers }, false),
    apply: feed.apply,
    tick: feed.tick,
    clear: feed.clear,
    state: () => ({ ...shelf.size(), missing: missing.size() }),
  };
}

type FeedStateOptions = Pick<CacheOptions, "now" | "position"> & {
  shelf: ReturnType<typeof openShelf>;
  missing: ReturnType<typeof openMissingKeys>;
};

/** What the change feed's news do to what is kept. */
function openFeedState({ shelf, missing, now, position }: FeedStateOptions) {
  const changeWindow = openChangeWindow();
  let listGeneration = 0;
  let generation = 0;
  let clearedIn = 0;
  const dropLists = () => {
    listGeneration += 1;
    missing.clear();
  };
  const throttle = openThrottle(now, dropLists, (shoeId) => shelf.dropShoe(shoeId, ["item"]));

  const clear = () => {
    generation += 1;
    clearedIn = generation;
    shelf.clear();
    dropLists();
    throttle.allDropped();
    changeWindow.discardTo(position());
  };

  const applyOne = (change: Change) => {
    const { kind, shoeId } = change;
    changeWindow.add(change);
    if (kind === "facts" && shoeId === null) clear();
    if (kind === "facts" && shoeId !== null) {
      shelf.dropShoe(shoeId, ["item", "related"]);
      missing.drop(shoeId);
    }
    if (kind === "collection") throttle.collectionChanged();
    if (kind === "counters") throttle.countersChanged(shoeId);
  };

  return {
    /** Lists of an earlier listGeneration are not valid any more. */
    listGeneration: (): number => listGeneration,
    /** Grows with all news: what began in an earlier generation may not know the latest. */
    generation: (): number => generation,
    /** Whether everything was dropped after this generation. */
    wasCleared: (since: number): boolean => clearedIn > since,
    isStale: changeWindow.isStale,
    /** Takes news of the feed, in order. */
    apply(changes: Change[]): void {
      generation += 1;
      for (const change of changes) applyOne(change);
      throttle.tick();
    },
    /** Does what has become due; called many times a second. */
    tick: throttle.tick,
    /** Forgets everything: the feed has a gap, or tells of another database. */
    clear,
  };
}

/** What was lately not there, by key. */
function openMissingKeys(isEnabled: boolean, now: () => number) {
  const expiriesMs = new LRUCache<string, number>({ max: MISSING_MAX });
  return {
    has: (key: string): boolean => (expiriesMs.get(key) ?? 0) > now(),
    note(key: string): void {
      if (isEnabled) expiriesMs.set(key, now() + MISSING_TTL_MS);
    },
    /** A shoe came into being: its addresses are not missing any more. */
    drop(shoeId: string): void {
      for (const key of [...expiriesMs.keys()]) if (key.split("/").includes(shoeId)) expiriesMs.delete(key);
    },
    clear: (): void => expiriesMs.clear(),
    size: (): number => expiriesMs.size,
  };
}
