// A cache for tests, whose clock and change feed the test controls, and fills with a given body.
import type { Change, ChangeKind } from "../../db/feed.ts";
import { type Fill, openCache } from "../cache/cache.ts";
import type { Representation, Scope } from "../cache/entry.ts";

const BEGIN_MS = 1_000_000;
const BEGIN_SEQ = 50;
export const TTL_MS = 60_000;

type FillOptions = { scope?: Scope; shoeIds?: readonly string[]; ttlMs?: number };

/** Opens the cache: `advance` moves the clock, `change` delivers changes of the feed. */
export function openManualCache(bytesMax = 1_000_000) {
  let nowMs = BEGIN_MS;
  let seq = BEGIN_SEQ;
  const cache = openCache({ bytesMax, now: () => nowMs, position: () => seq });
  return {
    cache,
    now: () => nowMs,
    /** Moves the clock without a poll of the feed. */
    passTime(ms: number): void {
      nowMs += ms;
    },
    /** Moves the clock and polls the feed, which happens many times a second. */
    advance(ms: number): void {
      nowMs += ms;
      cache.tick();
    },
    change(...changeList: [ChangeKind, string | null][]): void {
      const changes: Change[] = changeList.map(([kind, shoeId], index) => ({
        seq: seq + index + 1,
        kind,
        shoeId,
      }));
      seq += changeList.length;
      cache.apply(changes);
    },
    /** The feed belongs to another dataset now, and is at `newSeq`. */
    loseFeed(newSeq: number): void {
      seq = newSeq;
      cache.clear();
    },
    /** Finds or computes an entry with this body; `null`: the resource does not exist. */
    get: (key: string, body: string | null, options: FillOptions = {}) =>
      cache.findOrCompute(fillOf(key, () => body, options)),
    has: (key: string): boolean => cache.find(key) !== undefined,
  };
}

/** A fill that computes this body. */
export function fillOf(
  key: string,
  body: () => string | null | Promise<string | null>,
  options: FillOptions = {},
): Fill {
  const { scope = "item", shoeIds = [], ttlMs = TTL_MS } = options;
  return {
    key,
    scope,
    ttlMs,
    async compute() {
      const text = await body();
      return text === null ? null : representationOf(text, [...shoeIds]);
    },
  };
}

/** A plain text representation. */
const representationOf = (body: string, shoeIds: string[] = []): Representation => ({
  body,
  contentType: "text/plain",
  cacheControl: "public",
  etagPrefix: "v1.test",
  shoeIds: () => shoeIds,
});

/** The text of an entry's plain body. */
export const textOf = (entry: { plain: { body: Uint8Array } } | null | undefined): string | null =>
  entry ? new TextDecoder().decode(entry.plain.body) : null;
