// A finished answer: its bytes, plain and compressed, its entity tags and headers, ready to be sent as they are.
import type { Concern } from "./cache.ts";

/** What a computation returns: the body and what its entity tag begins with (row version and view). */
export type Answer = {
  body: string;
  contentType: string;
  cacheControl: string;
  etagPrefix: string;
  link?: string;
  /** Every shoe whose change makes the answer wrong. */
  shoeIds: string[];
};

/** One encoding of an answer. */
export type Variant = { body: Uint8Array<ArrayBuffer>; etag: string; headers: Headers };

export type Entry = {
  key: string;
  concern: Concern;
  shoeIds: string[];
  /** How far the change feed had been read before the answer was computed. */
  seq: number;
  epoch: number;
  expiresAtMs: number;
  plain: Variant;
  /** Made at the first request that accepts it; `null`: not worth it. */
  gzip: Variant | null | undefined;
};

/** Smaller bodies gain nothing from compression. */
const GZIP_BYTES_MIN = 860;
const GZIP_LEVEL = 6;
const ENTRY_BYTES = 1_200;
const SHOE_BYTES = 80;

/** Headers that every public answer carries; a value per line of the contract. */
export const PUBLIC_HEADERS = {
  vary: "Accept-Encoding",
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "ETag, Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Insole-Version, Idempotent-Replayed, Cache-Status",
  "x-content-type-options": "nosniff",
} as const;

type Facts = Pick<Entry, "key" | "concern" | "seq" | "epoch" | "expiresAtMs">;

/** Turns a computed answer into bytes and headers, once. */
export function finish(answer: Answer, facts: Facts): Entry {
  const body = new TextEncoder().encode(answer.body);
  const tag = `${answer.etagPrefix}.${Bun.hash.xxHash64(body).toString(36)}`;
  const headers = new Headers({
    ...PUBLIC_HEADERS,
    "content-type": answer.contentType,
    "cache-control": answer.cacheControl,
    etag: `"${tag}.i"`,
  });
  if (answer.link) headers.set("link", answer.link);
  const plain = { body, etag: `"${tag}.i"`, headers };
  return { ...facts, shoeIds: answer.shoeIds, plain, gzip: body.length < GZIP_BYTES_MIN ? null : undefined };
}

/** The compressed variant, made on first use and kept; the plain one where that is smaller. */
export function gzipOf(entry: Entry): Variant {
  if (entry.gzip === undefined) {
    const body = Bun.gzipSync(entry.plain.body, { level: GZIP_LEVEL, library: "libdeflate" });
    const etag = entry.plain.etag.replace(/\.i"$/, '.g"');
    const headers = new Headers(entry.plain.headers);
    headers.set("etag", etag);
    headers.set("content-encoding", "gzip");
    entry.gzip = { body, etag, headers };
  }
  return entry.gzip ?? entry.plain;
}

/** Bytes an entry takes, its compressed copy and bookkeeping included. */
export const weigh = (entry: Entry): number =>
  Math.ceil(entry.plain.body.length * (entry.gzip === null ? 1 : 1.4)) + ENTRY_BYTES + entry.shoeIds.length * SHOE_BYTES;
