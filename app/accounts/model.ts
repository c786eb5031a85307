// The OpenAPI description of accounts: the shapes of answers, and each route.
import { type TSchema, Type } from "@sinclair/typebox";
import {
  inPath,
  itemOf,
  listOf,
  type Operation,
  operation,
  orNull,
  paging,
  ref,
} from "../http/openapi-parts.ts";
import {
  AccountChange,
  Forgot,
  Login,
  Profile,
  Refresh,
  Registration,
  Removal,
  Reset,
  ROLES,
} from "./fields.ts";

const time = Type.String({ format: "date-time" });
const role = Type.Unsafe<string>({ type: "string", enum: [...ROLES] });

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
    success: Type.Literal(true),
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

const ID = inPath("id", "a user's id, or me");
const TAG = "Accounts";

/** The description of each route. */
export const DOCS = {
  register: operation("register", {
    summary: "Create an account and sign in",
    tag: TAG,
    answer: [201, ref("Session")],
    errors: [409],
    body: Registration.schema,
    access: "open",
  }),
  login: operation("login", {
    summary: "Sign in",
    tag: TAG,
    answer: [200, ref("Session")],
    errors: [401],
    body: Login.schema,
    access: "open",
  }),
  refresh: operation("refresh", {
    summary: "Trade a refresh token for the next one and a new access token",
    tag: TAG,
    answer: [200, ref("Session")],
    errors: [401, 403],
    body: Refresh.schema,
    isBodyOptional: true,
    access: "open",
  }),
  logout: operation("logout", {
    summary: "End the session",
    tag: TAG,
    answer: [204],
    errors: [403],
    body: Refresh.schema,
    isBodyOptional: true,
    access: "open",
  }),
  forgotPassword: operation("forgotPassword", {
    summary: "Request a mail with a link to set a new password",
    description:
      "The answer is the same whether or not an account has the address. An account gets at most three mails with links that work.",
    tag: TAG,
    answer: [204],
    body: Forgot.schema,
    access: "open",
  }),
  resetPassword: operation("resetPassword", {
    summary: "Set a new password by the token of the mail; ends all sessions",
    description: "A token works once, within 30 minutes of its request.",
    tag: TAG,
    answer: [204],
    body: Reset.schema,
    access: "open",
  }),
  getProfile: operation("getProfile", {
    summary: "The caller's own account",
    tag: TAG,
    answer: [200, itemOf("User")],
    errors: [404],
  }),
  changeProfile: operation("changeProfile", {
    summary: "Change one's own account; a new password ends all sessions",
    tag: TAG,
    answer: [200, itemOf("User")],
    errors: [404],
    body: Profile.schema,
  }),
  listUsers: operation("listUsers", {
    summary: "All accounts, newest first",
    tag: TAG,
    answer: [200, listOf("User")],
    parameters: paging("entries"),
  }),
  getUser: operation("getUser", {
    summary: "One account",
    tag: TAG,
    answer: [200, itemOf("User")],
    errors: [404],
    parameters: [ID],
  }),
  changeUser: operation("changeUser", {
    summary: "Change an account; a new password or another role ends all its sessions",
    tag: TAG,
    answer: [200, itemOf("User")],
    errors: [404, 409],
    body: AccountChange.schema,
    parameters: [ID],
  }),
  removeUser: operation("removeUser", {
    summary: "Remove an account",
    tag: TAG,
    answer: [204],
    errors: [404, 409],
    body: Removal.schema,
    isBodyOptional: true,
    parameters: [ID],
  }),
  listAudit: operation("listAudit", {
    summary: "Who changed what and when, newest first",
    tag: "Operations",
    answer: [200, listOf("AuditEntry")],
    parameters: paging("entries"),
  }),
} satisfies Record<string, Operation>;
