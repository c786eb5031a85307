// The orders of a list: what SQL sorts by, and where a list goes on after its cursor.
import type { Condition } from "./filters.ts";
import type { ListQuery, Sort } from "./query.ts";

const ORDER: Record<Exclude<Sort, "relevance">, { value: string; way: "ASC" | "DESC" }> = {
  newest: { value: "s.id", way: "DESC" },
  price_asc: { value: "s.price_rank", way: "ASC" },
  price_desc: { value: "s.price_rank", way: "DESC" },
  name: { value: "s.title COLLATE NOCASE", way: "ASC" },
  popular: { value: "s.likes", way: "DESC" },
};

const orderOf = (sort: Sort) => ORDER[sort === "relevance" ? "newest" : sort];

/** The ORDER BY clause of a sort; equals go by id. */
export const orderBy = (sort: Sort): string => {
  const { value, way } = orderOf(sort);
  return sort === "newest" || sort === "relevance"
    ? "ORDER BY s.id DESC"
    : `ORDER BY ${value} ${way}, s.id ${way}`;
};

/** The condition that goes on after the cursor's row. */
export function afterCursor({ position, sort }: ListQuery): Condition {
  if (!position) return { sql: "true", args: [] };
  const { value, way } = orderOf(sort);
  const beyond = way === "ASC" ? ">" : "<";
  if (sort === "newest" || sort === "relevance") return { sql: "s.id < ?", args: [position.id] };
  return { sql: `(${value}, s.id) ${beyond} (?, ?)`, args: [position.value, position.id] };
}

/** The column that a cursor of this sort keeps. */
export const sortValue = (sort: Sort) => (orderOf(sort).value === "s.id" ? "0" : orderOf(sort).value);

/**
 * The same as `afterCursor`, as ranges of the sort's index one after the other: the rest of the cursor's own value, then
 * what lies beyond. Compared as a pair, SQLite would walk all rows of that value.
 */
export function afterInIndex(query: ListQuery): Condition[] {
  const { position, sort } = query;
  const { value, way } = orderOf(sort);
  if (!position || value === "s.id") return [afterCursor(query)];
  const beyond = way === "ASC" ? ">" : "<";
  return [
    { sql: `${value} = ? AND s.id ${beyond} ?`, args: [position.value, position.id] },
    { sql: `${value} ${beyond} ?`, args: [position.value] },
  ];
}
