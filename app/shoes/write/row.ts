// The row of a shoe: its values, and the statements that add it or change the columns that differ.
import type { Statement } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { type LabelKind, labelKey } from "../../../db/words.ts";
import { type ShoeDraft, slugOfDraft } from "./draft.ts";

/** What a save does with a draft whose id is taken. */
export type OnConflict = "skip" | "replace" | "fail";
export type ShoeSource = "demo" | "import" | "api";
export type RowOptions = {
  origin: ShoeSource;
  onConflict: OnConflict;
  /** With `replace`: does not change the stored sizes and their stock. */
  keepsStock?: boolean;
  /** With `replace`: also replaces a shoe with the same hash, because its stock may have changed since. */
  isForced?: boolean;
  /** With `replace` of one shoe: its stored draft, which a condition of the write guarantees. */
  before?: ShoeDraft;
};

/** Keeps 26 bits of the hash that breaks ties in sorted lists. */
const TIE_SHIFT = 6;

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
const INSERTED = { shoe_id: 0, ...REPLACED, tie: 2, content_hash: 15 };

/** The value of a column from the JSON of a row. */
function valueSql(row: string, [column, index]: [string, number]): string {
  if (column === "images") return `${row} -> ${index}`;
  const label = /^(category|brand|color|gender|size_run)_id$/.exec(column)?.[1];
  return label
    ? `(SELECT id FROM facets WHERE kind = '${label}' AND key = ${row} ->> ${index})`
    : `${row} ->> ${index}`;
}

/** The statement that saves the rows of drafts with one time stamp; it returns the version of each row that it wrote. */
export function rowStatement(drafts: ShoeDraft[], stamp: number, options: RowOptions): Statement {
  const { before, onConflict, origin } = options;
  const rows = drafts.map(toRow);
  if (before && onConflict === "replace")
    return {
      sql: updateSql(toRow(before), must(rows[0], "the row"), options),
      args: [JSON.stringify(rows[0]), origin, stamp],
    };
  return {
    sql: `${INSERT} ${conflictSql(options)} RETURNING version`,
    args: [JSON.stringify(rows), origin, stamp],
  };
}

const INSERT = `INSERT INTO shoes (${Object.keys(INSERTED).join(", ")}, origin, created_at, updated_at)
SELECT ${Object.entries(INSERTED)
  .map((each) => valueSql("d.value", each))
  .join(", ")}, ?2, ?3, ?3
FROM json_each(?1) AS d WHERE true`;

const isOfStock = (column: string): boolean => column === "stock" || column === "size_run_id";

function conflictSql(options: RowOptions): string {
  if (options.onConflict === "fail") return "";
  if (options.onConflict === "skip") return "ON CONFLICT (shoe_id) DO NOTHING";
  const columns = Object.keys(REPLACED).filter((column) => !options.keepsStock || !isOfStock(column));
  const set = [...columns, "origin", "content_hash", "updated_at"].map(
    (column) => `${column} = excluded.${column}`,
  );
  return `ON CONFLICT (shoe_id) DO UPDATE SET version = version + 1, ${set.join(", ")}
${options.isForced ? "" : "WHERE content_hash <> excluded.content_hash"}`;
}

/** Names the changed columns only, because SQLite rewrites the indexes of every column that is named; an upsert would also write the counter of the ids. */
function updateSql(before: unknown[], row: unknown[], options: RowOptions): string {
  // A sale changes the stock of a row without its version, so that may differ from the draft.
  const changed = Object.entries(REPLACED).filter(([column, index]) =>
    isOfStock(column) ? !options.keepsStock : !Bun.deepEquals(before[index], row[index]),
  );
  const set = changed.map((each) => `${each[0]} = ${valueSql("?1", each)}`);
  const hash = `?1 ->> ${INSERTED.content_hash}`;
  return `UPDATE shoes SET ${["version = version + 1", ...set, "origin = ?2", `content_hash = ${hash}`, "updated_at = ?3"].join(", ")}
WHERE shoe_id = ?1 ->> 0 ${options.isForced ? "" : `AND content_hash <> ${hash}`} RETURNING version`;
}

/** The values of the columns. */
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
export function sizeRun({ sizes }: ShoeDraft): string | null {
  const keys = sizes.flatMap(({ size }) => (size === "" ? [] : [labelKey("size", size)]));
  return keys.length === 0 ? null : JSON.stringify(keys);
}

/** The hash of a draft, which a save compares with the stored one. */
export const hashOf = (draft: ShoeDraft): string => Bun.hash.xxHash64(JSON.stringify(draft)).toString(36);
