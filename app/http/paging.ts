// Paging: the `page`, `limit` and `cursor` of a request, and the `pagination` of an answer.
import { decodeNumber, encodeNumber } from "./cursor.ts";
import { type QueryParameters, readParameters } from "./parameters.ts";

/** The last row that a page number can reach; beyond it clients go on with a cursor. Totals are exact up to it. */
export const OFFSET_MAX = 10_000;
/** Rows that a count looks at: one more than the largest exact total. */
export const COUNT_MAX = OFFSET_MAX + 1;
/** Rows of a page when the request has no `limit`. */
export const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;
const PAGE_MAX = 1_000_000_000;

/** Part of a list: the page with this number or, with a `position` from a cursor, the rows after it. */
export type Page<P = number> = { page: number; limit: number; position: P | null };

/** The place of an answer's rows in their list; `page` is null for the rows after a cursor. */
export type Pagination = {
  page: number | null;
  limit: number;
  total: number;
  pages: number;
  totalIsLowerBound?: true;
  nextCursor: string | null;
};

/** How many rows a list has. */
export type Total = { total: number; totalIsLowerBound: boolean };

/** Reads `page`, `limit` and `cursor` beside other parameters; `decode` returns `null` for a cursor of another list. */
export function readPageOf<P>(
  parameters: QueryParameters,
  decode: (cursor: string) => P | null,
  limitDefault = LIMIT_DEFAULT,
): Page<P> {
  const page = parameters.whole("page", PAGE_MAX) ?? 1;
  const limit = parameters.whole("limit", LIMIT_MAX) ?? limitDefault;
  const cursor = parameters.one("cursor");
  const position = cursor === null ? null : decode(cursor);
  if (cursor !== null && position === null)
    parameters.refuse("cursor", "must be a nextCursor of the same list");
  if (cursor !== null && parameters.isGiven("page"))
    parameters.refuse("cursor", "must not be given together with page");
  if (page * limit > OFFSET_MAX)
    parameters.refuse("page", `page * limit must be at most ${OFFSET_MAX}; go on with cursor`);
  return { page, limit, position };
}

/** Reads the part of a list whose cursors hold a number. Throws the `Problem` 400 that names every bad parameter. */
export function readPage(params: URLSearchParams, limitDefault = LIMIT_DEFAULT): Page {
  const parameters = readParameters(params);
  const page = readPageOf(parameters, decodeNumber, limitDefault);
  parameters.check();
  return page;
}

/** The rows to skip for a page; 0 with a cursor, which the query itself goes on from. */
export const offsetOf = ({ page, limit, position }: Page<unknown>): number =>
  position === null ? (page - 1) * limit : 0;

/** The total of a count that stopped at `COUNT_MAX`. */
export const totalOf = (count: number): Total => ({
  total: Math.min(count, OFFSET_MAX),
  totalIsLowerBound: count > OFFSET_MAX,
});

/** The `pagination` of an answer. */
export const paginationOf = (
  { page, limit, position }: Page<unknown>,
  { total, totalIsLowerBound }: Total,
  nextCursor: string | null,
): Pagination => ({
  page: position === null ? page : null,
  limit,
  total,
  pages: Math.ceil(total / limit),
  ...(totalIsLowerBound ? { totalIsLowerBound } : {}),
  nextCursor,
});

/** The `pagination` of a list that is always shown whole. */
export const wholeList = (total: number): Pagination => ({
  page: 1,
  limit: total,
  total,
  pages: 1,
  nextCursor: null,
});

/** The `pagination` of a first page as an SQL expression of other expressions, for answers that a write stores. */
export const firstPageSql = (limit: string, total: string, nextCursor: string): string =>
  `json_object('page', 1, 'limit', ${limit}, 'total', ${total}, 'pages', (${total} + ${limit} - 1) / ${limit},
'nextCursor', ${nextCursor})`;

/** The body of a list of numbered rows, newest first; `rows` has one more than the limit where the list goes on. */
export function pageBody<T>(page: Page, rows: { seq: number; item: T }[], count: number) {
  const listed = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? listed.at(-1) : undefined;
  const nextCursor = last ? encodeNumber(last.seq) : null;
  return {
    success: true as const,
    data: listed.map(({ item }) => item),
    pagination: paginationOf(page, totalOf(count), nextCursor),
  };
}
