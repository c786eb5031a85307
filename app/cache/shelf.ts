// The entries by key, bounded in bytes: the least recently used is evicted first, and entries are found by the shoes they show.
import { LRUCache } from "lru-cache";
import { must } from "../../db/must.ts";
import { bytesOf, type Entry, idHashOf, type Scope } from "./entry.ts";
import { openSpellings } from "./key.ts";

/** The index from shoes to entries hashes ids into this many buckets: far less memory than a set per shoe. */
const BUCKETS = 8_192;

/** The entries of a cache. */
export type Shelf = {
  /** The entry with this key, or with the key that this is a noted spelling of. */
  get(spelling: string): Entry | undefined;
  noteSpelling(spelling: string, key: string): void;
  delete(key: string): void;
  clear(): void;
  put(entry: Entry): void;
  /** Drops the entries of these scopes that show the shoe. */
  dropShoe(shoeId: string, scopes: readonly Scope[]): void;
  size(): { entries: number; bytes: number };
};

/** Opens an empty shelf of at most `bytesMax`. */
export function openShelf(bytesMax: number): Shelf {
  const shows = Array.from({ length: BUCKETS }, () => new Set<Entry>());
  const bucketOf = (idHash: number) => must(shows[(idHash >>> 0) % BUCKETS], "the bucket");
  const entries = new LRUCache<string, Entry>({
    maxSize: Math.max(1, bytesMax),
    sizeCalculation: bytesOf,
    dispose: (entry) => {
      for (const idHash of entry.idHashes) bucketOf(idHash).delete(entry);
    },
  });
  const spellings = openSpellings();
  return {
    get(spelling) {
      const entry = entries.get(spelling);
      if (entry !== undefined) return entry;
      const key = spellings.keyOf(spelling);
      return key === undefined ? undefined : entries.get(key);
    },
    noteSpelling: spellings.note,
    delete: (key) => void entries.delete(key),
    clear: () => entries.clear(),
    put(entry) {
      entries.set(entry.key, entry);
      // An entry larger than the whole shelf was not stored.
      if (entries.peek(entry.key) !== entry) return;
      for (const idHash of entry.idHashes) bucketOf(idHash).add(entry);
    },
    dropShoe(shoeId, scopes) {
      const idHash = idHashOf(shoeId);
      for (const entry of bucketOf(idHash))
        if (scopes.includes(entry.scope) && entry.idHashes.includes(idHash)) entries.delete(entry.key);
    },
    size: () => ({ entries: entries.size, bytes: entries.calculatedSize }),
  };
}
