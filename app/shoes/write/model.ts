// The shapes of the catalogue's writes, as the OpenAPI document describes them.
import { type TSchema, Type } from "@sinclair/typebox";
import {
  IDEMPOTENCY_KEY,
  inHeader,
  inPath,
  itemOf,
  type Operation,
  operation,
  ref,
} from "../../http/openapi-parts.ts";
import { LIMITS } from "./draft.ts";

const text = (description: string, maxLength: number = LIMITS.labelMax) =>
  Type.Optional(Type.String({ description, maxLength }));
const id = Type.String({ minLength: 1, maxLength: 64 });
const links = Type.Array(Type.String({ maxLength: LIMITS.urlMax }), {
  maxItems: LIMITS.imagesMax,
  description: "http(s) URLs or paths on this site, the cover first; a single one may stand without the list",
});
const price = Type.Number({
  description: "in major units, at most two decimals; also as a text",
  maximum: 1_000_000,
});
const SizeStock = Type.Object({
  size: Type.Optional(
    Type.String({ maxLength: LIMITS.sizeMax, description: "left out: the one unnamed size" }),
  ),
  stock: Type.Integer({ minimum: 0, maximum: LIMITS.stockMax }),
});
const related = Type.Array(id, {
  maxItems: LIMITS.relatedMax,
  description: "ids in order, also of shoes that do not exist yet; left out: computed",
});

const COMMON = {
  description: text("text, never markup", LIMITS.descriptionMax),
  brand: text("the maker"),
  category: text("made when it is not there yet"),
  color: text("one or several"),
  gender: text("for whom it is made"),
  sizeSystem: text("US, EU, UK..."),
  listPrice: Type.Optional(Type.Number({ description: "the price before the sale" })),
  currency: Type.Optional(Type.String({ description: "the shop's own, no other" })),
  stock: Type.Optional(
    Type.Integer({ minimum: 0, description: "of a shoe without sizes; not together with sizes" }),
  ),
  sizes: Type.Optional(Type.Array(SizeStock, { maxItems: LIMITS.sizesMax })),
};
const href = Type.String({ description: "an http(s) URL, or a path on this site", maxLength: LIMITS.urlMax });
const title = Type.String({ minLength: 1, maxLength: LIMITS.titleMax });

const NewShoe = Type.Object({
  shoe_id: Type.Optional(id),
  title,
  price,
  images: Type.Optional(links),
  href: Type.Optional(href),
  related_products: Type.Optional(related),
  ...COMMON,
});
const ShoeReplacement = Type.Object({
  shoe_id: id,
  title,
  images: links,
  price,
  href,
  related_products: related,
  ...COMMON,
});
const NewProduct = Type.Object({
  name: title,
  price,
  images: Type.Optional(links),
  ...COMMON,
});

/** The named schemas of the bodies. */
export const WRITE_SCHEMAS: Record<string, TSchema> = {
  NewShoe,
  ShoeReplacement,
  NewProduct,
  ProductChange: Type.Partial(NewProduct),
  NewCategory: Type.Object({
    name: Type.String({ minLength: 1, maxLength: LIMITS.labelMax }),
    description: text("what belongs to it", LIMITS.descriptionMax),
  }),
  Stock: Type.Object({ sizes: Type.Array(SizeStock, { minItems: 1, maxItems: LIMITS.sizesMax }) }),
  StockDelta: Type.Object({
    size: Type.Optional(Type.String({ maxLength: LIMITS.sizeMax })),
    delta: Type.Integer({ minimum: -LIMITS.stockMax, maximum: LIMITS.stockMax }),
  }),
};

const UNKNOWN = {
  unknownRelated: Type.Optional(
    Type.Array(Type.String(), { description: "related ids that do not exist yet; they are kept" }),
  ),
};
const ID = inPath("id", "id or slug");
const IF_MATCH = inHeader(
  "If-Match",
  "an entity tag from any answer about the shoe; only its version counts",
);
const TAG = "Catalogue";
const POSTED = [409, 422, 504];

/** The document's part on each route. */
export const WRITE_DOCS = {
  addShoe: operation("addShoe", {
    summary: "Add a shoe",
    tag: TAG,
    parameters: [IDEMPOTENCY_KEY],
    body: ref("NewShoe"),
    answer: [201, itemOf("Shoe", UNKNOWN)],
    errors: POSTED,
  }),
  replaceShoe: operation("replaceShoe", {
    summary: "Replace a shoe's facts",
    tag: TAG,
    parameters: [ID, IF_MATCH],
    body: ref("ShoeReplacement"),
    answer: [204],
    errors: [404, 409, 412, 504],
  }),
  updateShoe: operation("updateShoe", {
    summary: "The same as replaceShoe, at its older address",
    tag: TAG,
    parameters: [ID, IF_MATCH],
    body: ref("ShoeReplacement"),
    answer: [204],
    errors: [404, 409, 412, 504],
  }),
  removeShoe: operation("removeShoe", {
    summary: "Remove a shoe, its sizes and likes",
    tag: TAG,
    parameters: [ID, IF_MATCH],
    answer: [204],
    errors: [404, 412, 504],
  }),
  setStock: operation("setStock", {
    summary: "Set the stock of sizes",
    tag: TAG,
    parameters: [ID, IF_MATCH],
    body: ref("Stock"),
    answer: [200, itemOf("Shoe")],
    errors: [404, 409, 412, 504],
  }),
  addStock: operation("addStock", {
    summary: "Add to the stock of a size, or take from it",
    tag: TAG,
    parameters: [ID, IF_MATCH, IDEMPOTENCY_KEY],
    body: ref("StockDelta"),
    answer: [200, itemOf("Shoe")],
    errors: [404, ...POSTED, 412],
  }),
  addProduct: operation("addProduct", {
    summary: "Add a product",
    tag: TAG,
    parameters: [IDEMPOTENCY_KEY],
    body: ref("NewProduct"),
    answer: [201, itemOf("Product", UNKNOWN)],
    errors: POSTED,
  }),
  changeProduct: operation("changeProduct", {
    summary: "Change some fields of a product",
    tag: TAG,
    parameters: [ID, IF_MATCH],
    body: ref("ProductChange"),
    answer: [200, itemOf("Product")],
    errors: [404, 409, 412, 504],
  }),
  removeProduct: operation("removeProduct", {
    summary: "Remove a product",
    tag: TAG,
    parameters: [ID, IF_MATCH],
    answer: [204],
    errors: [404, 412, 504],
  }),
  addCategory: operation("addCategory", {
    summary: "Add a category",
    tag: TAG,
    parameters: [IDEMPOTENCY_KEY],
    body: ref("NewCategory"),
    answer: [201, itemOf("Category")],
    errors: POSTED,
  }),
} satisfies Record<string, Operation>;
