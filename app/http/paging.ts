// Paging: which part of a list a request asks for, and how every list says where its rows lie.
import { decodeNumber, encodeNumber } from "./cursor.ts";
import { type QueryParameters, readParameters } from "./parameters.ts";

/** Deepest row a page number reaches; beyond it a cursor goes on. Totals are exact to it. */
export const OFFSET_MAX = 10_000;
/** Rows are counted so far: one more than what is shown as exact. */
export const COUNT_MAX = OFFSET_MAX + 1;
/** Rows of a page where a request does not say how many. */
export const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;
const PAGE_MAX = 1_000_000_000;

/** Part of a list: the page with this number or, with a `position` from a cursor, the rows behind that. */
export type Page<P = number> = { page: number; limit: number; position: P | null };

/** How the rows of an answer lie in their list; `page` is null for the rows behind a cursor. */
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

/** Reads `page`, `limit` and `cursor` beside other parameters; `decode` gives `null` for what is no cursor of the list. */
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

/** How many rows of the list come before the page; none that are known before a cursor's rows. */
export const offsetOf = ({ page, limit, position }: Page<unknown>): number =>
  position === null ? (page - 1) * limit : 0;

/** The total of rows that were counted to `COUNT_MAX` at most. */
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

/** The `pagination` of a first page as an SQL expression over others, for answers that are stored by their write. */
export const firstPageSql = (limit: string, total: string, nextCursor: string): string =>
  `json_object('page', 1, 'limit', ${limit}, 'total', ${total}, 'pages', (${total} + ${limit} - 1) / ${limit},
'nextCursor', ${nextCursor})`;

/** The body of a list of numbered rows, newest first; `rows` are one more than the limit where it goes on. */
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
