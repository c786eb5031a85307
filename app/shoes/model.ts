// The shapes of the catalogue's answers, as the OpenAPI document tells them.
import { type TSchema, Type } from "@sinclair/typebox";
import { describeAnswers, type Operation, query } from "../http/openapi-parts.ts";
import { SORTS } from "./list/query.ts";

const amount = (description: string) => Type.Number({ minimum: 0, description });
const orNull = (schema: TSchema) => Type.Unsafe<unknown>({ ...schema, nullable: true });
const ref = (name: string) => Type.Unsafe<unknown>({ $ref: `#/components/schemas/${name}` });

const Size = Type.Object({ size: Type.String(), stock: Type.Integer({ minimum: 0 }) });
const time = Type.String({ format: "date-time" });
const url = Type.String({ description: "an http(s) URL, or a path on this site" });
const label = orNull(Type.String());

const Shoe = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64 }),
  slug: Type.String(),
  title: Type.String(),
  description: Type.String(),
  brand: label,
  category: label,
  color: label,
  gender: label,
  price: amount("in major units, at most two decimals"),
  priceCents: Type.Integer({ minimum: 1, description: "the price in minor units" }),
  listPrice: orNull(amount("the price before the sale")),
  currency: Type.String({ minLength: 3, maxLength: 3 }),
  images: url,
  gallery: Type.Array(url, { minItems: 1 }),
  href: url,
  stock: Type.Integer({ minimum: 0, description: "the sum over all sizes" }),
  sizeSystem: label,
  sizes: Type.Array(Size),
  likes: Type.Integer({ minimum: 0 }),
  createdAt: time,
  updatedAt: time,
});

const Product = Type.Object({
  id: Type.String(),
  name: Type.String(),
  slug: Type.String(),
  description: Type.String(),
  price: amount("in major units, at most two decimals"),
  currency: Type.String(),
  category: label,
  brand: label,
  stock: Type.Integer({ minimum: 0 }),
  sizes: Type.Array(Size),
  images: Type.Array(url),
  likes: Type.Integer({ minimum: 0 }),
  createdAt: time,
  updatedAt: time,
});

const Brief = Type.Object({
  id: Type.String(),
  title: Type.String(),
  images: url,
  price: amount("in major units"),
  href: url,
});

const FacetValue = Type.Object({ value: Type.String(), count: Type.Integer({ minimum: 0 }) });
const values = Type.Array(FacetValue);

/** The named schemas of the catalogue. */
export const SCHEMAS: Record<string, TSchema> = {
  Shoe,
  Product,
  RelatedShoe: Brief,
  ShoeWithRelated: Type.Object({ ...Brief.properties, relatedProducts: Type.Array(ref("RelatedShoe")) }),
  Category: Type.Object({
    name: Type.String(),
    slug: Type.String(),
    description: Type.String(),
    count: Type.Integer({ minimum: 0 }),
  }),
  Pagination: Type.Object({
    page: orNull(Type.Integer({ minimum: 1, description: "null when a cursor was given" })),
    limit: Type.Integer({ minimum: 0 }),
    total: Type.Integer({ minimum: 0, description: "exact to 10000" }),
    pages: Type.Integer({ minimum: 0 }),
    totalIsLowerBound: Type.Optional(Type.Literal(true)),
    nextCursor: orNull(Type.String()),
  }),
  Facets: Type.Object({
    category: values,
    brand: values,
    size: values,
    color: values,
    gender: values,
    price: Type.Object({ min: orNull(Type.Number()), max: orNull(Type.Number()) }),
    approximate: Type.Optional(Type.Literal(true)),
  }),
};

const success = Type.Literal(true);
const itemOf = (name: string) => Type.Object({ success, data: ref(name) });
const listOf = (name: string, more: Record<string, TSchema> = {}) =>
  Type.Object({ success, data: Type.Array(ref(name)), pagination: ref("Pagination"), ...more });
const shoeListOf = (name: string) =>
  listOf(name, { corrected: Type.Optional(Type.String()), facets: Type.Optional(ref("Facets")) });

const repeated = (name: string) =>
  query(name, Type.Array(Type.String()), `repeat for "or"; case does not matter`);
const LIST_PARAMETERS = [
  query("page", Type.Integer({ minimum: 1, default: 1 }), "page * limit is at most 10000; go on with cursor"),
  query("limit", Type.Integer({ minimum: 1, maximum: 100, default: 20 }), "shoes per page"),
  query("cursor", Type.String(), "nextCursor of the page before"),
  ...["category", "brand", "size", "color", "gender"].map(repeated),
  query("minPrice", Type.Number({ minimum: 0 }), "inclusive, in major units"),
  query("maxPrice", Type.Number({ minimum: 0 }), "inclusive, in major units"),
  query("onSale", Type.Boolean(), "only shoes below their list price"),
  query("inStock", Type.Boolean(), "only shoes in stock; with size: in that size"),
  query("ids", Type.String(), "up to 100 ids separated by commas, answered in that order"),
  query("q", Type.String({ maxLength: 200 }), "full text; the last word also as a beginning"),
  query("search", Type.String({ maxLength: 200 }), "another name of q"),
  query("sort", Type.Unsafe<string>({ type: "string", enum: [...SORTS] }), "newest, or relevance with q"),
  query("facets", Type.Boolean(), "count what each filter would leave"),
];
const ID = [
  { name: "id", in: "path" as const, required: true, description: "id or slug", schema: Type.String() },
];

const operation = (
  id: string,
  summary: string,
  schema: TSchema,
  parameters: object[],
  errors: number[],
): Operation => ({
  detail: {
    operationId: id,
    summary,
    tags: ["Catalogue"],
    parameters,
    responses: describeAnswers(schema, errors),
  },
});

/** What each route tells the OpenAPI document. */
export const DOCS = {
  listShoes: operation(
    "listShoes",
    "List, filter and search shoes",
    shoeListOf("Shoe"),
    LIST_PARAMETERS,
    [400],
  ),
  getShoe: operation("getShoe", "One shoe", itemOf("Shoe"), ID, [404]),
  getRelatedShoes: operation(
    "getRelatedShoes",
    "A shoe and its related shoes",
    ref("ShoeWithRelated"),
    ID,
    [404],
  ),
  listProducts: operation(
    "listProducts",
    "The same shoes as products",
    shoeListOf("Product"),
    LIST_PARAMETERS,
    [400],
  ),
  getProduct: operation("getProduct", "One product", itemOf("Product"), ID, [404]),
  getRelatedProducts: operation(
    "getRelatedProducts",
    "A product and its related shoes",
    ref("ShoeWithRelated"),
    ID,
    [404],
  ),
  listCategories: operation("listCategories", "All categories with their counts", listOf("Category"), [], []),
  getPicture: {
    detail: {
      operationId: "getPicture",
      summary: "The drawn picture of a shoe",
      tags: ["Catalogue"],
      parameters: [
        { name: "file", in: "path" as const, required: true, description: "<id>.svg", schema: Type.String() },
      ],
      responses: describeAnswers(Type.String(), [404], "image/svg+xml"),
      servers: [{ url: "/" }],
    },
  },
} satisfies Record<string, Operation>;
