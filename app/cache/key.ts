// The key of an answer: its address in the one spelling that all others share.
import { LRUCache } from "lru-cache";

/** Spellings remembered; a shop's own pages use few, and made-up ones push each other out. */
const SPELLINGS_MAX = 2_000;
/** Longer ones are read anew each time. */
const LENGTH_MAX = 300;

/** What stands below `/api/` or `/v1/`, else the path from its first slash: a canonical one is the key of its answer. */
export function keyOfUrl(url: string): string {
  const path = url.indexOf("/", 8);
  if (url.startsWith("/api/", path)) return url.slice(path + 5);
  return url.slice(url.startsWith("/v1/", path) ? path + 4 : path);
}

/** Opens a memory of which spelling means which key; what an address means never changes, so nothing is forgotten but by age. */
export function openSpellings() {
  const keys = new LRUCache<string, string>({ max: SPELLINGS_MAX });
  return {
    /** The key of an address that was read before. */
    keyOf: (spelling: string): string | undefined => keys.get(spelling),
    note(spelling: string, key: string): void {
      if (spelling !== key && spelling.length <= LENGTH_MAX) keys.set(spelling, key);
    },
  };
}
