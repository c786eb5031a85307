// The question a list answers: read from the query string, checked, and written in one canonical form.
import { type LabelKind, labelKey, wordsOf } from "../../../db/words.ts";
import { decodeCursor, type Position } from "../../http/cursor.ts";
import { LIMIT_DEFAULT, type Page, readPageOf } from "../../http/paging.ts";
import { type QueryParameters, readParameters } from "../../http/parameters.ts";
import { isShoeId } from "../write/draft.ts";

export const SORTS = ["newest", "relevance", "price_asc", "price_desc", "name", "popular"] as const;
export type Sort = (typeof SORTS)[number];
export const LABEL_KINDS = ["category", "brand", "size", "color", "gender"] as const satisfies LabelKind[];

const IDS_MAX = 100;
const VALUES_MAX = 50;
const Q_LENGTH_MAX = 200;
const Q_WORDS_MAX = 12;

/** A checked list question. Prices in minor units, labels as folded keys, words as the index has them. */
export type ListQuery = Page<Position> & {
  labels: Partial<Record<LabelKind, string[]>>;
  minPriceCents: number | null;
  maxPriceCents: number | null;
  onSale: boolean;
  inStock: boolean;
  ids: string[] | null;
  /** `null`: no search; empty: a search without a single word, which finds nothing. */
  words: string[] | null;
  sort: Sort;
  facets: boolean;
};

/** Reads and checks the parameters; unknown ones are ignored. Throws a `Problem` that names every broken one. */
export function readListQuery(params: URLSearchParams): ListQuery {
  const read = readParameters(params);
  const words = readWords(read, "q") ?? readWords(read, "search");
  const sort = read.choice("sort", SORTS) ?? (words ? "relevance" : "newest");
  if (sort === "relevance" && !words) read.refuse("sort", "relevance needs q");
  const ids = readIds(read);
  const query: ListQuery = {
    ...readPageOf(read, (cursor) => decodeCursor(cursor, sort), ids ? IDS_MAX : LIMIT_DEFAULT),
    labels: readLabels(read),
    // Nothing costs less than nothing: the same question as without it.
    minPriceCents: read.cents("minPrice") || null,
    maxPriceCents: read.cents("maxPrice"),
    onSale: read.flag("onSale"),
    inStock: read.flag("inStock"),
    ids,
    words,
    sort,
    facets: read.flag("facets"),
  };
  checkTogether(query, read);
  read.check();
  return query;
}

function checkTogether(query: ListQuery, { refuse }: QueryParameters): void {
  const { minPriceCents, maxPriceCents, ids } = query;
  if (minPriceCents !== null && maxPriceCents !== null && minPriceCents > maxPriceCents)
    refuse("maxPrice", "must not be below minPrice");
  const filtered = isFiltered(query) || query.words !== null || query.facets || query.position !== null;
  if (ids && filtered) refuse("ids", "must not be given together with filters, q, facets or cursor");
}

/** Whether anything narrows the list besides words. */
const isFiltered = (query: ListQuery): boolean =>
  Object.keys(query.labels).length > 0 ||
  query.minPriceCents !== null ||
  query.maxPriceCents !== null ||
  query.onSale ||
  query.inStock;

function readWords({ one, refuse }: QueryParameters, name: "q" | "search"): string[] | null {
  const q = one(name);
  if (q === null || q.trim() === "") return null;
  if (q.length > Q_LENGTH_MAX) refuse(name, `must have at most ${Q_LENGTH_MAX} characters`);
  const words = wordsOf(q.slice(0, Q_LENGTH_MAX));
  if (words.length > Q_WORDS_MAX) refuse(name, `must have at most ${Q_WORDS_MAX} words`);
  return words;
}

function readIds({ one, refuse }: QueryParameters): string[] | null {
  const text = one("ids");
  if (text === null) return null;
  const ids = [...new Set(text.split(",").filter((id) => id !== ""))];
  if (ids.length === 0 || ids.length > IDS_MAX)
    refuse("ids", `must be 1 to ${IDS_MAX} ids, separated by commas`);
  if (!ids.every(isShoeId)) refuse("ids", "must be ids of shoes");
  return ids;
}

function readLabels({ all, refuse }: QueryParameters): ListQuery["labels"] {
  const labels: ListQuery["labels"] = {};
  for (const kind of LABEL_KINDS) {
    const given = all(kind).filter((name) => name.trim() !== "");
    if (given.length > VALUES_MAX) refuse(kind, `must be given at most ${VALUES_MAX} times`);
    const keys = [...new Set(given.map((name) => labelKey(kind, name)))].sort();
    if (keys.length > 0) labels[kind] = keys;
  }
  return labels;
}

/** The query in one spelling: parameters sorted, defaults left out, values folded. Equal questions have equal texts. */
export function canonicalQuery(query: ListQuery): string {
  const params: [string, string | number][] = [];
  for (const kind of LABEL_KINDS) for (const key of query.labels[kind] ?? []) params.push([kind, key]);
  if (query.minPriceCents !== null) params.push(["minPrice", query.minPriceCents / 100]);
  if (query.maxPriceCents !== null) params.push(["maxPrice", query.maxPriceCents / 100]);
  if (query.onSale) params.push(["onSale", "true"]);
  if (query.inStock) params.push(["inStock", "true"]);
  if (query.facets) params.push(["facets", "true"]);
  if (query.ids) params.push(["ids", query.ids.join(",")]);
  // An empty q is no search at all: a search without words needs another spelling.
  if (query.words) params.push(["q", query.words.join(" ") || "-"]);
  if (query.sort !== (query.words ? "relevance" : "newest")) params.push(["sort", query.sort]);
  if (query.position) params.push(["cursor", query.position.text]);
  if (query.page !== 1) params.push(["page", query.page]);
  if (query.limit !== (query.ids ? IDS_MAX : LIMIT_DEFAULT)) params.push(["limit", query.limit]);
  return params
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .sort()
    .join("&");
}
