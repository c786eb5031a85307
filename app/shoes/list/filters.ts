// Filters of a list in two forms: an expression for the search index, and an SQL condition on rows.
import type { Readable, Statement, Value } from "../../../db/database.ts";
import type { LabelKind } from "../../../db/words.ts";
import { priceTags } from "./price-bands.ts";
import { LABEL_KINDS, type ListQuery } from "./query.ts";

/** Ids of the labels in a query, by kind; the list is empty if the shop has none of them. */
export type LabelIds = Partial<Record<LabelKind, number[]>>;

/** An SQL condition on the row `s`, with its bound values. */
export type SqlCondition = { sql: string; args: Value[] };

const anyTag = (tags: string[]) => `tags : (${tags.map((tag) => `"${tag}"`).join(" OR ")})`;

const LABEL_COLUMN = {
  category: "category_id",
  brand: "brand_id",
  color: "color_id",
  gender: "gender_id",
} as const;

/** Finds the ids of the labels in a query, one short read for each. */
export function findLabels(db: Readable, query: ListQuery): LabelIds {
  const ids: LabelIds = {};
  for (const kind of LABEL_KINDS) {
    const keys = query.labels[kind];
    if (!keys) continue;
    ids[kind] = keys.flatMap(
      (key) => db.read.get<[number]>("SELECT id FROM facets WHERE kind = ? AND key = ?", kind, key) ?? [],
    );
  }
  return ids;
}

/** Whether the shop has none of the labels of some kind, so that nothing can match. */
export const matchesNothing = (ids: LabelIds): boolean =>
  Object.values(ids).some((list) => list.length === 0);

/** The filters as an expression over the index's tags, `null` if there are none; `without` leaves one kind out. */
export function matchFilters(query: ListQuery, ids: LabelIds, without?: string): string | null {
  const parts: string[] = [];
  for (const kind of LABEL_KINDS) {
    const list = ids[kind];
    if (!list || kind === without) continue;
    parts.push(anyTag(list.map((id) => (kind === "size" && query.inStock ? `i${id}` : `t${id}`))));
  }
  const { minPriceCents: min, maxPriceCents: max } = query;
  if (without !== "price" && (min !== null || max !== null)) parts.push(anyTag(priceTags(min ?? 0, max)));
  if (query.onSale) parts.push(anyTag(["onsale"]));
  if (query.inStock && (!ids.size || without === "size")) parts.push(anyTag(["instock"]));
  return parts.length > 0 ? parts.join(" AND ") : null;
}

/** The exact price range as a condition; the index has price bands only. */
export function priceCondition(query: ListQuery): SqlCondition {
  const { minPriceCents: min, maxPriceCents: max } = query;
  const parts: SqlCondition = { sql: "", args: [] };
  if (min !== null) parts.args.push(min);
  if (max !== null) parts.args.push(max);
  parts.sql = [
    min === null ? "" : "s.price_rank >= ? << 26",
    max === null ? "" : "s.price_rank < (? + 1) << 26",
  ]
    .filter((text) => text !== "")
    .join(" AND ");
  return parts;
}

/** All filters as a condition on rows, for walking an index in its order. */
export function rowCondition(query: ListQuery, ids: LabelIds): SqlCondition {
  const conditions: SqlCondition[] = [];
  const placeholders = (list: unknown[]) => list.map(() => "?").join(", ");
  for (const kind of LABEL_KINDS) {
    const list = ids[kind];
    if (!list) continue;
    if (kind !== "size")
      conditions.push({ sql: `s.${LABEL_COLUMN[kind]} IN (${placeholders(list)})`, args: list });
    else {
      const keys = query.labels.size ?? [];
      const stocked = query.inStock ? " AND z.stock > 0" : "";
      const sql = `EXISTS (SELECT 1 FROM sizes AS z WHERE z.shoe = s.id AND lower(z.size) IN (${placeholders(keys)})${stocked})`;
      conditions.push({ sql, args: keys });
    }
  }
  const price = priceCondition(query);
  if (price.sql !== "") conditions.push(price);
  if (query.onSale) conditions.push({ sql: "s.list_price_cents > s.price_cents", args: [] });
  if (query.inStock && !ids.size) conditions.push({ sql: "s.stock > 0", args: [] });
  return {
    sql: conditions.map(({ sql }) => sql).join(" AND ") || "true",
    args: conditions.flatMap(({ args }) => args),
  };
}

/** A subquery of the matching rows, newest first: `id`, and `columns` from the narrow index. */
export function matchingRows(
  match: string,
  price: SqlCondition,
  limit: number,
  offset = 0,
  columns = "",
): Statement {
  const needsRow = price.sql !== "" || columns !== "";
  const sql = needsRow
    ? `SELECT s.id AS id${columns} FROM search AS h CROSS JOIN shoes AS s INDEXED BY shoes_narrow ON s.id = h.rowid
WHERE h.search MATCH ? ${price.sql === "" ? "" : `AND ${price.sql}`} ORDER BY h.rowid DESC LIMIT ? OFFSET ?`
    : "SELECT rowid AS id FROM search WHERE search MATCH ? ORDER BY rowid DESC LIMIT ? OFFSET ?";
  return { sql, args: [match, ...price.args, limit, offset] };
}
