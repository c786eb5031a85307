// A cache for tests: its clock and its change feed are turned by hand, and what it should hold is told by a fill.

import type { Change, ChangeKind } from "../../db/feed.ts";
import { type Fill, openCache, type Scope } from "../cache/cache.ts";
import type { Answer } from "../cache/entry.ts";

const BEGIN_MS = 1_000_000;
const BEGIN_SEQ = 50;
export const TTL_MS = 60_000;

export type FillOptions = { scope?: Scope; shoeIds?: readonly string[]; ttlMs?: number };

/** Opens a cache with hands: `advance` turns the clock, `change` is news of the feed. */
export function openHandCache(bytesMax = 1_000_000) {
  let nowMs = BEGIN_MS;
  let seq = BEGIN_SEQ;
  const cache = openCache({ bytesMax, now: () => nowMs, position: () => seq });
  return {
    cache,
    now: () => nowMs,
    /** Lets time pass without a poll of the feed. */
    pass(ms: number): void {
      nowMs += ms;
    },
    /** Lets time pass, with the poll at its end that happens many times a second. */
    advance(ms: number): void {
      nowMs += ms;
      cache.tick();
    },
    change(...news: [ChangeKind, string | null][]): void {
      const changes: Change[] = news.map(([kind, shoeId], at) => ({ seq: seq + at + 1, kind, shoeId }));
      seq += news.length;
      cache.apply(changes);
    },
    /** The feed tells of another database, whose feed stands here. */
    lose(newSeq: number): void {
      seq = newSeq;
      cache.clear();
    },
    /** Asks for an answer that is there at once; `null`: there is no such thing. */
    ask: (key: string, body: string | null, options: FillOptions = {}) =>
      cache.answer(fillOf(key, () => body, options)),
    has: (key: string): boolean => cache.find(key) !== undefined,
  };
}

/** A fill whose answer has this body. */
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
      return text === null ? null : answerOf(text, [...shoeIds]);
    },
  };
}

/** An answer of plain text. */
export const answerOf = (body: string, shoeIds: string[] = []): Answer => ({
  body,
  contentType: "text/plain",
  cacheControl: "public",
  etagPrefix: "v1.test",
  shoeIds: () => shoeIds,
});

/** The text of an entry's plain body. */
export const textOf = (entry: { plain: { body: Uint8Array } } | null | undefined): string | null =>
  entry ? new TextDecoder().decode(entry.plain.body) : null;
