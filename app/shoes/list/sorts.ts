// The sort orders of a list: ORDER BY clauses, and conditions that continue after a cursor.
import type { SqlCondition } from "./filters.ts";
import type { ListQuery, Sort } from "./query.ts";

const ORDER: Record<Exclude<Sort, "relevance">, { value: string; direction: "ASC" | "DESC" }> = {
  newest: { value: "s.id", direction: "DESC" },
  price_asc: { value: "s.price_rank", direction: "ASC" },
  price_desc: { value: "s.price_rank", direction: "DESC" },
  name: { value: "s.title COLLATE NOCASE", direction: "ASC" },
  popular: { value: "s.likes", direction: "DESC" },
};

const orderOf = (sort: Sort) => ORDER[sort === "relevance" ? "newest" : sort];

/** The ORDER BY clause of a sort; ties are ordered by id. */
export const orderBy = (sort: Sort): string => {
  const { value, direction } = orderOf(sort);
  return sort === "newest" || sort === "relevance"
    ? "ORDER BY s.id DESC"
    : `ORDER BY ${value} ${direction}, s.id ${direction}`;
};

/** The condition for the rows after the cursor's. */
export function afterCursor({ position, sort }: ListQuery): SqlCondition {
  if (!position) return { sql: "true", args: [] };
  const { value, direction } = orderOf(sort);
  const comparison = direction === "ASC" ? ">" : "<";
  if (sort === "newest" || sort === "relevance") return { sql: "s.id < ?", args: [position.id] };
  return { sql: `(${value}, s.id) ${comparison} (?, ?)`, args: [position.value, position.id] };
}

/** The column whose value a cursor of this sort contains. */
export const sortValue = (sort: Sort) => (orderOf(sort).value === "s.id" ? "0" : orderOf(sort).value);

/**
 * The same as `afterCursor`, as consecutive ranges of the sort's index: the remaining rows with the cursor's value, then
 * those beyond it. For a comparison of pairs SQLite would walk all rows with that value.
 */
export function afterInIndex(query: ListQuery): SqlCondition[] {
  const { position, sort } = query;
  const { value, direction } = orderOf(sort);
  if (!position || value === "s.id") return [afterCursor(query)];
  const comparison = direction === "ASC" ? ">" : "<";
  return [
    { sql: `${value} = ? AND s.id ${comparison} ?`, args: [position.value, position.id] },
    { sql: `${value} ${comparison} ?`, args: [position.value] },
  ];
}
