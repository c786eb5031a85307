// The shapes of the catalogue's writes and of likes, as the OpenAPI document tells them.
import { type TSchema, Type } from "@sinclair/typebox";
import { describeAnswers, type Operation, problem, query } from "../../http/openapi-parts.ts";
import { LIMITS } from "./draft.ts";

const ref = (name: string) => Type.Unsafe<unknown>({ $ref: `#/components/schemas/${name}` });
const success = Type.Literal(true);
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

/** The named schemas of what is sent and of what only writes answer. */
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
  Like: Type.Object({
    shoeId: id,
    userId: Type.String(),
    likes: Type.Integer({ minimum: 0 }),
    created: Type.Boolean({ description: "false: it was liked before" }),
  }),
  GuestLikes: Type.Object({ shoeIds: Type.Array(id, { maxItems: 200 }) }),
  NamedLike: Type.Object({ id, userid: Type.String({ minLength: 1, maxLength: 64 }) }),
};

const itemOf = (name: string, more: Record<string, TSchema> = {}) =>
  Type.Object({ success, data: ref(name), ...more });
const UNKNOWN = {
  unknownRelated: Type.Optional(
    Type.Array(Type.String(), { description: "related ids that do not exist yet; they are kept" }),
  ),
};
const listOf = (name: string) =>
  Type.Object({ success, data: Type.Array(ref(name)), pagination: ref("Pagination") });

const inPath = (name: string, description: string) => ({
  name,
  in: "path" as const,
  required: true,
  description,
  schema: Type.String(),
});
const inHeader = (name: string, description: string) => ({
  name,
  in: "header" as const,
  required: false,
  description,
  schema: Type.String(),
});
const ID = inPath("id", "id or slug");
const USER = inPath("id", "a user's id, or me");
const KEY = inHeader(
  "Idempotency-Key",
  "1 to 255 characters: a repetition within 24 hours gets the first answer",
);
const IF_MATCH = inHeader(
  "If-Match",
  "an entity tag from any answer about the shoe; only its version counts",
);

type Told = {
  parameters?: object[];
  body?: string;
  /** The answer's status and schema; without a schema it has no body. */
  answer: [number, TSchema?];
  errors: number[];
};

function operation(
  name: string,
  summary: string,
  { parameters = [], body, answer, errors }: Told,
): Operation {
  const [status, schema] = answer;
  const { 500: failed, 503: busy } = describeAnswers(Type.Object({}), []) as Record<number, unknown>;
  const content = schema ? { content: { "application/json": { schema } } } : {};
  const requestBody = {
    required: true,
    content: { "application/json": { schema: body ? ref(body) : undefined } },
  };
  return {
    detail: {
      operationId: name,
      summary,
      tags: ["Catalogue"],
      parameters,
      security: [{ bearer: [] }],
      ...(body ? { requestBody } : {}),
      responses: {
        [status]: { description: status === 204 ? "Done" : status === 201 ? "Created" : "OK", ...content },
        ...Object.fromEntries([401, 403, ...errors].map((code) => [code, problem(code)])),
        500: failed,
        503: busy,
        504: problem(504),
      },
    },
  };
}

const BODY = [400, 413, 415];
const POSTED = [...BODY, 409, 422];

/** What each route tells the OpenAPI document. */
export const WRITE_DOCS = {
  addShoe: operation("addShoe", "Add a shoe", {
    parameters: [KEY],
    body: "NewShoe",
    answer: [201, itemOf("Shoe", UNKNOWN)],
    errors: POSTED,
  }),
  replaceShoe: operation("replaceShoe", "Replace a shoe's facts", {
    parameters: [ID, IF_MATCH],
    body: "ShoeReplacement",
    answer: [204],
    errors: [...BODY, 404, 409, 412],
  }),
  updateShoe: operation("updateShoe", "The same as replaceShoe, at its older address", {
    parameters: [ID, IF_MATCH],
    body: "ShoeReplacement",
    answer: [204],
    errors: [...BODY, 404, 409, 412],
  }),
  removeShoe: operation("removeShoe", "Remove a shoe, its sizes and likes", {
    parameters: [ID, IF_MATCH],
    answer: [204],
    errors: [400, 404, 412],
  }),
  setStock: operation("setStock", "Set the stock of sizes", {
    parameters: [ID, IF_MATCH],
    body: "Stock",
    answer: [200, itemOf("Shoe")],
    errors: [...BODY, 404, 409, 412],
  }),
  addStock: operation("addStock", "Add to the stock of a size, or take from it", {
    parameters: [ID, IF_MATCH, KEY],
    body: "StockDelta",
    answer: [200, itemOf("Shoe")],
    errors: [...POSTED, 404, 412],
  }),
  addProduct: operation("addProduct", "Add a product", {
    parameters: [KEY],
    body: "NewProduct",
    answer: [201, itemOf("Product", UNKNOWN)],
    errors: POSTED,
  }),
  changeProduct: operation("changeProduct", "Change some fields of a product", {
    parameters: [ID, IF_MATCH],
    body: "ProductChange",
    answer: [200, itemOf("Product")],
    errors: [...BODY, 404, 409, 412],
  }),
  removeProduct: operation("removeProduct", "Remove a product", {
    parameters: [ID, IF_MATCH],
    answer: [204],
    errors: [400, 404, 412],
  }),
  addCategory: operation("addCategory", "Add a category", {
    parameters: [KEY],
    body: "NewCategory",
    answer: [201, itemOf("Category")],
    errors: POSTED,
  }),
  like: operation("likeShoe", "Like a shoe; again is no change", {
    parameters: [ID, inPath("userid", "a user's id, or me"), KEY],
    answer: [201, itemOf("Like")],
    errors: [400, 404, 409, 422],
  }),
  unlike: operation("unlikeShoe", "Like a shoe no more", {
    parameters: [ID, inPath("userid", "a user's id, or me")],
    answer: [204],
    errors: [400, 404],
  }),
  listLikes: operation("listLikes", "The shoes that a user likes, newest like first", {
    parameters: [
      USER,
      query(
        "page",
        Type.Integer({ minimum: 1, default: 1 }),
        "page * limit is at most 10000; go on with cursor",
      ),
      query("limit", Type.Integer({ minimum: 1, maximum: 100, default: 20 }), "shoes per page"),
      query("cursor", Type.String(), "nextCursor of the page before"),
      query("ids", Type.Boolean(), "only the ids, up to 1000 at once where no limit is given"),
    ],
    answer: [200, listOf("Shoe")],
    errors: [400, 404],
  }),
  mergeLikes: operation("mergeLikes", "Like many shoes, as at sign-in those of a guest", {
    parameters: [USER, KEY],
    body: "GuestLikes",
    answer: [200, listOf("Shoe")],
    errors: [...POSTED, 404],
  }),
  likeNamed: operation("likeNamed", "Like a shoe, both ids in the body", {
    body: "NamedLike",
    answer: [201, itemOf("Like")],
    errors: [...BODY, 404],
  }),
} satisfies Record<string, Operation>;
