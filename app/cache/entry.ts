// A finished answer: its bytes, plain and compressed, its entity tags and headers, ready to be sent as they are.
import { DATA_HEADERS, EXPOSED_HEADERS } from "../http/headers.ts";
import type { Scope } from "./cache.ts";

/** What a computation returns: the body and what its entity tag begins with (row version and view). */
export type Representation = {
  body: string;
  contentType: string;
  cacheControl: string;
  etagPrefix: string;
  link?: string;
  /** Every shoe whose change makes the answer wrong; asked only for an answer that is kept. */
  shoeIds(): string[];
};

/** A shoe's id as the cache keeps it: 32 bits. Two that fall together are dropped together, which harms nobody. */
export const idHashOf = (shoeId: string): number => Bun.hash.crc32(shoeId) | 0;

/** One encoding of an answer. */
export type Variant = { body: Uint8Array<ArrayBuffer>; etag: string; headers: Headers };

export type Entry = {
  key: string;
  scope: Scope;
  /** Marks of every shoe whose change makes the answer wrong. */
  idHashes: Int32Array;
  /** How far the change feed had been read before the answer was computed. */
  seq: number;
  listGeneration: number;
  expiresAtMs: number;
  plain: Variant;
  /** Made at the first request that accepts it; `null`: not worth it. */
  gzip: Variant | null | undefined;
};

/** Smaller bodies gain nothing from compression. */
const GZIP_BYTES_MIN = 860;
const GZIP_LEVEL = 6;
/** Measured: what an entry takes beside its bytes, for each shoe it shows, and how much more than its size a buffer takes. */
const ENTRY_BYTES = 1_400;
const ID_HASH_BYTES = 50;
const BUFFER_FACTOR = 1.35;
const GZIP_FACTOR = 0.45;
const GZIP_BYTES = 600;
/** A compressed copy with a larger share of the plain one saves too little, and would not fit into its weight. */
const GZIP_SHARE_MAX = 0.6;

/** Headers that every public answer carries; a value per line of the contract. */
export const PUBLIC_HEADERS = {
  vary: "Accept-Encoding",
  "access-control-allow-origin": "*",
  "access-control-expose-headers": EXPOSED_HEADERS,
  ...DATA_HEADERS,
} as const;

type EntryFacts = Pick<Entry, "key" | "scope" | "seq" | "listGeneration" | "expiresAtMs"> & {
  /** Headers that the settings add to every answer. */
  headers?: Record<string, string>;
};

const NO_ID_HASHES = new Int32Array();

const NO_MORE = {};
const common = new WeakMap<Record<string, string>, Map<string, Headers>>();

/** What answers of one type and lifetime have in common: copied, which costs a sixth of naming each. */
function commonHeaders(
  { contentType, cacheControl }: Representation,
  more: Record<string, string> = NO_MORE,
): Headers {
  let kept = common.get(more);
  if (kept === undefined) {
    kept = new Map();
    common.set(more, kept);
  }
  const key = `${contentType}\n${cacheControl}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const headers = new Headers({
    ...PUBLIC_HEADERS,
    ...more,
    "content-type": contentType,
    "cache-control": cacheControl,
    // Most answers are hits; the first one, a miss, corrects its own copy.
    "cache-status": "insole; hit",
  });
  kept.set(key, headers);
  return headers;
}

/** Turns a computed answer into bytes and headers, once; one that is not to be kept cannot be found by its shoes. */
export function makeEntry(
  representation: Representation,
  { headers: more, ...facts }: EntryFacts,
  isStored: boolean,
): Entry {
  const body = toBytes(representation.body);
  const tag = `${representation.etagPrefix}.${Bun.hash.xxHash64(body).toString(36)}`;
  const headers = new Headers(commonHeaders(representation, more));
  headers.set("etag", `"${tag}.i"`);
  if (representation.link) headers.set("link", representation.link);
  const plain = { body, etag: `"${tag}.i"`, headers };
  return {
    ...facts,
    idHashes: isStored ? Int32Array.from(new Set(representation.shoeIds().map(idHashOf))) : NO_ID_HASHES,
    plain,
    gzip: body.length < GZIP_BYTES_MIN ? null : undefined,
  };
}

/** The entity tag of the compressed variant; tags end in `.i"` (identity) or `.g"` (gzip). */
export const gzipEtagOf = (plainEtag: string): string => `${plainEtag.slice(0, -2)}g"`;

/** The compressed variant, made on first use and kept; the plain one where it saves too little. */
export function gzipOf(entry: Entry): Variant {
  if (entry.gzip === undefined) {
    const body = new Uint8Array(Bun.gzipSync(entry.plain.body, { level: GZIP_LEVEL, library: "libdeflate" }));
    const etag = gzipEtagOf(entry.plain.etag);
    const headers = new Headers(entry.plain.headers);
    headers.set("etag", etag);
    headers.set("content-encoding", "gzip");
    entry.gzip = body.length > entry.plain.body.length * GZIP_SHARE_MAX ? null : { body, etag, headers };
  }
  return entry.gzip ?? entry.plain;
}

const encoder = new TextEncoder();
let scratch = new Uint8Array(64 * 1024);

// By way of one buffer that is used again: what `encode` allocates is more than twice as large, and soon garbage.
function toBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytesMax = text.length * 3;
  if (scratch.length < bytesMax) scratch = new Uint8Array(bytesMax);
  return scratch.slice(0, encoder.encodeInto(text, scratch).written);
}

/** Bytes an entry takes in memory, its compressed copy and bookkeeping included. */
export function bytesOf({ plain, gzip, idHashes }: Entry): number {
  const compressed = gzip === null ? 0 : plain.body.length * GZIP_FACTOR * BUFFER_FACTOR + GZIP_BYTES;
  return (
    Math.ceil(plain.body.length * BUFFER_FACTOR + compressed) + ENTRY_BYTES + idHashes.length * ID_HASH_BYTES
  );
}
