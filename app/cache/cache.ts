// The memory cache: finished responses by canonical address, invalidated by the change feed, bounded in bytes.
import { LRUCache } from "lru-cache";
import type { Change } from "../../db/feed.ts";
import { openRequesters, type Requester, type Requesters, UNKNOWN } from "../../db/read/requesters.ts";
import { openChangeWindow } from "./change-window.ts";
import { type Entry, openEntryMaker, type Representation, type Scope, scopesOfShoe } from "./entry.ts";
import { openShelf, type Shelf } from "./shelf.ts";
import { openThrottle } from "./throttle.ts";

/** How the entry of a key is computed, and how long it lives at most. */
export type Fill = {
  key: string;
  scope: Scope;
  ttlMs: number;
  /** Computes the response for the requests that share it; `null`: the resource does not exist, which is cached briefly. */
  compute(requesters: Requesters): Promise<Representation | null> | Representation | null;
};

/** Where a response came from, for `Cache-Status`; `behind`: it lacks changes its client has already seen. */
export type CacheOutcome = "hit" | "miss" | "behind";

/** The memory cache of one process. `since` is the newest `seq` a client has seen; 0: none. */
export type Cache = {
  /**
   * The entry at this key or at a noted spelling of it, unless it has expired or was invalidated, or lacks a change up to
   * `since` that concerns it.
   */
  find(spelling: string, since?: number): Entry | undefined;
  /**
   * The entry at the fill's key, computed and stored where `find` finds none. Callers that wait for the same key share one
   * computation (single flight), unless changes arrived after it began. `null`: the resource does not exist. Throws what
   * `compute` throws, to all who share it, and `overloaded` or `abandoned` to a requester that is refused or has gone while
   * others go on waiting; the next call computes again.
   */
  findOrCompute(
    fill: Fill,
    since?: number,
    requester?: Requester,
  ): Promise<{ entry: Entry | null; outcome: CacheOutcome }>;
  /** An entry that is sent but not stored: its data was read elsewhere, so the feed here cannot invalidate it. */
  makeEntry(fill: Fill, representation: Representation): Entry;
  /** From now on `find` finds the entry of this key by this spelling too. */
  noteSpelling(spelling: string, key: string): void;
  /** Whether the resource at this key was found missing a moment ago. */
  isMissing(key: string): boolean;
  /** Caches briefly that the resource at this key does not exist. */
  noteMissing(key: string): void;
  /** Applies changes of the feed, in their order: some invalidate at once, others no sooner than their throttle allows. */
  apply(changes: Change[]): void;
  /** Invalidates what the throttle has made due; called many times a second. */
  tick(): void;
  /** Drops everything: the feed has a gap, or belongs to another dataset. */
  clear(): void;
  /** Entries and missing keys that are held, and the bytes counted for the entries. */
  state(): { entries: number; bytes: number; missing: number };
};

type CacheOptions = {
  /** 0: nothing is stored, and computations are still shared. */
  bytesMax: number;
  now(): number;
  /** The `seq` up to which the change feed has been applied. */
  position(): number;
  /** Headers that the settings add to every response. */
  headers?: Record<string, string>;
};

/** A computation under way, and the requests that share it. */
type Flight = { generation: number; requesters: Requesters; entry: Promise<Entry | null> };

const join = ({ entry, requesters }: Flight, requester = UNKNOWN): Promise<Entry | null> =>
  Promise.race([entry, requesters.add(requester)]);

/** Missing keys are few and short-lived, and bounded apart, so that scanning ids evicts no shoe. */
const MISSING_MAX = 5_000;
const MISSING_TTL_MS = 5_000;

/** Opens an empty cache. */
export function openCache({ bytesMax, now, position, headers = {} }: CacheOptions): Cache {
  const isStoring = bytesMax > 0;
  const makeEntry = openEntryMaker(headers);
  const shelf = openShelf(bytesMax);
  const missing = openMissingKeys(isStoring, now);
  const feed = openFeedState({ shelf, missing, now, position });
  const flights = new Map<string, Flight>();

  const find = (spelling: string, since = 0): Entry | undefined => {
    const entry = shelf.get(spelling);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > now() && entry.listGeneration === feed.listGeneration(entry.scope))
      // An entry that other clients may still get can lack a change that this client has seen.
      return since > entry.seq && feed.isStale(entry, since) ? undefined : entry;
    shelf.delete(entry.key);
    return undefined;
  };

  const compute = async (
    { key, scope, ttlMs, compute }: Fill,
    requesters: Requesters,
  ): Promise<Entry | null> => {
    // Read before the query runs, so that a change during the query counts as later than the entry.
    const [seq, listGeneration, generation] = [position(), feed.listGeneration(scope), feed.generation()];
    const representation = await compute(requesters);
    if (representation === null) {
      if (feed.generation() === generation) missing.note(key);
      return null;
    }
    const facts = { key, scope, seq, listGeneration, expiresAtMs: now() + ttlMs };
    const entry = makeEntry(representation, facts, isStoring);
    if (isStoring && !feed.wasCleared(generation) && !feed.isStale(entry)) shelf.put(entry);
    return entry;
  };

  return {
    find,
    noteSpelling: shelf.noteSpelling,
    isMissing: missing.has,
    noteMissing: missing.note,
    async findOrCompute(fill, since = 0, requester) {
      const entry = find(fill.key, since);
      if (entry) return { entry, outcome: "hit" };
      if (since === 0 && missing.has(fill.key)) return { entry: null, outcome: "hit" };
      const current = flights.get(fill.key);
      // A computation that began before the latest changes may lack them, and one that was given up will not run.
      if (current?.generation === feed.generation() && !current.requesters.isClosed())
        return { entry: await join(current, requester), outcome: "miss" };
      const requesters = openRequesters();
      const refused = requesters.add(requester ?? UNKNOWN);
      const flight: Flight = { generation: feed.generation(), requesters, entry: compute(fill, requesters) };
      flights.set(fill.key, flight);
      const land = () => {
        if (flights.get(fill.key) === flight) flights.delete(fill.key);
      };
      flight.entry.then(land, land);
      const shared = requester ? Promise.race([flight.entry, refused]) : flight.entry;
      return { entry: await shared, outcome: "miss" };
    },
    makeEntry: ({ key, scope }, representation) =>
      makeEntry(representation, { key, scope, seq: 0, listGeneration: 0, expiresAtMs: 0 }, false),
    apply: feed.apply,
    tick: feed.tick,
    clear: feed.clear,
    state: () => ({ ...shelf.size(), missing: missing.size() }),
  };
}

type FeedStateOptions = Pick<CacheOptions, "now" | "position"> & {
  shelf: Shelf;
  missing: MissingKeys;
};

/** Applies the change feed to the shelf and the missing keys. */
function openFeedState({ shelf, missing, now, position }: FeedStateOptions) {
  const changeWindow = openChangeWindow();
  let [listGeneration, categoriesGeneration] = [0, 0];
  let generation = 0;
  let clearedIn = 0;
  const dropLists = () => {
    listGeneration += 1;
  };
  // A shoe was added or removed: the categories count it, and its address is no longer missing.
  const dropCategories = () => {
    categoriesGeneration += 1;
    missing.clear();
  };
  const [ofFacts, ofCounters] = [scopesOfShoe("facts"), scopesOfShoe("counters")];
  const throttle = openThrottle(now, {
    lists: dropLists,
    categories: dropCategories,
    item: (shoeId) => shelf.dropShoe(shoeId, ofCounters),
  });

  const clear = () => {
    generation += 1;
    clearedIn = generation;
    shelf.clear();
    dropLists();
    dropCategories();
    throttle.allDropped();
    changeWindow.discardTo(position());
  };

  const applyOne = (change: Change) => {
    const { kind, shoeId } = change;
    changeWindow.add(change);
    if (kind === "facts" && shoeId === null) clear();
    if (kind === "facts" && shoeId !== null) {
      shelf.dropShoe(shoeId, ofFacts);
      missing.drop(shoeId);
    }
    if (kind === "collection") throttle.collectionChanged();
    if (kind === "counters") throttle.countersChanged(shoeId);
  };

  return {
    /** Entries of many shoes are stale when they have an earlier generation; other entries have 0. */
    listGeneration(scope: Scope): number {
      if (scope === "list") return listGeneration;
      return scope === "categories" ? categoriesGeneration : 0;
    },
    /** Counts deliveries of the feed: a computation that began in an earlier generation may lack the latest changes. */
    generation: (): number => generation,
    /** Whether the cache was cleared after this generation. */
    wasCleared: (since: number): boolean => clearedIn > since,
    isStale: changeWindow.isStale,
    apply(changes: Change[]): void {
      generation += 1;
      for (const change of changes) applyOne(change);
      throttle.tick();
    },
    tick: throttle.tick,
    clear,
  };
}

/** Keys whose resource was found missing a moment ago. */
type MissingKeys = {
  has(key: string): boolean;
  note(key: string): void;
  /** A shoe was added: its addresses are no longer missing. */
  drop(shoeId: string): void;
  clear(): void;
  size(): number;
};

function openMissingKeys(isEnabled: boolean, now: () => number): MissingKeys {
  const expiriesMs = new LRUCache<string, number>({ max: MISSING_MAX });
  return {
    has: (key) => (expiriesMs.get(key) ?? 0) > now(),
    note(key) {
      if (isEnabled) expiriesMs.set(key, now() + MISSING_TTL_MS);
    },
    drop(shoeId) {
      for (const key of [...expiriesMs.keys()]) if (key.split("/").includes(shoeId)) expiriesMs.delete(key);
    },
    clear: () => expiriesMs.clear(),
    size: () => expiriesMs.size,
  };
}
