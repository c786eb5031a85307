// What the shop and its peers are asked, where each of them has it, and their answers in one shape.
import { demoId, relatedPath, widePath } from "../load/urls.ts";

/** What is asked for. */
export const KINDS = ["item", "list", "related"] as const;
/** One of them. */
export type Kind = (typeof KINDS)[number];
/** Shoes on a page of a list. */
export const PAGE_LENGTH = 20;

/** A question; shoes by their number, pages from 1, a category or all. */
export type Question =
  | { kind: "item"; shoe: number }
  | { kind: "related"; shoe: number }
  | { kind: "list"; category: string | null; page: number };

/** How one server is asked: the path of a question, and its answer in the one shape. Throws when it is no such answer. */
export type Dialect = {
  pathOf(question: Question): string;
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
/** Texts that may be unknown. */
const LABELS = ["brand", "category", "color", "gender", "sizeSystem"];
const TIMES = ["createdAt", "updatedAt"];

/** A finished list page: the shoes whole, and the four numbers of its place. */
const pageOf = (data: unknown, page: unknown, limit: unknown, total: unknown, pages: unknown): Fields => ({
  data,
  page,
  limit,
  total,
  pages,
});

/**
 * The shop's own paths and answers; Express and Fastify speak them too. All of a shoe counts. Left out are `success` and
 * `nextCursor`: an envelope and a bookmark that only the shop can read.
 */
export const shopDialect: Dialect = {
  pathOf(question) {
    if (question.kind === "related") return relatedPath(question.shoe);
    if (question.kind === "item") return `/api/shoes/${demoId(question.shoe)}`;
    const { category, page } = question;
    const within = category === null ? "" : `category=${encodeURIComponent(category)}&`;
    return widePath(`${within}page=${page}&limit=${PAGE_LENGTH}`);
  },
  shapeOf(kind, body) {
    if (kind === "related") return body;
    const { success, data, pagination } = body as { success: unknown; data: unknown; pagination?: Fields };
    if (success !== true) throw new Error(`not an answer: ${JSON.stringify(body)}`);
    if (kind === "item") return data;
    return pageOf(data, pagination?.page, pagination?.limit, pagination?.total, pagination?.pages);
  },
};

const RECORDS = "/api/collections/shoes/records";
const RELATED_FIELDS = [...BRIEF_FIELDS, ...BRIEF_FIELDS.map((field) => `expand.related.${field}`)].join(",");

/**
 * PocketBase's record API. Its numbers and texts know no null, so 0 and "" stand for it, and its times have a blank where
 * ours have a T. Left out are its collection's names and, in an item, the bare ids of related shoes.
 */
export const pocketbaseDialect: Dialect = {
  pathOf(question) {
    if (question.kind === "item") return `${RECORDS}/${demoId(question.shoe)}`;
    if (question.kind === "related")
      return `${RECORDS}/${demoId(question.shoe)}?expand=related&fields=${RELATED_FIELDS}`;
    const { category, page } = question;
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

/** Says in one sentence how an answer differs from the shop's; `null`: it is equal. */
export function difference(name: string, path: string, expected: unknown, got: unknown): string | null {
  if (Bun.deepEquals(expected, got, true)) return null;
  return `${name} answers ${path} differently:\n${JSON.stringify(got)}\ninstead of\n${JSON.stringify(expected)}`;
}
