// The shapes of accounts in questions and answers, as the OpenAPI document tells them.
import { type TSchema, Type } from "@sinclair/typebox";
import { describeAnswers, type Operation, problem, query } from "../http/openapi-parts.ts";

const orNull = (schema: TSchema) => Type.Unsafe<unknown>({ ...schema, nullable: true });
const ref = (name: string) => Type.Unsafe<unknown>({ $ref: `#/components/schemas/${name}` });
const time = Type.String({ format: "date-time" });
const role = Type.Unsafe<string>({ type: "string", enum: ["customer", "admin"] });
const password = Type.String({ minLength: 8, maxLength: 128 });
const success = Type.Literal(true);

/** The named schemas of accounts. */
export const SCHEMAS: Record<string, TSchema> = {
  User: Type.Object({
    id: Type.String(),
    email: Type.String(),
    name: Type.String(),
    phone: orNull(Type.String()),
    role,
    createdAt: time,
    updatedAt: time,
    lastLogin: orNull(time),
  }),
  Session: Type.Object({
    success,
    token: Type.String({ description: "the access token: send it as Authorization: Bearer <token>" }),
    refreshToken: Type.Optional(Type.String({ description: "left out where a cookie holds it" })),
    expiresIn: Type.Integer({ description: "seconds that the access token lives" }),
    user: ref("User"),
  }),
  AuditEntry: Type.Object({
    id: Type.String(),
    at: time,
    actor: orNull(Type.String({ description: "a user's id, key:<name>, or null" })),
    actorKind: Type.Unsafe<string>({ type: "string", enum: ["user", "key", "system"] }),
    action: Type.String(),
    subject: Type.String({ description: "the id of what was changed" }),
    detail: Type.Unsafe<unknown>({ type: "object", additionalProperties: true }),
  }),
};

const Registration = Type.Object({
  email: Type.String({ maxLength: 254 }),
  password,
  name: Type.String({ minLength: 1, maxLength: 100 }),
});
const Login = Type.Object({
  email: Type.String(),
  password: Type.String(),
  cookie: Type.Optional(Type.Boolean({ description: "keep the refresh token in an HttpOnly cookie" })),
});
const Refresh = Type.Object({
  refreshToken: Type.Optional(Type.String({ description: "left out where a cookie holds it" })),
});
const Profile = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  phone: Type.Optional(orNull(Type.String({ maxLength: 32 }))),
  password: Type.Optional(password),
  currentPassword: Type.Optional(Type.String({ description: "needed with password" })),
});
const Change = Type.Object({ ...Profile.properties, role: Type.Optional(role) });
const Removal = Type.Object({
  password: Type.Optional(Type.String({ description: "needed to remove one's own account" })),
});

const itemOf = (name: string) => Type.Object({ success, data: ref(name) });
const listOf = (name: string) =>
  Type.Object({ success, data: Type.Array(ref(name)), pagination: ref("Pagination") });

const ID = {
  name: "id",
  in: "path" as const,
  required: true,
  description: "a user's id, or me",
  schema: Type.String(),
};
const PAGES = [
  query("page", Type.Integer({ minimum: 1, default: 1 }), "page * limit is at most 10000; go on with cursor"),
  query("limit", Type.Integer({ minimum: 1, maximum: 100, default: 20 }), "entries per page"),
  query("cursor", Type.String(), "nextCursor of the page before"),
];
const BEARER = [{ bearer: [] }];

type Told = {
  id: string;
  summary: string;
  tag?: string;
  /** The answer's status and schema; without a schema it has no body. */
  answer: [number, TSchema?];
  errors: number[];
  body?: TSchema;
  isBodyOptional?: boolean;
  parameters?: object[];
  isPublic?: boolean;
};

function operation({ id, summary, tag = "Accounts", answer, errors, ...told }: Told): Operation {
  const [status, schema] = answer;
  const { 200: ok, ...others } = describeAnswers(schema ?? Type.Object({}), []);
  const { 304: _notModified, ...failures } = others as Record<string, unknown>;
  const done = schema ? { ...ok, description: status === 201 ? "Created" : "OK" } : { description: "Done" };
  return {
    detail: {
      operationId: id,
      summary,
      tags: [tag],
      parameters: told.parameters ?? [],
      ...(told.isPublic ? {} : { security: BEARER }),
      ...(told.body
        ? {
            requestBody: {
              required: !told.isBodyOptional,
              content: { "application/json": { schema: told.body } },
            },
          }
        : {}),
      responses: {
        [status]: done,
        ...Object.fromEntries(errors.map((code) => [code, problem(code)])),
        ...failures,
      },
    },
  };
}

/** What a body may be refused with. */
const BODY = [400, 413, 415];

/** What each route tells the OpenAPI document. */
export const DOCS = {
  register: operation({
    id: "register",
    summary: "Make an account and sign in",
    answer: [201, ref("Session")],
    errors: [...BODY, 409],
    body: Registration,
    isPublic: true,
  }),
  login: operation({
    id: "login",
    summary: "Sign in",
    answer: [200, ref("Session")],
    errors: [...BODY, 401],
    body: Login,
    isPublic: true,
  }),
  refresh: operation({
    id: "refresh",
    summary: "Trade a refresh token for the next one and a new access token",
    answer: [200, ref("Session")],
    errors: [...BODY, 401, 403],
    body: Refresh,
    isBodyOptional: true,
    isPublic: true,
  }),
  logout: operation({
    id: "logout",
    summary: "End the session",
    answer: [204],
    errors: [...BODY, 403],
    body: Refresh,
    isBodyOptional: true,
    isPublic: true,
  }),
  getProfile: operation({
    id: "getProfile",
    summary: "The caller's own account",
    answer: [200, itemOf("User")],
    errors: [401, 403, 404],
  }),
  changeProfile: operation({
    id: "changeProfile",
    summary: "Change one's own account; a new password ends all sessions",
    answer: [200, itemOf("User")],
    errors: [...BODY, 401, 403, 404],
    body: Profile,
  }),
  listUsers: operation({
    id: "listUsers",
    summary: "All accounts, newest first",
    answer: [200, listOf("User")],
    errors: [400, 401, 403],
    parameters: PAGES,
  }),
  getUser: operation({
    id: "getUser",
    summary: "One account",
    answer: [200, itemOf("User")],
    errors: [401, 403, 404],
    parameters: [ID],
  }),
  changeUser: operation({
    id: "changeUser",
    summary: "Change an account; a new password or another role ends all its sessions",
    answer: [200, itemOf("User")],
    errors: [...BODY, 401, 403, 404, 409],
    body: Change,
    parameters: [ID],
  }),
  removeUser: operation({
    id: "removeUser",
    summary: "Remove an account",
    answer: [204],
    errors: [...BODY, 401, 403, 404, 409],
    body: Removal,
    isBodyOptional: true,
    parameters: [ID],
  }),
  listAudit: operation({
    id: "listAudit",
    summary: "Who changed what and when, newest first",
    tag: "Operations",
    answer: [200, listOf("AuditEntry")],
    errors: [400, 401, 403],
    parameters: PAGES,
  }),
} satisfies Record<string, Operation>;
