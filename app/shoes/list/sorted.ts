// Pages of filtered shoes in a sort order: by walking the sort's index, or by sorting all matches.
import type { Readable, Row, Statement, Value } from "../../../db/database.ts";
import { offsetOf } from "../../http/paging.ts";
import { type LabelIds, matchingRows, rowCondition, type SqlCondition } from "./filters.ts";
import type { ListQuery } from "./query.ts";
import { afterCursor, orderBy, sortValue } from "./sorts.ts";

/** Rows that a short walk reads; more would cost as much as fetching a thousand matches and sorting them. */
const WALK_MAX = 3_000;
/** Matches are not distributed evenly: where sorting is possible, a walk must be expected to be this much shorter than allowed. */
const WALK_MARGIN = 3;
/** The columns that filters and sorts use. */
const COLUMNS = `s.id, s.category_id, s.brand_id, s.color_id, s.gender_id, s.price_rank, s.price_cents, s.list_price_cents,
  s.stock, s.likes, s.title`;

/** The matches of a query: expression for the search index, price condition, and their least number. */
type Matches = { text: string; price: SqlCondition; total: number; isSortable: boolean };

/** LIMIT and OFFSET of a page, one row more than it shows. */
export const bounds = (query: ListQuery): [number, number] => [query.limit + 1, offsetOf(query)];

/** A page of a sort other than newest. Both ways yield the same rows; at most `sortMax` matches are sorted. */
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

/** Whether a walk reaches the page's last row soon, and earlier than after as many rows as match, if matches are distributed evenly. */
function isWalkShort(query: ListQuery, total: number, all: number, margin: number): boolean {
  const [limit, offset] = bounds(query);
  const needed = ((limit + offset) * all) / total;
  return needed < total && needed * margin <= WALK_MAX;
}

/**
 * The page if it lies within the first rows of the order, else the part of it that does. The outer query sorts nothing:
 * SQLite streams the inner rows in their order, and stops at the page's last one.
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

/** For too many matches to sort: SQLite chooses between an unbounded walk and sorting the rows of a label's index. */
function walkedPage(query: ListQuery, labels: LabelIds): Statement {
  const where = rowCondition(query, labels);
  const after = afterCursor(query);
  return {
    sql: `SELECT s.id, ${sortValue(query.sort)} FROM shoes AS s WHERE ${after.sql} AND ${where.sql}
${orderBy(query.sort)} LIMIT ? OFFSET ?`,
    args: [...after.args, ...where.args, ...bounds(query)],
  };
}

/** For few enough matches to fetch and sort all of them. */
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
