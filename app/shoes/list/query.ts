// The question a list answers: read from the query string, checked, and written in one canonical form.

import { type LabelKind, labelKey, wordsOf } from "../../../db/words.ts";
import { decodeCursor, type Position } from "../../http/cursor.ts";
import { Problem, type ProblemDetail } from "../../http/problems.ts";
import { isShoeId } from "../write/draft.ts";

export const SORTS = ["newest", "relevance", "price_asc", "price_desc", "name", "popular"] as const;
export type Sort = (typeof SORTS)[number];
export const LABEL_KINDS = ["category", "brand", "size", "color", "gender"] as const satisfies LabelKind[];

/** Deepest row a page number reaches; beyond it a cursor goes on. */
export const OFFSET_MAX = 10_000;
const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 20;
const IDS_MAX = 100;
const VALUES_MAX = 50;
const Q_LENGTH_MAX = 200;
const Q_WORDS_MAX = 12;

/** A checked list question. Prices in minor units, labels as folded keys, words as the index has them. */
export type ListQuery = {
  page: number;
  limit: number;
  position: Position | null;
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
  const errors: ProblemDetail[] = [];
  const refuse = (parameter: string, detail: string) => void errors.push({ parameter, detail });
  const read = reader(params, refuse);

  const words = readWords(read.one("q"), "q", refuse) ?? readWords(read.one("search"), "search", refuse);
  const sort = read.choice("sort", SORTS) ?? (words ? "relevance" : "newest");
  if (sort === "relevance" && !words) refuse("sort", "relevance needs q");
  const ids = readIds(read.one("ids"), refuse);
  const query: ListQuery = {
    page: read.whole("page", 1, 1_000_000_000) ?? 1,
    limit: read.whole("limit", 1, LIMIT_MAX) ?? (ids ? IDS_MAX : LIMIT_DEFAULT),
    position: null,
    labels: readLabels(params, refuse),
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
  const cursor = read.one("cursor");
  if (cursor !== null) {
    query.position = decodeCursor(cursor, sort);
    if (!query.position) refuse("cursor", "must be a nextCursor of the same list");
    if (params.has("page")) refuse("cursor", "must not be given together with page");
  }
  checkTogether(query, refuse);
  if (errors.length > 0) {
    const [first] = errors;
    const name = first && "parameter" in first ? first.parameter : "";
    throw new Problem("invalid-request", `${name} ${first?.detail}`, errors);
  }
  return query;
}

type Refuse = (parameter: string, detail: string) => void;

function checkTogether(query: ListQuery, refuse: Refuse): void {
  const { page, limit, minPriceCents, maxPriceCents, ids } = query;
  if (page * limit > OFFSET_MAX)
    refuse("page", `page * limit must be at most ${OFFSET_MAX}; go on with cursor`);
  if (minPriceCents !== null && maxPriceCents !== null && minPriceCents > maxPriceCents)
    refuse("maxPrice", "must not be below minPrice");
  const filtered = isFiltered(query) || query.words !== null || query.facets || query.position !== null;
  if (ids && filtered) refuse("ids", "must not be given together with filters, q, facets or cursor");
}

/** Whether anything narrows the list besides words. */
export const isFiltered = (query: ListQuery): boolean =>
  Object.keys(query.labels).length > 0 ||
  query.minPriceCents !== null ||
  query.maxPriceCents !== null ||
  query.onSale ||
  query.inStock;

function reader(params: URLSearchParams, refuse: Refuse) {
  const one = (name: string): string | null => {
    const values = params.getAll(name);
    if (values.length > 1) refuse(name, "must be given once");
    return values[0] ?? null;
  };
  const matching = (name: string, pattern: RegExp, rule: string): string | null => {
    const text = one(name);
    if (text === null || pattern.test(text)) return text;
    refuse(name, rule);
    return null;
  };
  return {
    one,
    whole(name: string, min: number, max: number): number | null {
      const rule = `must be a whole number from ${min}${max === LIMIT_MAX ? ` to ${max}` : ""}`;
      const text = matching(name, /^\d{1,20}$/, rule);
      if (text === null) return null;
      const value = Number(text);
      if (value >= min && value <= max) return value;
      refuse(name, rule);
      return null;
    },
    cents(name: string): number | null {
      const text = matching(
        name,
        /^\d{1,7}(\.\d{1,2})?$/,
        "must be an amount from 0 to 9999999.99 with at most two decimals",
      );
      return text === null ? null : Math.round(Number(text) * 100);
    },
    flag: (name: string): boolean =>
      /^(true|1)$/.test(matching(name, /^(true|false|1|0)$/, "must be true or false") ?? ""),
    choice<T extends string>(name: string, choices: readonly T[]): T | null {
      const text = one(name);
      const choice = choices.find((known) => known === text);
      if (text !== null && choice === undefined) refuse(name, `must be one of ${choices.join(", ")}`);
      return choice ?? null;
    },
  };
}

function readWords(q: string | null, name: "q" | "search", refuse: Refuse): string[] | null {
  if (q === null || q.trim() === "") return null;
  if (q.length > Q_LENGTH_MAX) refuse(name, `must have at most ${Q_LENGTH_MAX} characters`);
  const words = wordsOf(q.slice(0, Q_LENGTH_MAX));
  if (words.length > Q_WORDS_MAX) refuse(name, `must have at most ${Q_WORDS_MAX} words`);
  return words;
}

function readIds(text: string | null, refuse: Refuse): string[] | null {
  if (text === null) return null;
  const ids = [...new Set(text.split(",").filter((id) => id !== ""))];
  if (ids.length === 0 || ids.length > IDS_MAX)
    refuse("ids", `must be 1 to ${IDS_MAX} ids, separated by commas`);
  if (!ids.every(isShoeId)) refuse("ids", "must be ids of shoes");
  return ids;
}

function readLabels(params: URLSearchParams, refuse: Refuse): ListQuery["labels"] {
  const labels: ListQuery["labels"] = {};
  for (const kind of LABEL_KINDS) {
    const given = params.getAll(kind).filter((name) => name.trim() !== "");
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
