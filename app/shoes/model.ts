// The OpenAPI description of the catalogue's reads: the shapes of answers, and each route.
import { type TSchema, Type } from "@sinclair/typebox";
import {
  describeAnswers,
  inPath,
  itemOf,
  listOf,
  type Operation,
  operation,
  orNull,
  paging,
  query,
  ref,
} from "../http/openapi-parts.ts";
import { SORTS } from "./list/query.ts";

const amount = (description: string) => Type.Number({ minimum: 0, description });

const Size = Type.Object({ size: Type.String(), stock: Type.Integer({ minimum: 0 }) });
const time = Type.String({ format: "date-time" });
const url = Type.String({ description: "an http(s) URL without a user name, or a path on this site" });
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

const shoeListOf = (name: string) =>
  listOf(name, { corrected: Type.Optional(Type.String()), facets: Type.Optional(ref("Facets")) });

const repeated = (name: string) =>
  query(name, Type.Array(Type.String()), `repeat for "or"; case does not matter`);
const LIST_PARAMETERS = [
  ...paging("shoes"),
  ...["category", "brand", "size", "color", "gender"].map(repeated),
  query("minPrice", Type.Number({ minimum: 0 }), "inclusive, in major units"),
  query("maxPrice", Type.Number({ minimum: 0 }), "inclusive, in major units"),
  query("onSale", Type.Boolean(), "only shoes below their list price"),
  query("inStock", Type.Boolean(), "only shoes in stock; with size: in that size"),
  query("ids", Type.String(), "up to 100 ids separated by commas, answered in that order"),
  query("q", Type.String({ maxLength: 200 }), "full text; the last word may be the beginning of one"),
  query("search", Type.String({ maxLength: 200 }), "another name of q"),
  query("sort", Type.Unsafe<string>({ type: "string", enum: [...SORTS] }), "newest, or relevance with q"),
  query("facets", Type.Boolean(), "count the shoes that each filter value would leave"),
];
const ID = [inPath("id", "id or slug")];
const TAG = "Catalogue";

/** The description of each route. */
export const DOCS = {
  listShoes: operation("listShoes", {
    summary: "List, filter and search shoes",
    tag: TAG,
    parameters: LIST_PARAMETERS,
    answer: [200, shoeListOf("Shoe")],
    access: "cached",
  }),
  getShoe: operation("getShoe", {
    summary: "One shoe",
    tag: TAG,
    parameters: ID,
    answer: [200, itemOf("Shoe")],
    errors: [404],
    access: "cached",
  }),
  getRelatedShoes: operation("getRelatedShoes", {
    summary: "A shoe and its related shoes",
    tag: TAG,
    parameters: ID,
    answer: [200, ref("ShoeWithRelated")],
    errors: [404],
    access: "cached",
  }),
  listProducts: operation("listProducts", {
    summary: "The same shoes as products",
    tag: TAG,
    parameters: LIST_PARAMETERS,
    answer: [200, shoeListOf("Product")],
    access: "cached",
  }),
  getProduct: operation("getProduct", {
    summary: "One product",
    tag: TAG,
    parameters: ID,
    answer: [200, itemOf("Product")],
    errors: [404],
    access: "cached",
  }),
  getRelatedProducts: operation("getRelatedProducts", {
    summary: "A product and its related shoes",
    tag: TAG,
    parameters: ID,
    answer: [200, ref("ShoeWithRelated")],
    errors: [404],
    access: "cached",
  }),
  listCategories: operation("listCategories", {
    summary: "All categories with their counts",
    tag: TAG,
    answer: [200, listOf("Category")],
    access: "cached",
  }),
  getPicture: {
    detail: {
      operationId: "getPicture",
      summary: "The drawn picture of a shoe",
      tags: [TAG],
      parameters: [inPath("file", "<id>.svg")],
      responses: describeAnswers(Type.String(), [404], "image/svg+xml"),
      servers: [{ url: "/" }],
    },
  },
} satisfies Record<string, Operation>;
