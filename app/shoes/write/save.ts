// The one way to save shoes, for the importer, the demo and the API.
import type { Database, Readable, Statement } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { bulk, labelSql } from "../../../db/sql.ts";
import { openVocabulary, type Vocabulary, wordStatements } from "../../../db/vocabulary.ts";
import { type LabelKind, labelKey } from "../../../db/words.ts";
import { type ShoeDraft, slugOfDraft } from "./draft.ts";

/** What a save does with a draft whose id is taken. */
export type OnConflict = "skip" | "replace" | "fail";
export type ShoeSource = "demo" | "import" | "api";
type SaveOptions = {
  origin: ShoeSource;
  onConflict: OnConflict;
  nowMs: number;
  /** With `replace`: does not change the stored sizes and their stock. */
  keepsStock?: boolean;
  /** With `replace`: also replaces a shoe with the same hash, because its stock may have changed since. */
  isForced?: boolean;
  /** With `replace` of one shoe: its stored draft, which a condition of the write guarantees. */
  before?: ShoeDraft;
};

/** The state that the saves of one process share. */
export type Saving = {
  db: Database;
  vocabulary: Vocabulary;
  /** A unique time in ms, near `nowMs`, that marks the rows of one save. */
  nextStamp(nowMs: number): number;
};

/** Opens the saves of a database. */
export function openSaving(db: Database): Saving {
  let lastStamp = 0;
  return {
    db,
    vocabulary: openVocabulary(),
    nextStamp(nowMs) {
      lastStamp = Math.max(nowMs, lastStamp + 1);
      return lastStamp;
    },
  };
}

/** The statements of a save and the words they add; the statement at index `shoesAt` returns the versions of its rows. */
export type SavePlan = { statements: Statement[]; shoesAt: number; words: string[] };

/** The numbers of new, changed and unchanged shoes. */
export type SaveCounts = { added: number; replaced: number; unchanged: number };

/** Keeps 26 bits of the hash that breaks ties in sorted lists. */
const TIE_SHIFT = 6;

const LABELS = `INSERT INTO facets (kind, key, name)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`;

const labelId = (kind: string, index: number) =>
  `(SELECT id FROM facets WHERE kind = '${kind}' AND key = d.value ->> ${index})`;

// The columns are in the order of `toRow`.
const SHOES = `INSERT INTO shoes (shoe_id, slug, tie, price_cents, list_price_cents, stock, category_id, brand_id, color_id,
  gender_id, size_run_id, title, images, href, size_system, origin, content_hash, created_at, updated_at, description)
SELECT d.value ->> 0, d.value ->> 1, d.value ->> 2, d.value ->> 3, d.value ->> 4, d.value ->> 5,
  ${labelId("category", 6)}, ${labelId("brand", 7)}, ${labelId("color", 8)}, ${labelId("gender", 9)},
  ${labelId("size_run", 10)}, d.value ->> 11, d.value -> 12, d.value ->> 13, d.value ->> 14, ?2, d.value ->> 15, ?3, ?3,
  d.value ->> 16
FROM json_each(?1) AS d WHERE true`;

// The indexes of the columns in a row of `toRow`.
const REPLACED = {
  slug: 1,
  price_cents: 3,
  list_price_cents: 4,
  stock: 5,
  category_id: 6,
  brand_id: 7,
  color_id: 8,
  gender_id: 9,
  size_run_id: 10,
  title: 11,
  images: 12,
  href: 13,
  size_system: 14,
  description: 16,
};
const OF_STOCK = ["stock", "size_run_id"];

const ON_CONFLICT = (
  { onConflict, keepsStock, isForced, before }: SaveOptions,
  drafts: ShoeDraft[],
): string => {
  if (onConflict === "fail") return "";
  if (onConflict === "skip") return "ON CONFLICT (shoe_id) DO NOTHING";
  const [old, now] = [before, drafts[0]].map((draft) => draft && toRow(draft));
  // SQLite rewrites the indexes of every column that the UPDATE names, even if its value stays the same.
  const isNamed = ([column, index]: [string, number]): boolean =>
    !(keepsStock && OF_STOCK.includes(column)) && (!old || !now || !Bun.deepEquals(old[index], now[index]));
  const columns = Object.entries(REPLACED)
    .filter(isNamed)
    .map(([column]) => column);
  const always = ["origin", "content_hash", "updated_at"];
  return `ON CONFLICT (shoe_id) DO UPDATE SET version = version + 1,
  ${[...columns, ...always].map((column) => `${column} = excluded.${column}`).join(", ")}
${isForced ? "" : "WHERE content_hash <> excluded.content_hash"}`;
};

// The rows that this save inserted or changed, by its time stamp. `?1` is a list of ids, or of [id, value] pairs.
const SAVED = "FROM json_each(?1) AS d CROSS JOIN shoes AS s ON s.shoe_id = d.value AND s.updated_at = ?2";
const SAVED_WITH = SAVED.replace("d.value", "d.value ->> 0");

const OLD_SIZES = `DELETE FROM sizes WHERE shoe IN (SELECT s.id ${SAVED} WHERE s.version > 1)`;
const SIZES = `INSERT INTO sizes (shoe, position, size, stock)
SELECT s.id, z.key, z.value ->> 0, z.value ->> 1 ${SAVED_WITH} CROSS JOIN json_each(d.value -> 1) AS z`;
const OLD_SEARCH = `DELETE FROM search WHERE rowid IN (SELECT s.id ${SAVED} WHERE s.version > 1)`;
const SEARCH = `INSERT INTO search (rowid, title, labels, description, tags)
SELECT f.id, f.title, f.labels, f.description, f.tags ${SAVED} CROSS JOIN search_source AS f ON f.id = s.id`;
const GIVEN = `INSERT INTO related (shoe, shoe_id, given, list) SELECT s.id, s.shoe_id, 1, d.value -> 1 ${SAVED_WITH}
WHERE true ON CONFLICT (shoe) DO UPDATE SET given = 1, list = excluded.list`;
const PENDING = `INSERT INTO related_pending (shoe) SELECT s.id ${SAVED} WHERE true ON CONFLICT DO NOTHING`;
const NOT_PENDING = `DELETE FROM related_pending WHERE shoe IN (SELECT s.id ${SAVED_WITH})`;

const FEED = `INSERT INTO changes (shoe_id, kind)
SELECT NULL, k.value FROM json_each('["facts","collection"]') AS k WHERE EXISTS (SELECT 1 ${SAVED})`;

const DRAFT = `SELECT s.version, json_object('shoeId', s.shoe_id, 'title', s.title, 'description', s.description,
  'brand', ${labelSql("s.brand_id")}, 'category', ${labelSql("s.category_id")},
  'color', ${labelSql("s.color_id")}, 'gender', ${labelSql("s.gender_id")},
  'priceCents', s.price_cents, 'listPriceCents', s.list_price_cents, 'images', json(s.images), 'href', s.href,
  'sizeSystem', s.size_system, 'sizes', (SELECT json_group_array(json_object('size', size, 'stock', stock))
    FROM (SELECT size, stock FROM sizes WHERE shoe = s.id ORDER BY position)),
  'related', (SELECT json(list) FROM related WHERE shoe = s.id AND given = 1))
FROM shoes AS s WHERE s.shoe_id = ?`;

/** The stored draft of a shoe with its version; `null` when the shoe does not exist. */
export function findDraft(snapshot: Readable, shoeId: string): { draft: ShoeDraft; version: number } | null {
  const row = snapshot.read.get<[number, string]>(DRAFT, shoeId);
  return row ? { version: row[0], draft: JSON.parse(row[1]) } : null;
}

/** Plans to save checked drafts with distinct ids; a stored draft that is equal is left unchanged. */
export function planSave(saving: Saving, unsorted: ShoeDraft[], options: SaveOptions): SavePlan {
  const drafts = unsorted.map(withSortedSizes);
  const stamp = saving.nextStamp(options.nowMs);
  const json = JSON.stringify(drafts.map(toRow));
  const insert: Statement = {
    sql: `${SHOES} ${ON_CONFLICT(options, drafts)} RETURNING version`,
    args: [json, options.origin, stamp],
  };
  const words = saving.vocabulary.missing(drafts.map(textOf));
  const statements: Statement[] = [
    { sql: LABELS, args: [JSON.stringify(labelsOf(drafts))] },
    insert,
    ...(options.keepsStock ? [] : sizesOf(drafts, stamp)),
    ...afterShoes(drafts, stamp),
    ...wordStatements(words),
  ];
  if (drafts.length === 1) return { statements, shoesAt: 1, words };
  const feed = { sql: FEED, args: [idsOf(drafts), stamp] };
  return { statements: bulk([...statements, feed]), shoesAt: 2, words };
}

/**
 * Saves checked drafts with distinct ids in one transaction; a stored draft that is equal is left unchanged.
 * Throws `DatabaseError` (`unique` when `onConflict` is `fail` and an id is taken); then nothing was saved.
 */
export async function saveShoes(
  saving: Saving,
  drafts: ShoeDraft[],
  options: SaveOptions,
): Promise<SaveCounts> {
  const { statements, shoesAt, words } = planSave(saving, drafts, options);
  const results = await saving.db.write(statements);
  saving.vocabulary.note(words);

  const versions = must(results[shoesAt], "the result of SHOES").rows;
  const added = versions.filter(([version]) => version === 1).length;
  return { added, replaced: versions.length - added, unchanged: drafts.length - versions.length };
}

const textOf = ({ title, brand, category, color, description }: ShoeDraft): string =>
  `${title} ${brand ?? ""} ${category ?? ""} ${color ?? ""} ${description}`;

const idsOf = (drafts: ShoeDraft[]): string => JSON.stringify(drafts.map(({ shoeId }) => shoeId));

/** The statements after the rows and sizes of a save: the search index and related lists. */
function afterShoes(drafts: ShoeDraft[], stamp: number): Statement[] {
  const ids = idsOf(drafts);
  const given = drafts.flatMap(({ shoeId, related }) => (related ? [[shoeId, related]] : []));
  const pending = drafts.flatMap(({ shoeId, related }) => (related ? [] : [shoeId]));
  return [
    { sql: OLD_SEARCH, args: [ids, stamp] },
    { sql: SEARCH, args: [ids, stamp] },
    ...(given.length > 0
      ? [GIVEN, NOT_PENDING].map((sql) => ({ sql, args: [JSON.stringify(given), stamp] }))
      : []),
    ...(pending.length > 0 ? [{ sql: PENDING, args: [JSON.stringify(pending), stamp] }] : []),
  ];
}

function sizesOf(drafts: ShoeDraft[], stamp: number): Statement[] {
  const sizes = drafts.map(({ shoeId, sizes }) => [shoeId, sizes.map(({ size, stock }) => [size, stock])]);
  return [
    { sql: OLD_SIZES, args: [idsOf(drafts), stamp] },
    { sql: SIZES, args: [JSON.stringify(sizes), stamp] },
  ];
}

/** Counts the shoes that `saveShoes` would add, replace and leave; writes nothing. */
export function previewShoes(db: Database, drafts: ShoeDraft[], onConflict: OnConflict): SaveCounts {
  const known = new Map(
    db.read.all<[string, string]>(
      "SELECT shoe_id, content_hash FROM shoes WHERE shoe_id IN (SELECT value FROM json_each(?))",
      idsOf(drafts),
    ),
  );
  const counts: SaveCounts = { added: 0, replaced: 0, unchanged: 0 };
  for (const draft of drafts) {
    const hash = known.get(draft.shoeId);
    if (hash === undefined) counts.added += 1;
    else if (onConflict === "replace" && hash !== hashOf(withSortedSizes(draft))) counts.replaced += 1;
    else counts.unchanged += 1;
  }
  return counts;
}

/** The values of the columns of `SHOES`. */
function toRow(draft: ShoeDraft) {
  const label = (kind: LabelKind, name: string | null) => (name === null ? null : labelKey(kind, name));
  return [
    draft.shoeId,
    slugOfDraft(draft),
    Bun.hash.crc32(draft.shoeId) >>> TIE_SHIFT,
    draft.priceCents,
    draft.listPriceCents,
    draft.sizes.reduce((sum, { stock }) => sum + stock, 0),
    label("category", draft.category),
    label("brand", draft.brand),
    label("color", draft.color),
    label("gender", draft.gender),
    sizeRun(draft),
    draft.title,
    draft.images,
    draft.href,
    draft.sizeSystem,
    hashOf(draft),
    draft.description,
  ];
}

/** The key of a shoe's size run; `null` without sizes. */
function sizeRun({ sizes }: ShoeDraft): string | null {
  const keys = sizes.flatMap(({ size }) => (size === "" ? [] : [labelKey("size", size)]));
  return keys.length === 0 ? null : JSON.stringify(keys);
}

/** The hash of a draft, which a save compares with the stored one. */
const hashOf = (draft: ShoeDraft): string => Bun.hash.xxHash64(JSON.stringify(draft)).toString(36);

/** The draft with sorted sizes; most drafts have them sorted already. */
function withSortedSizes(draft: ShoeDraft): ShoeDraft {
  const { sizes } = draft;
  const isSorted = sizes.every(
    (size, index) => index === 0 || bySize(must(sizes[index - 1], "the size before"), size) <= 0,
  );
  return isSorted ? draft : { ...draft, sizes: sizes.toSorted(bySize) };
}

/** Compares sizes: numbers by value, before words. */
function bySize(a: { size: string }, b: { size: string }): number {
  const [x, y] = [Number.parseFloat(a.size), Number.parseFloat(b.size)];
  if (Number.isNaN(x) || Number.isNaN(y))
    return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || compare(a.size, b.size);
  return x - y || compare(a.size, b.size);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Kind, key and name of every label that the drafts have. */
function labelsOf(drafts: ShoeDraft[]): [string, string, string][] {
  const labels = new Map<string, [string, string, string]>();
  const add = (kind: LabelKind, name: string | null) => {
    if (name === null || name === "") return;
    const key = labelKey(kind, name);
    if (!labels.has(`${kind} ${key}`)) labels.set(`${kind} ${key}`, [kind, key, name]);
  };
  for (const draft of drafts) {
    for (const kind of ["category", "brand", "color", "gender"] as const) add(kind, draft[kind]);
    for (const { size } of draft.sizes) add("size", size);
    const run = sizeRun(draft);
    if (run !== null) labels.set(run, ["size_run", run, run]);
  }
  return [...labels.values()];
}
