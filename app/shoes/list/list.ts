// Lists of shoes: a page of rows in order, the total, and the cursor of the next page.
import type { Readable, Row, Statement, Value } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import type { LabelKind } from "../../../db/words.ts";
import { encodeCursor } from "../../http/cursor.ts";
import { COUNT_MAX, OFFSET_MAX, offsetOf, type Total, totalOf } from "../../http/paging.ts";
import type { Shop } from "../../http/shop.ts";
import { shoeJson, type View } from "../views.ts";
import { countFacets, type Facets } from "./facets.ts";
import {
  findLabels,
  type LabelIds,
  matchesNothing,
  matchFilters,
  matchingRows,
  priceCondition,
  type SqlCondition,
} from "./filters.ts";
import type { ListQuery, Sort } from "./query.ts";
import { ALL_COLUMNS, correctWords, matchWords, type SearchColumns } from "./search.ts";
import { bounds, findSorted } from "./sorted.ts";
import { afterInIndex, orderBy, sortValue } from "./sorts.ts";

/** The newest matches of a search that are ranked; older ones follow them, newest first. */
const RANKED_MAX = 2_000;

/** A page of a list: `items` are finished JSON objects, in order. */
export type Listing = Total & {
  items: string[];
  nextCursor: string | null;
  corrected: string | null;
  facets: Facets | null;
};

type FoundPage = Total & { rows: Row[] };

/** The list for a query. Statements that may read many rows run in the read worker; throws `overloaded` when its queue is full. */
export async function listShoes(db: Readable, query: ListQuery, view: View, shop: Shop): Promise<Listing> {
  if (query.ids) return listByIds(db, query, view, shop);
  const labels = findLabels(db, query);
  const nothing = matchesNothing(labels) || query.words?.length === 0;
  const first = nothing ? EMPTY : await findPage(db, query, labels, query.words);
  const corrected =
    first.total === 0 && query.words && !matchesNothing(labels) ? await correctWords(db, query.words) : null;
  const second = corrected ? await findPage(db, query, labels, corrected) : first;
  // A correction without matches is dropped: page, total and facets are then those of the words as given.
  const [page, words] = second.total > 0 && corrected ? [second, corrected] : [first, query.words];
  const facets = query.facets ? await countFacets(db, query, labels, words) : null;

  const shown = page.rows.slice(0, query.limit);
  return {
    items: await readItems(db, shown, view, shop, isNarrow(query)),
    total: page.total,
    totalIsLowerBound: page.totalIsLowerBound,
    nextCursor: page.rows.length > query.limit ? cursorAfter(query, shown) : null,
    corrected: words === corrected ? (corrected?.join(" ") ?? null) : null,
    facets,
  };
}

const EMPTY: FoundPage = { rows: [], total: 0, totalIsLowerBound: false };

/** The kind of the query's only label if nothing else filters, "all" if nothing filters at all, else `null`. */
function onlyLabel({
  labels,
  words,
  minPriceCents,
  maxPriceCents,
  onSale,
  inStock,
}: ListQuery): LabelKind | "all" | null {
  if (words || minPriceCents !== null || maxPriceCents !== null || onSale || inStock) return null;
  const [first, ...others] = Object.entries(labels);
  if (first === undefined) return "all";
  const [kind, keys] = first;
  // Sizes are counted by their runs.
  return others.length > 0 || keys.length !== 1 || kind === "size" ? null : (kind as LabelKind);
}

/** Whether an index yields the page within a bounded number of rows: at most one label with a counter, nothing else. */
function isNarrow(query: ListQuery): boolean {
  const kind = onlyLabel(query);
  const { sort, facets } = query;
  if (kind === null || facets) return false;
  if (kind === "all" || sort === "newest") return true;
  return sort.startsWith("price_") && (kind === "category" || kind === "brand");
}

async function findPage(
  db: Readable,
  query: ListQuery,
  labels: LabelIds,
  words: string[] | null,
): Promise<FoundPage> {
  if (isNarrow(query)) return findNarrow(db, query, labels);
  const filters = matchFilters(query, labels);
  const search = words ? matchWords(db, words) : null;
  const match = (columns: SearchColumns) =>
    [search?.(columns), filters].filter((part) => part !== undefined && part !== null).join(" AND ");
  if (match(ALL_COLUMNS) === "") return findNarrow(db, query, labels);

  const price = priceCondition(query);
  const countAndPage = countedPage(query, match, price);
  if (countAndPage) {
    const [counts, ...rows] = (await db.scan([countAndPage])).flat();
    return { ...countedTotal(counts), rows };
  }
  const [[only] = []] = Object.values(labels);
  const totals: Total =
    onlyLabel(query) === null || only === undefined
      ? await countMatches(db, match(ALL_COLUMNS), price)
      : { total: counterOf(db, only), totalIsLowerBound: false };
  if (totals.total === 0) return { ...totals, rows: [] };
  if (words) return { ...totals, rows: (await db.scan(rankedPage(query, match, price))).flat() };
  if (query.sort === "newest") {
    const rows = (await db.scan([newestPage(query, match(ALL_COLUMNS), price)])).flat();
    return { ...totals, rows };
  }
  const isSortable = !totals.totalIsLowerBound && totals.total <= OFFSET_MAX;
  const matches = { text: match(ALL_COLUMNS), price, total: totals.total, isSortable };
  return { ...totals, rows: await findSorted(db, query, labels, matches, OFFSET_MAX) };
}

async function countMatches(db: Readable, text: string, price: SqlCondition): Promise<Total> {
  const [counts] = (await db.scan([countOf(matchingRows(text, price, COUNT_MAX))])).flat();
  return countedTotal(counts);
}

/** The number of shoes with a label, from its counter. */
const counterOf = (db: Readable, labelId: number): number =>
  db.read.get<[number]>("SELECT shoes FROM facets WHERE id = ?", labelId)?.[0] ?? 0;

const countOf = ({ sql, args = [] }: Statement): Statement => ({
  sql: `SELECT count(*) FROM (${sql})`,
  args,
});

const countedTotal = (counts: Row | undefined): Total => totalOf(Number(must(counts?.[0], "the count")));

/** One statement for total and page, if the page lies within the matches that are counted; else `null`. */
function countedPage(
  query: ListQuery,
  match: (columns: SearchColumns) => string,
  price: SqlCondition,
): Statement | null {
  const { words, sort, limit } = query;
  const offset = query.position?.offset ?? offsetOf(query);
  const isNewest = sort === "newest" && !query.position;
  if (words ? offset + limit >= RANKED_MAX : !isNewest) return null;
  const all = matchingRows(match(ALL_COLUMNS), price, COUNT_MAX);
  const newest = `SELECT id FROM hit ORDER BY id DESC LIMIT ${RANKED_MAX}`;
  const page = words
    ? rankedRows(sort, match, { sql: newest, args: [] }, limit + 1, offset)
    : { sql: "SELECT id, 0 FROM hit ORDER BY id DESC LIMIT ? OFFSET ?", args: [limit + 1, offset] };
  return {
    sql: `WITH hit AS MATERIALIZED (${all.sql}) SELECT count(*), 0 FROM hit UNION ALL SELECT * FROM (${page.sql})`,
    args: [...(all.args ?? []), ...(page.args ?? [])],
  };
}

function findNarrow(db: Readable, query: ListQuery, labels: LabelIds): FoundPage {
  const [kind, ids] = (Object.entries(labels)[0] ?? ["all", [1]]) as [string, number[]];
  const labelId = must(ids[0], "the label");
  const total = counterOf(db, labelId);
  if ((kind === "color" || kind === "gender") && query.sort === "newest") {
    const { sql, args } = newestPage(query, `tags : "t${labelId}"`, { sql: "", args: [] });
    return { rows: db.read.all(sql, ...(args ?? [])), total, totalIsLowerBound: false };
  }
  const groupCondition = kind === "all" ? NO_CONDITION : { sql: `s.${kind}_id = ? AND`, args: [labelId] };
  const [limit, offset] = bounds(query);
  const readRows = (where: { sql: string; args: Value[] }, count: number) =>
    db.read.all(
      `SELECT s.id, ${sortValue(query.sort)} FROM shoes AS s WHERE ${groupCondition.sql} ${where.sql}
${orderBy(query.sort)} LIMIT ? OFFSET ?`,
      ...groupCondition.args,
      ...where.args,
      count,
      offset,
    );
  const rows: Row[] = [];
  for (const where of afterInIndex(query))
    if (rows.length < limit) rows.push(...readRows(where, limit - rows.length));
  return { rows, total, totalIsLowerBound: false };
}

const NO_CONDITION: SqlCondition = { sql: "", args: [] };

function newestPage(query: ListQuery, match: string, price: SqlCondition): Statement {
  const [limit, offset] = bounds(query);
  const { sql, args = [] } = matchingRows(match, price, limit, offset);
  if (!query.position) return { sql, args };
  const [text, ...rest] = args;
  const row = price.sql === "" ? "rowid" : "h.rowid";
  return {
    sql: sql.replace("MATCH ?", `MATCH ? AND ${row} < ?`),
    args: [must(text, "the match expression"), query.position.id, ...rest],
  };
}

/** The page of a search: from the ranked newest matches, then from the older ones. */
function rankedPage(
  query: ListQuery,
  match: (columns: SearchColumns) => string,
  price: SqlCondition,
): Statement[] {
  const offset = query.position?.offset ?? offsetOf(query);
  const end = offset + query.limit + 1;
  const statements: Statement[] = [];
  if (offset < RANKED_MAX)
    statements.push(
      rankedRows(
        query.sort,
        match,
        matchingRows(match(ALL_COLUMNS), price, RANKED_MAX),
        Math.min(end, RANKED_MAX) - offset,
        offset,
      ),
    );
  if (end > RANKED_MAX) {
    const from = Math.max(offset, RANKED_MAX);
    statements.push(matchingRows(match(ALL_COLUMNS), price, end - from, from));
  }
  return statements;
}

/** The newest matches in the order of the sort; relevance is decided by the columns that contain the words. */
function rankedRows(
  sort: Sort,
  match: (columns: SearchColumns) => string,
  newest: Statement,
  limit: number,
  offset: number,
): Statement {
  if (sort !== "relevance") {
    return {
      sql: `SELECT s.id, 0 FROM (${newest.sql}) AS m CROSS JOIN shoes AS s ON s.id = m.id ${orderBy(sort)} LIMIT ? OFFSET ?`,
      args: [...(newest.args ?? []), limit, offset],
    };
  }
  const within = "SELECT rowid FROM search WHERE search MATCH ? AND rowid >= (SELECT min(id) FROM newest)";
  return {
    sql: `WITH newest AS MATERIALIZED (${newest.sql})
SELECT id, 0 FROM newest ORDER BY (id IN (${within})) + (id IN (${within})) DESC, id DESC LIMIT ? OFFSET ?`,
    args: [...(newest.args ?? []), match("{title}"), match("{title labels}"), limit, offset],
  };
}

function cursorAfter(query: ListQuery, shown: Row[]): string {
  const [id, value] = must(shown.at(-1), "the last row");
  const offset = (query.position?.offset ?? offsetOf(query)) + query.limit;
  return query.words
    ? encodeCursor(query.sort, 0, 0, offset)
    : encodeCursor(query.sort, (value as string | number | undefined) ?? 0, Number(id), 0);
}

const ITEMS = (view: View) =>
  `SELECT ${shoeJson(view)} FROM json_each(?3) AS j CROSS JOIN shoes AS s ON s.id = j.value ORDER BY j.key`;

async function readItems(
  db: Readable,
  rows: Row[],
  view: View,
  shop: Shop,
  isLocal: boolean,
): Promise<string[]> {
  if (rows.length === 0) return [];
  const ids = JSON.stringify(rows.map(([id]) => Number(id)));
  const args = [shop.publicUrl, shop.currency, ids];
  const items = isLocal
    ? db.read.all(ITEMS(view), ...args)
    : must((await db.scan([{ sql: ITEMS(view), args }]))[0], "the items");
  return items.map(([json]) => String(json));
}

async function listByIds(db: Readable, query: ListQuery, view: View, shop: Shop): Promise<Listing> {
  const rows = db.read.all(
    "SELECT s.id FROM json_each(?) AS j CROSS JOIN shoes AS s ON s.shoe_id = j.value ORDER BY j.key",
    JSON.stringify(query.ids),
  );
  const from = offsetOf(query);
  const shown = rows.slice(from, from + query.limit);
  const items = await readItems(db, shown, view, shop, true);
  return {
    items,
    total: rows.length,
    totalIsLowerBound: false,
    nextCursor: null,
    corrected: null,
    facets: null,
  };
}
