// Small parts of which the rooms' OpenAPI descriptions are made.
import { type TSchema, Type } from "@sinclair/typebox";
import { PROBLEMS } from "./problems.ts";

/** What a route tells the document; passed to Elysia as the route's hook. */
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

/** A query parameter. */
export const query = (name: string, schema: TSchema, description: string) => ({
  name,
  in: "query" as const,
  required: false,
  description,
  schema,
});

/** One of the problems that an operation may answer with. */
export const problem = (status: number) => ({
  description: Object.values(PROBLEMS).find(([code]) => code === status)?.[1] ?? "Problem",
  content: { "application/problem+json": { schema: Type.Unsafe({ $ref: "#/components/schemas/Problem" }) } },
});

/** Any request can be broken before a route is asked: an address that is no UTF-8, a Host that is no host. */
const ALWAYS = [400, 500, 503];

/** The answers of an operation: 200, 304 and the problems it may answer with, besides those that any may. */
export const describeAnswers = (schema: TSchema, errors: number[], contentType = "application/json") => ({
  200: { description: "OK", content: { [contentType]: { schema } } },
  304: { description: "Not modified: the client's entity tag is still right" },
  ...Object.fromEntries([...errors, ...ALWAYS].map((status) => [status, problem(status)])),
});
