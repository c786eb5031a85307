// An entry of the memory cache: one finished response, its bytes plain and compressed, entity tags and headers ready to send.
import type { ChangeKind } from "../../db/feed.ts";
import { hashOf, seedOf } from "../http/entity-tag.ts";
import { publicHeaders } from "../http/headers.ts";

/** What a response shows: one shoe, a shoe with related ones, a shoe's picture, many shoes, or the categories. */
export type Scope = "item" | "related" | "picture" | "list" | "categories";

/** The kinds of changes that invalidate a response. Likes and stock (`counters`) are shown by single shoes and lists only. */
export const INVALIDATED_BY: Record<Scope, readonly ChangeKind[]> = {
  item: ["facts", "counters"],
  related: ["facts"],
  picture: ["facts"],
  list: ["collection", "counters"],
  categories: ["collection"],
};

/** The scopes of responses that a change of one of their shoes invalidates, by its kind. */
export const scopesOfShoe = (kind: ChangeKind): Scope[] =>
  (["item", "related", "picture"] as const).filter((scope) => INVALIDATED_BY[scope].includes(kind));

/** Whether a response shows whatever shoes the catalogue has: its list generation is then checked, not its shoes. */
export const isOfMany = (scope: Scope): boolean => scope === "list" || scope === "categories";

/** The result of a computation: the body and the headers that depend on it. */
export type Representation = {
  body: string;
  contentType: string;
  cacheControl: string;
  /** The first part of the entity tag: row version and view. A hash of the headers and the body follows. */
  etagPrefix: string;
  link?: string;
  /** Every shoe whose change invalidates the response; called only when the entry is stored. */
  shoeIds(): string[];
};

/** A shoe's id as the cache keeps it: 32 bits. Colliding ids are invalidated together, which is harmless. */
export const idHashOf = (shoeId: string): number => Bun.hash.crc32(shoeId) | 0;

/** One content encoding of a response. */
type Variant = { body: Uint8Array<ArrayBuffer>; etag: string; headers: Headers };

export type Entry = {
  key: string;
  scope: Scope;
  /** Hashes of the ids of every shoe whose change invalidates the entry. */
  idHashes: Int32Array;
  /** The newest change that the change feed had delivered before the computation began. */
  seq: number;
  /** Counts the invalidations of all responses of its scope, where that shows many shoes. */
  listGeneration: number;
  expiresAtMs: number;
  plain: Variant;
  /** Compressed at the first request that accepts gzip; `null`: compression saves too little. */
  gzip: Variant | null | undefined;
};

/** Smaller bodies gain nothing from compression. */
const GZIP_BYTES_MIN = 860;
const GZIP_LEVEL = 6;
/** A compressed copy with a larger share of the plain one saves too little, and would exceed the bytes counted for it. */
const GZIP_SHARE_MAX = 0.6;
/** Measured: memory of an entry beside its bodies, of each id hash, and of a buffer in proportion to its length. */
const ENTRY_BYTES = 1_400;
const ID_HASH_BYTES = 50;
const BUFFER_FACTOR = 1.35;
/** Counted for the compressed copy, whether it exists yet or not: a share of the plain body, and its headers. */
const GZIP_FACTOR = 0.45;
const GZIP_BYTES = 600;

const NO_ID_HASHES = new Int32Array();
const SCRATCH_BYTES = 64 * 1024;

/** The headers that responses of one kind have in common, and the seed that they give to entity tags. */
type Template = { headers: Headers; seed: bigint };

type EntryFacts = Pick<Entry, "key" | "scope" | "seq" | "listGeneration" | "expiresAtMs">;

/** Makes an entry of a computed representation. One that will not be stored gets no id hashes. */
type EntryMaker = (representation: Representation, facts: EntryFacts, isStored: boolean) => Entry;

/** Opens a maker of entries whose responses all carry `settingsHeaders` too. */
export function openEntryMaker(settingsHeaders: Readonly<Record<string, string>> = {}): EntryMaker {
  const encode = openEncoder();
  const templates = new Map<string, Template>();

  // Copying a template costs a sixth of setting each header.
  const templateOf = (representation: Representation): Template => {
    const key = `${representation.contentType}\n${representation.cacheControl}`;
    const known = templates.get(key);
    if (known !== undefined) return known;
    const common = publicHeaders(settingsHeaders, representation);
    // Most responses are hits; a miss corrects its own copy.
    const headers = new Headers({ ...common, "cache-status": "insole; hit" });
    const template = { headers, seed: seedOf(common) };
    templates.set(key, template);
    return template;
  };

  return (representation, facts, isStored) => {
    const body = encode(representation.body);
    const { link } = representation;
    const template = templateOf(representation);
    const seed = link === undefined ? template.seed : Bun.hash.xxHash64(link, template.seed);
    const tag = `${representation.etagPrefix}.${hashOf(body, seed)}`;
    const headers = new Headers(template.headers);
    headers.set("etag", `"${tag}.i"`);
    if (link !== undefined) headers.set("link", link);
    return {
      ...facts,
      idHashes: isStored ? Int32Array.from(new Set(representation.shoeIds().map(idHashOf))) : NO_ID_HASHES,
      plain: { body, etag: `"${tag}.i"`, headers },
      gzip: body.length < GZIP_BYTES_MIN ? null : undefined,
    };
  };
}

/** The entity tag of the compressed variant; tags end in `.i"` (identity) or `.g"` (gzip). */
export const gzipEtagOf = (plainEtag: string): string => `${plainEtag.slice(0, -2)}g"`;

/** The compressed variant, made at its first use; the plain one where compression saves too little. */
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

/** Bytes that an entry takes in memory, its compressed copy and bookkeeping included. */
export function bytesOf({ plain, gzip, idHashes }: Entry): number {
  const compressed = gzip === null ? 0 : plain.body.length * GZIP_FACTOR * BUFFER_FACTOR + GZIP_BYTES;
  return (
    Math.ceil(plain.body.length * BUFFER_FACTOR + compressed) + ENTRY_BYTES + idHashes.length * ID_HASH_BYTES
  );
}

// Encodes into one reused buffer: what `TextEncoder.encode` allocates is more than twice as large, and soon garbage.
function openEncoder(): (text: string) => Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  let scratch = new Uint8Array(SCRATCH_BYTES);
  return (text) => {
    const bytesMax = text.length * 3;
    if (scratch.length < bytesMax) scratch = new Uint8Array(bytesMax);
    return scratch.slice(0, encoder.encodeInto(text, scratch).written);
  };
}
