// The request bodies of likes, and their OpenAPI description.
import { type TSchema, Type } from "@sinclair/typebox";
import { type Form, id, text } from "../http/field-kinds.ts";
import { body, type JsonSchema, list } from "../http/fields.ts";
import {
  IDEMPOTENCY_KEY,
  inPath,
  itemOf,
  listOf,
  type Operation,
  operation,
  paging,
  query,
  ref,
} from "../http/openapi-parts.ts";

const MERGE_MAX = 200;
const USER_ID_MAX = 64;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern refuses them
const NO_CONTROL: Form = { pattern: /^[^\x00-\x1f]*$/, rule: "must not contain control characters" };

/** The id of a user where writes are open; it needs no account. */
export const USER_ID = text({ min: 1, max: USER_ID_MAX, form: NO_CONTROL, takesNumbers: true });

/** The bodies of the routes. */
export const GuestLikes = body({ shoeIds: list(id(), { max: MERGE_MAX, of: "ids", isSet: true }) });
export const NamedLike = body({
  id: text({ takesNumbers: true, description: "id or slug of a shoe" }),
  userid: USER_ID,
});

/** The named schemas of likes. */
export const LIKE_SCHEMAS: Record<string, TSchema | JsonSchema> = {
  Like: Type.Object({
    shoeId: Type.String({ minLength: 1, maxLength: 64 }),
    userId: Type.String(),
    likes: Type.Integer({ minimum: 0 }),
    created: Type.Boolean({ description: "false: the user liked the shoe before" }),
  }),
  GuestLikes: GuestLikes.schema,
  NamedLike: NamedLike.schema,
};

const SHOE = inPath("id", "id or slug");
const USER = "a user's id, or me";
const TAG = "Catalogue";

/** The description of each route. */
export const DOCS = {
  like: operation("likeShoe", {
    summary: "Like a shoe; a repetition changes nothing",
    tag: TAG,
    parameters: [SHOE, inPath("userid", USER), IDEMPOTENCY_KEY],
    answer: [201, itemOf("Like")],
    errors: [404, 409, 422, 504],
  }),
  unlike: operation("unlikeShoe", {
    summary: "Unlike a shoe",
    tag: TAG,
    parameters: [SHOE, inPath("userid", USER)],
    answer: [204],
    errors: [404, 504],
  }),
  listLikes: operation("listLikes", {
    summary: "The shoes that a user likes, newest like first",
    tag: TAG,
    parameters: [
      inPath("id", USER),
      ...paging("shoes"),
      query("ids", Type.Boolean(), "only the ids; without limit up to 1000 per page"),
    ],
    answer: [200, listOf("Shoe")],
    errors: [404, 504],
  }),
  mergeLikes: operation("mergeLikes", {
    summary: "Like many shoes: merges a guest's likes at sign-in",
    tag: TAG,
    parameters: [inPath("id", USER), IDEMPOTENCY_KEY],
    body: ref("GuestLikes"),
    answer: [200, listOf("Shoe")],
    errors: [404, 409, 422, 504],
  }),
  likeNamed: operation("likeNamed", {
    summary: "Like a shoe, with both ids in the body",
    tag: TAG,
    body: ref("NamedLike"),
    answer: [201, itemOf("Like")],
    errors: [404, 504],
  }),
} satisfies Record<string, Operation>;
