// The queries of the shop and its peers: the path of each server, and its responses in one common shape.
import { demoId, relatedPath, widePath } from "../load/urls.ts";

/** The kinds of queries. */
export const KINDS = ["item", "list", "related"] as const;
export type Kind = (typeof KINDS)[number];
/** Shoes on a list page. */
export const PAGE_LENGTH = 20;

/** A query: a shoe by its number, or a list page, from 1, of a category or of all shoes (`null`). */
export type Query =
  | { kind: "item"; shoe: number }
  | { kind: "related"; shoe: number }
  | { kind: "list"; category: string | null; page: number };

/** The API of one server: the path of a query, and a response in the common shape. Throws on an unexpected response. */
export type Dialect = {
  pathOf(query: Query): string;
  shapeOf(kind: Kind, body: unknown): unknown;
};

type Fields = Record<string, unknown>;

const SHOE_FIELDS = [
  "id",
  "slug",
  "title",
  "description",
  "brand",
  "category",
  "color",
  "gender",
  "price",
  "priceCents",
  "listPrice",
  "currency",
  "images",
  "gallery",
  "href",
  "stock",
  "sizeSystem",
  "sizes",
  "likes",
  "createdAt",
  "updatedAt",
];
const BRIEF_FIELDS = ["id", "title", "images", "price", "href"];
/** Texts that may be null. */
const LABELS = ["brand", "category", "color", "gender", "sizeSystem"];
const TIMES = ["createdAt", "updatedAt"];

/** A list page: complete shoes, and the four numbers of its pagination. */
const pageOf = (data: unknown, page: unknown, limit: unknown, total: unknown, pages: unknown): Fields => ({
  data,
  page,
  limit,
  total,
  pages,
});

/**
 * The API of the shop, which Express and Fastify have too. Every field of a shoe counts. Left out are `success`, an
 * envelope, and `nextCursor`, which only the shop can read.
 */
export const shopDialect: Dialect = {
  pathOf(query) {
    if (query.kind === "related") return relatedPath(query.shoe);
    if (query.kind === "item") return `/api/shoes/${demoId(query.shoe)}`;
    const { category, page } = query;
    const within = category === null ? "" : `category=${encodeURIComponent(category)}&`;
    return widePath(`${within}page=${page}&limit=${PAGE_LENGTH}`);
  },
  shapeOf(kind, body) {
    if (kind === "related") return body;
    const { success, data, pagination } = body as { success: unknown; data: unknown; pagination?: Fields };
    if (success !== true) throw new Error(`unexpected response: ${JSON.stringify(body)}`);
    if (kind === "item") return data;
    return pageOf(data, pagination?.page, pagination?.limit, pagination?.total, pagination?.pages);
  },
};

const RECORDS = "/api/collections/shoes/records";
const RELATED_FIELDS = [...BRIEF_FIELDS, ...BRIEF_FIELDS.map((field) => `expand.related.${field}`)].join(",");

/**
 * The record API of PocketBase. It stores 0 and "" for null, and writes times with a blank instead of a T. Left out are
 * the names of its collection and, in an item, the bare ids of related shoes.
 */
export const pocketbaseDialect: Dialect = {
  pathOf(query) {
    if (query.kind === "item") return `${RECORDS}/${demoId(query.shoe)}`;
    if (query.kind === "related")
      return `${RECORDS}/${demoId(query.shoe)}?expand=related&fields=${RELATED_FIELDS}`;
    const { category, page } = query;
    const filter = category === null ? "" : `&filter=${encodeURIComponent(`category='${category}'`)}`;
    return `${RECORDS}?page=${page}&perPage=${PAGE_LENGTH}&sort=-@rowid${filter}`;
  },
  shapeOf(kind, body) {
    const record = body as Fields;
    if (kind === "item") return shoeOf(record);
    if (kind === "related") {
      const { related } = record.expand as { related: Fields[] };
      return {
        ...pick(record, BRIEF_FIELDS),
        relatedProducts: related.map((each) => pick(each, BRIEF_FIELDS)),
      };
    }
    const { items, page, perPage, totalItems, totalPages } = record;
    return pageOf((items as Fields[]).map(shoeOf), page, perPage, totalItems, totalPages);
  },
};

function shoeOf(record: Fields): Fields {
  const shoe = pick(record, SHOE_FIELDS);
  for (const label of LABELS) if (shoe[label] === "") shoe[label] = null;
  if (shoe.listPrice === 0) shoe.listPrice = null;
  for (const time of TIMES) shoe[time] = String(shoe[time]).replace(" ", "T");
  return shoe;
}

const pick = (record: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(names.map((name) => [name, record[name]]));

/** The difference between a response and the shop's in one sentence; `null` when they are equal. */
export function difference(name: string, path: string, expected: unknown, got: unknown): string | null {
  if (Bun.deepEquals(expected, got, true)) return null;
  return `${name} responds to ${path} differently:\n${JSON.stringify(got)}\ninstead of\n${JSON.stringify(expected)}`;
}
