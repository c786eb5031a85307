// The catalogue's writes: the request bodies that are not a shoe, and the OpenAPI description of each route.
import { Type } from "@sinclair/typebox";
import { NON_BLANK, PROSE, text, whole } from "../../http/field-kinds.ts";
import { body, withDefault } from "../../http/fields.ts";
import {
  IDEMPOTENCY_KEY,
  inHeader,
  inPath,
  itemOf,
  type Operation,
  operation,
  ref,
} from "../../http/openapi-parts.ts";
import {
  LIMITS,
  NewProduct,
  NewShoe,
  ProductChange,
  ShoeReplacement,
  sizeName,
  sizeStocks,
} from "./draft.ts";

export const Stock = body({ sizes: sizeStocks(1) });
export const StockDelta = body({
  size: sizeName,
  delta: whole({ min: -LIMITS.stockMax, max: LIMITS.stockMax }),
});
export const NewCategory = body({
  name: text({ min: 1, max: LIMITS.labelMax, form: NON_BLANK }),
  description: withDefault(
    text({ max: LIMITS.descriptionMax, form: PROSE, description: "text, never markup" }),
    "",
  ),
});

/** The named schemas of the bodies. */
export const WRITE_SCHEMAS = {
  NewShoe: NewShoe.schema,
  ShoeReplacement: ShoeReplacement.schema,
  NewProduct: NewProduct.schema,
  ProductChange: ProductChange.schema,
  NewCategory: NewCategory.schema,
  Stock: Stock.schema,
  StockDelta: StockDelta.schema,
};

const UNKNOWN = {
  unknownRelated: Type.Optional(
    Type.Array(Type.String(), { description: "related ids that do not exist yet; they stay in the list" }),
  ),
};
const ID = inPath("id", "id or slug");
const IF_MATCH = inHeader(
  "If-Match",
  "an entity tag from any answer about the shoe; only its version counts",
);
const IF_NONE_MATCH = inHeader(
  "If-None-Match",
  "refuses the change if the shoe exists (*), or has the version of one of these entity tags",
);
const CONDITIONS = [IF_MATCH, IF_NONE_MATCH];
const TAG = "Catalogue";
const POSTED = [409, 422, 504];

/** The description of each route. */
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
    summary: "Replace a shoe",
    tag: TAG,
    parameters: [ID, ...CONDITIONS],
    body: ref("ShoeReplacement"),
    answer: [204],
    errors: [404, 409, 412, 504],
  }),
  updateShoe: operation("updateShoe", {
    summary: "Replace a shoe, at its older address",
    tag: TAG,
    parameters: [ID, ...CONDITIONS],
    body: ref("ShoeReplacement"),
    answer: [204],
    errors: [404, 409, 412, 504],
  }),
  removeShoe: operation("removeShoe", {
    summary: "Remove a shoe with its sizes and likes",
    tag: TAG,
    parameters: [ID, ...CONDITIONS],
    answer: [204],
    errors: [404, 412, 504],
  }),
  setStock: operation("setStock", {
    summary: "Set the stock of sizes",
    tag: TAG,
    parameters: [ID, ...CONDITIONS],
    body: ref("Stock"),
    answer: [200, itemOf("Shoe")],
    errors: [404, 409, 412, 504],
  }),
  addStock: operation("addStock", {
    summary: "Add to the stock of a size; a negative delta takes from it",
    tag: TAG,
    parameters: [ID, ...CONDITIONS, IDEMPOTENCY_KEY],
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
    parameters: [ID, ...CONDITIONS],
    body: ref("ProductChange"),
    answer: [200, itemOf("Product")],
    errors: [404, 409, 412, 504],
  }),
  removeProduct: operation("removeProduct", {
    summary: "Remove a product",
    tag: TAG,
    parameters: [ID, ...CONDITIONS],
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
