// Cache keys: the canonical address of a response, to which its other spellings are mapped.
import { LRUCache } from "lru-cache";
import { PREFIXES } from "../http/routing.ts";

/** Noted spellings: a shop's own pages use few, and made-up ones evict each other. */
const SPELLINGS_MAX = 2_000;
/** Longer spellings are parsed at each request. */
const LENGTH_MAX = 300;
const API = `${PREFIXES[0]}/`;
const V1 = `${PREFIXES[1]}/`;

/**
 * The part of a URL after `/api/` or `/v1/`, else its path and query; where the address is canonical, this is the key of
 * its entry.
 */
export function keyOfUrl(url: string): string {
  const path = url.indexOf("/", 8);
  if (url.startsWith(API, path)) return url.slice(path + API.length);
  return url.slice(url.startsWith(V1, path) ? path + V1.length : path);
}

/** Opens a bounded map from spellings to keys. The meaning of an address never changes, so entries only age out. */
export function openSpellings() {
  const keys = new LRUCache<string, string>({ max: SPELLINGS_MAX });
  return {
    /** The key that was noted for this spelling. */
    keyOf: (spelling: string): string | undefined => keys.get(spelling),
    note(spelling: string, key: string): void {
      if (spelling !== key && spelling.length <= LENGTH_MAX) keys.set(spelling, key);
    },
  };
}
