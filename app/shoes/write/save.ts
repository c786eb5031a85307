// The one way to save shoes, for the importer, the demo and the API.
import type { Database, Readable, Statement } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { bulk, labelSql } from "../../../db/sql.ts";
import { openVocabulary, type Vocabulary, wordStatements } from "../../../db/vocabulary.ts";
import { type LabelKind, labelKey } from "../../../db/words.ts";
import {
  computedStatement,
  idsOf,
  isFoundAlike,
  isRelatedAlike,
  leavesPending,
  relatedStatements,
  SAVED,
  SAVED_WITH,
  searchStatements,
} from "./derived.ts";
import type { ShoeDraft } from "./draft.ts";
import { hashOf, type OnConflict, type RowOptions, rowStatement, sizeRun } from "./row.ts";

type SaveOptions = RowOptions & {
  nowMs: number;
  /** With `before`: the related list that was computed for the new price; without it, it is computed later if need be. */
  relatedList?: number[] | null;
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

/**
 * The statements of a save and the words they add; the statement at index `shoesAt` returns the versions of its rows.
 * `isPending`: they leave a related list to be computed.
 */
export type SavePlan = { statements: Statement[]; shoesAt: number; words: string[]; isPending: boolean };

/** The numbers of new, changed and unchanged shoes. */
export type SaveCounts = { added: number; replaced: number; unchanged: number };

const LABELS = `INSERT INTO facets (kind, key, name)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`;

const OLD_SIZES = `DELETE FROM sizes WHERE shoe IN (SELECT s.id ${SAVED} WHERE s.version > 1)`;
const SIZES = `INSERT INTO sizes (shoe, position, size, stock)
SELECT s.id, z.key, z.value ->> 0, z.value ->> 1 ${SAVED_WITH} CROSS JOIN json_each(d.value -> 1) AS z`;

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
  const words = saving.vocabulary.missing(drafts.map(textOf));
  const related = relatedPart(drafts, stamp, options);
  const statements: Statement[] = [
    { sql: LABELS, args: [JSON.stringify(labelsOf(drafts))] },
    rowStatement(drafts, stamp, options),
    ...(options.keepsStock ? [] : sizesOf(drafts, stamp)),
    ...searchPart(drafts, stamp, options),
    ...related,
    ...wordStatements(words),
  ];
  const plan = { words, isPending: related.some(leavesPending) };
  if (drafts.length === 1) return { ...plan, statements, shoesAt: 1 };
  const feed = { sql: FEED, args: [idsOf(drafts), stamp] };
  return { ...plan, statements: bulk([...statements, feed]), shoesAt: 2 };
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

  const versions = must(results[shoesAt], "the result of the rows").rows;
  const added = versions.filter(([version]) => version === 1).length;
  return { added, replaced: versions.length - added, unchanged: drafts.length - versions.length };
}

const textOf = ({ title, brand, category, color, description }: ShoeDraft): string =>
  `${title} ${brand ?? ""} ${category ?? ""} ${color ?? ""} ${description}`;

/** The statements that index the saved drafts for the search; none where a changed shoe keeps its entry. */
const searchPart = (drafts: ShoeDraft[], stamp: number, { before, keepsStock }: SaveOptions): Statement[] =>
  before && keepsStock && drafts[0] && isFoundAlike(before, drafts[0]) ? [] : searchStatements(drafts, stamp);

/** The statements that save related lists; none where a changed shoe keeps its list. */
function relatedPart(drafts: ShoeDraft[], stamp: number, { before, relatedList }: SaveOptions): Statement[] {
  const [draft] = drafts;
  if (!before || !draft) return relatedStatements(drafts, stamp);
  if (isRelatedAlike(before, draft)) return [];
  return relatedList
    ? [computedStatement(draft.shoeId, relatedList, stamp)]
    : relatedStatements(drafts, stamp);
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
