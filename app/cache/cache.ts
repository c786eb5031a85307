// The memory cache: finished answers by canonical address, dropped by the change feed, bounded in bytes.
import { LRUCache } from "lru-cache";
import type { Change } from "../../db/feed.ts";
import { openRecent } from "./change-window.ts";
import { type Answer, type Entry, finish } from "./entry.ts";
import { openShelf } from "./shelf.ts";
import { openPace } from "./throttle.ts";

/** What an answer is about: one shoe, a shoe with others beside it, or many shoes. */
export type Concern = "item" | "related" | "list";

export type Fill = {
  key: string;
  concern: Concern;
  ttlMs: number;
  /** Makes the answer; `null`: there is no such thing, which is remembered briefly. */
  compute(): Promise<Answer | null> | Answer | null;
};

/** Why an answer came as it did, for `Cache-Status`; `behind`: it is older than its client may know. */
export type Origin = "hit" | "miss" | "behind";

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
  const missing = openMissing(bytesMax > 0, now);
  const news = openNews({ shelf, missing, now, position });
  const flights = new Map<string, { era: number; entry: Promise<Entry | null> }>();

  const find = (spelling: string, since = 0): Entry | undefined => {
    const entry = shelf.get(spelling);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > now() && (entry.concern !== "list" || entry.epoch === news.listEpoch()))
      // One that is good enough for others may be too old for who knows of a later change.
      return since > entry.seq && news.concern(entry, since) ? undefined : entry;
    shelf.delete(entry.key);
    return undefined;
  };

  const compute = async ({ key, concern, ttlMs, compute }: Fill): Promise<Entry | null> => {
    // Read before the question, so that a change in between is seen as one that came meanwhile.
    const [seq, epoch, era] = [position(), news.listEpoch(), news.era()];
    const answer = await compute();
    if (answer === null) {
      if (news.era() === era) missing.note(key);
      return null;
    }
    const entry = finish(
      answer,
      { key, concern, seq, epoch, expiresAtMs: now() + ttlMs, headers },
      bytesMax > 0,
    );
    if (bytesMax > 0 && !news.wasCleared(era) && !news.concern(entry)) shelf.put(entry);
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
    async answer(fill: Fill, since = 0): Promise<{ entry: Entry | null; origin: Origin }> {
      const entry = find(fill.key, since);
      if (entry) return { entry, origin: "hit" };
      if (since === 0 && missing.has(fill.key)) return { entry: null, origin: "hit" };
      const underway = flights.get(fill.key);
      // One that began before the latest news may not know them.
      if (underway?.era === news.era()) return { entry: await underway.entry, origin: "miss" };
      const flight = { era: news.era(), entry: compute(fill) };
      flights.set(fill.key, flight);
      try {
        return { entry: await flight.entry, origin: "miss" };
      } finally {
        if (flights.get(fill.key) === flight) flights.delete(fill.key);
      }
    },
    /** An answer computed elsewhere, as it is sent; it is not kept, for the feed here does not tell of it. */
    passing: ({ key, concern }: Fill, answer: Answer): Entry =>
      finish(answer, { key, concern, seq: 0, epoch: 0, expiresAtMs: 0, headers }, false),
    apply: news.apply,
    tick: news.tick,
    clear: news.clear,
    state: () => ({ ...shelf.size(), missing: missing.size() }),
  };
}

type Kept = Pick<CacheOptions, "now" | "position"> & {
  shelf: ReturnType<typeof openShelf>;
  missing: ReturnType<typeof openMissing>;
};

/** What the change feed's news do to what is kept. */
function openNews({ shelf, missing, now, position }: Kept) {
  const recent = openRecent();
  let listEpoch = 0;
  let era = 0;
  let clearedIn = 0;
  const dropLists = () => {
    listEpoch += 1;
    missing.clear();
  };
  const pace = openPace(now, dropLists, (shoeId) => shelf.dropShoe(shoeId, ["item"]));

  const clear = () => {
    era += 1;
    clearedIn = era;
    shelf.clear();
    dropLists();
    pace.allDropped();
    recent.forgetTo(position());
  };

  const applyOne = (change: Change) => {
    const { kind, shoeId } = change;
    recent.add(change);
    if (kind === "facts" && shoeId === null) clear();
    if (kind === "facts" && shoeId !== null) {
      shelf.dropShoe(shoeId, ["item", "related"]);
      missing.drop(shoeId);
    }
    if (kind === "collection") pace.collectionChanged();
    if (kind === "counters") pace.countersChanged(shoeId);
  };

  return {
    /** Lists of an earlier epoch are not valid any more. */
    listEpoch: (): number => listEpoch,
    /** Grows with all news: what began in an earlier era may not know the latest. */
    era: (): number => era,
    /** Whether everything was dropped after this era. */
    wasCleared: (since: number): boolean => clearedIn > since,
    concern: recent.concern,
    /** Takes news of the feed, in order. */
    apply(changes: Change[]): void {
      era += 1;
      for (const change of changes) applyOne(change);
      pace.tick();
    },
    /** Does what has become due; called many times a second. */
    tick: pace.tick,
    /** Forgets everything: the feed has a gap, or tells of another database. */
    clear,
  };
}

/** What was lately not there, by key. */
function openMissing(isEnabled: boolean, now: () => number) {
  const until = new LRUCache<string, number>({ max: MISSING_MAX });
  return {
    has: (key: string): boolean => (until.get(key) ?? 0) > now(),
    note(key: string): void {
      if (isEnabled) until.set(key, now() + MISSING_TTL_MS);
    },
    /** A shoe came into being: its addresses are not missing any more. */
    drop(shoeId: string): void {
      for (const key of [...until.keys()]) if (key.split("/").includes(shoeId)) until.delete(key);
    },
    clear: (): void => until.clear(),
    size: (): number => until.size,
  };
}
