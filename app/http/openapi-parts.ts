// Parts of the OpenAPI document that the rooms build their operations from.
import { type TSchema, Type } from "@sinclair/typebox";
import { PROBLEMS } from "./problems.ts";

/** The description of a route in the document; a hook of the route. */
export type Operation = { detail: Record<string, unknown> };

/** The shape of every error (RFC 9457). */
export const ProblemSchema = Type.Object({
  type: Type.String({
    description: `one of ${Object.keys(PROBLEMS)
      .map((type) => `/problems/${type}`)
      .join(", ")}`,
  }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  instance: Type.String(),
  error: Type.String({ description: "the same as detail" }),
  timestamp: Type.String({ format: "date-time" }),
  requestId: Type.String(),
  orderId: Type.Optional(Type.String({ description: "of an order whose payment was declined" })),
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        pointer: Type.Optional(Type.String({ description: "where in the body" })),
        parameter: Type.Optional(Type.String({ description: "which query parameter" })),
        detail: Type.String(),
      }),
    ),
  ),
});

/** A named schema of the document. */
export const ref = (name: string) => Type.Unsafe<unknown>({ $ref: `#/components/schemas/${name}` });

/** A schema that allows null too. */
export const orNull = (schema: TSchema) => Type.Unsafe<unknown>({ ...schema, nullable: true });

const success = Type.Literal(true);

/** The body with one item, and the members `more` beside it. */
export const itemOf = (name: string, more: Record<string, TSchema> = {}) =>
  Type.Object({ success, data: ref(name), ...more });

/** The body with a page of items, and the members `more` beside them. */
export const listOf = (name: string, more: Record<string, TSchema> = {}) =>
  Type.Object({ success, data: Type.Array(ref(name)), pagination: ref("Pagination"), ...more });

const parameter = (
  place: "query" | "path" | "header",
  name: string,
  schema: TSchema,
  description: string,
) => ({ name, in: place, required: place === "path", description, schema });

/** A query parameter. */
export const query = (name: string, schema: TSchema, description: string) =>
  parameter("query", name, schema, description);

/** A part of the path. */
export const inPath = (name: string, description: string) =>
  parameter("path", name, Type.String(), description);

/** A request header. */
export const inHeader = (name: string, description: string) =>
  parameter("header", name, Type.String(), description);

/** The query parameters of a list of `items`. */
export const paging = (items: string) => [
  query("page", Type.Integer({ minimum: 1, default: 1 }), "page * limit is at most 10000; go on with cursor"),
  query("limit", Type.Integer({ minimum: 1, maximum: 100, default: 20 }), `${items} per page`),
  query("cursor", Type.String(), "nextCursor of the previous page"),
];

/** The header that makes a POST run once. */
export const IDEMPOTENCY_KEY = inHeader(
  "Idempotency-Key",
  "1 to 255 characters: a repetition within 24 hours gets the first answer",
);

/** One of the problems that an operation may answer with. */
export const problem = (status: number) => ({
  description: Object.values(PROBLEMS).find(([code]) => code === status)?.[1] ?? "Problem",
  content: { "application/problem+json": { schema: ref("Problem") } },
});

/** The walk may refuse any request before its route: for example an address that is not UTF-8, or a malformed Host. */
const ALWAYS = [400, 500, 503];
const WITH_BODY = [408, 413, 415];
const TOKEN_PROBLEMS = { token: [401, 403], optional: [401], open: [], cached: [] };
/** The second, empty requirement says that a token may be missing. */
const SECURITY = {
  token: { security: [{ bearer: [] }] },
  optional: { security: [{ bearer: [] }, {}] },
  open: {},
  cached: {},
};

const problems = (statuses: number[]) =>
  Object.fromEntries(statuses.map((status) => [status, problem(status)]));

/** The responses of a cached operation: 200, 304, its own problems, and those of any request. */
export const describeAnswers = (schema: TSchema, errors: number[], contentType = "application/json") => ({
  200: { description: "OK", content: { [contentType]: { schema } } },
  304: { description: "Not modified: the client's entity tag is current" },
  ...problems([...errors, ...ALWAYS]),
});

const DESCRIPTIONS: Record<number, string> = { 200: "OK", 201: "Created", 204: "Done" };

type Described = {
  summary: string;
  /** More than the summary can say, as Markdown. */
  description?: string;
  tag: string;
  parameters?: object[];
  body?: object;
  /** The body may be missing. */
  isBodyOptional?: boolean;
  /** Status and schema of the answer; without a schema it has no body. */
  answer: [status: number, schema?: TSchema];
  /** Problems besides those of a body, of a token, and of any request. */
  errors?: number[];
  /** Another status of the same answer, where an earlier request had the effect. */
  again?: number;
  /**
   * `token` (default): requires one; `optional`: reads one; `open`: reads none; `cached`: reads none, and the answer has an
   * entity tag.
   */
  access?: "token" | "optional" | "open" | "cached";
};

/** The description of a route in the document; `id` is its operationId. */
export function operation(id: string, described: Described): Operation {
  const {
    summary,
    description,
    tag,
    parameters = [],
    body,
    isBodyOptional = false,
    again,
    errors = [],
    access = "token",
  } = described;
  const [status, schema] = described.answer;
  const content = schema && { "application/json": { schema } };
  const answered = (code: number) => ({
    [code]: { description: DESCRIPTIONS[code] ?? "OK", ...(content && { content }) },
  });
  return {
    detail: {
      operationId: id,
      summary,
      ...(description && { description }),
      tags: [tag],
      parameters,
      ...SECURITY[access],
      ...(body && {
        requestBody: { required: !isBodyOptional, content: { "application/json": { schema: body } } },
      }),
      responses: {
        ...(access === "cached" && schema && describeAnswers(schema, [])),
        ...answered(status),
        ...(again && answered(again)),
        ...problems([...TOKEN_PROBLEMS[access], ...(body ? WITH_BODY : []), ...errors, ...ALWAYS]),
      },
    },
  };
}
