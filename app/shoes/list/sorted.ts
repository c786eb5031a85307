// Pages of filtered shoes in the order of a sort: by walking the sort's own index, or by sorting all that match.
import type { Readable, Row, Statement, Value } from "../../../db/database.ts";
import { offsetOf } from "../../http/paging.ts";
import { type LabelIds, matchingRows, rowCondition, type SqlCondition } from "./filters.ts";
import type { ListQuery } from "./query.ts";
import { afterCursor, orderBy, sortValue } from "./sorts.ts";

/** A short walk looks at so many rows; more cost as much as fetching a thousand matches and sorting them. */
const WALK_MAX = 3_000;
/** What matches does not lie evenly, so a walk is expected to need less than it may; where sorting is dear, it is tried. */
const WALK_MARGIN = 3;
/** Everything that filters look at, and sorts. */
const COLUMNS = `s.id, s.category_id, s.brand_id, s.color_id, s.gender_id, s.price_rank, s.price_cents, s.list_price_cents,
  s.stock, s.likes, s.title`;

/** What matches: the text for the search index, a condition on prices, and how many there are at least. */
export type Matches = { text: string; price: SqlCondition; total: number; isSortable: boolean };

/** First row and length of a page, the row behind it included, as LIMIT and OFFSET take them. */
export const bounds = (query: ListQuery): [number, number] => [query.limit + 1, offsetOf(query)];

/** A page of a sort other than the newest: the same rows whichever way they are found; `sortMax` matches may be sorted. */
export async function findSorted(
  db: Readable,
  query: ListQuery,
  labels: LabelIds,
  { text, price, total, isSortable }: Matches,
  sortMax: number,
): Promise<Row[]> {
  const all = db.read.get<[number]>("SELECT shoes FROM facets WHERE id = 1")?.[0] ?? 0;
  if (isWalkShort(query, total, all, isSortable ? WALK_MARGIN : 1)) {
    const rows = await scanRows(db, shortWalk(query, labels));
    if (all <= WALK_MAX || rows.length > query.limit) return rows;
  }
  return scanRows(db, isSortable ? sortedPage(query, text, price, sortMax) : walkedPage(query, labels));
}

const scanRows = async (db: Readable, statement: Statement): Promise<Row[]> =>
  (await db.scan([statement])).flat();

/** Whether the page's last row is met early, and before as many rows as match, if those lie evenly in the order. */
function isWalkShort(query: ListQuery, total: number, all: number, margin: number): boolean {
  const [limit, offset] = bounds(query);
  const needed = ((limit + offset) * all) / total;
  return needed < total && needed * margin <= WALK_MAX;
}

/**
 * The page if it lies within the first rows of the order; what is found of it otherwise. Nothing is sorted outside: SQLite
 * streams the inner rows as they come, and stops at the page's last one.
 */
function shortWalk(query: ListQuery, labels: LabelIds): Statement {
  const where = rowCondition(query, labels);
  const after = afterCursor(query);
  return {
    sql: `SELECT s.id, ${sortValue(query.sort)} FROM (
  SELECT ${COLUMNS} FROM shoes AS s WHERE ${after.sql} ${orderBy(query.sort)} LIMIT ${WALK_MAX}
) AS s WHERE ${where.sql} LIMIT ? OFFSET ?`,
    args: [...after.args, ...where.args, ...bounds(query)],
  };
}

/** Too many to be sorted apart: SQLite chooses between a walk without end and sorting what an index of the label gives. */
function walkedPage(query: ListQuery, labels: LabelIds): Statement {
  const where = rowCondition(query, labels);
  const after = afterCursor(query);
  return {
    sql: `SELECT s.id, ${sortValue(query.sort)} FROM shoes AS s WHERE ${after.sql} AND ${where.sql}
${orderBy(query.sort)} LIMIT ? OFFSET ?`,
    args: [...after.args, ...where.args, ...bounds(query)],
  };
}

/** Few enough to fetch them all and sort. */
function sortedPage(query: ListQuery, text: string, price: SqlCondition, sortMax: number): Statement {
  const all = matchingRows(text, price, sortMax);
  const after = afterCursor(query);
  const args: Value[] = [...(all.args ?? []), ...after.args, ...bounds(query)];
  return {
    sql: `SELECT s.id, ${sortValue(query.sort)} FROM (${all.sql}) AS m CROSS JOIN shoes AS s ON s.id = m.id
WHERE ${after.sql} ${orderBy(query.sort)} LIMIT ? OFFSET ?`,
    args,
  };
}
