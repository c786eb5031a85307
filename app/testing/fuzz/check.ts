// The rules that every response must follow, whatever the request.
import type { Operation } from "./document.ts";
import type { GeneratedRequest } from "./requests.ts";
import { schemaViolation } from "./schemas.ts";

/** A response with its whole body. */
export type ReceivedResponse = { status: number; headers: Headers; body: string };

/** Texts of our own code, of SQLite and of the machine, which must not reach a client. */
const INTERNALS =
  /\bat .{0,80}\.[jt]s:\d+|node_modules|\/(tmp|home|usr|root|work|opt)\/\w|SQLITE_|SqliteError|\bno such (table|column)|near "[^"]*": syntax|(INSERT INTO|DELETE FROM|SELECT) \w+[\s\S]{0,80} (VALUES|WHERE|FROM) |\$argon2|bun:\w+|TypeError|is not a function|Cannot read propert/;
const BODYLESS = [204, 304];

/** The rules that a response breaks, one sentence each. */
export function violations(
  operation: Operation,
  request: GeneratedRequest,
  response: ReceivedResponse,
  secrets: string[],
): string[] {
  const { status, headers, body } = response;
  const documented = operation.responses[status];
  const found: string[] = [];
  if (status >= 500 && status !== 503) found.push("it failed");
  if (documented === undefined) found.push(`the document does not list status ${status}`);
  if (operation.isGuarded && !["admin", "customer"].includes(request.sender) && status < 400)
    found.push(`${request.sender} must not be allowed to do this`);
  if (!headers.get("x-request-id")) found.push("it has no X-Request-Id");
  if (headers.has("x-injected")) found.push("a text of the request became a response header");
  if (BODYLESS.includes(status) ? body !== "" : documented === null && body !== "")
    found.push("it has a body");
  if (documented) found.push(...contentViolations(documented, response));
  if (status >= 400) found.push(...problemViolations(response));
  // A client's own text may be echoed in `instance`; our own text must not reveal internals.
  const own = status >= 400 ? withoutInstance(body) : "";
  if (INTERNALS.test(own)) found.push("it reveals internals");
  if (secrets.some((secret) => body.includes(secret))) found.push("it reveals the data folder");
  return found;
}

function contentViolations(
  { type, schema }: NonNullable<Operation["responses"][string]>,
  response: ReceivedResponse,
): string[] {
  const given = response.headers.get("content-type")?.split(";")[0] ?? "none";
  if (given !== type) return [`its type is ${given}, not ${type}`];
  if (!type.endsWith("json")) return [];
  const value = parsed(response.body);
  if (value === undefined) return ["it is not JSON"];
  const violation = schemaViolation(value, schema);
  return violation === null ? [] : [`its body differs from its schema: ${violation}`];
}

function problemViolations({ status, headers, body }: ReceivedResponse): string[] {
  const problem = parsed(body);
  if (
    headers.get("content-type") !== "application/problem+json" ||
    typeof problem !== "object" ||
    problem === null
  )
    return ["it is not problem+json"];
  const {
    type,
    status: bodyStatus,
    errors = [],
    detail,
    error,
    requestId,
  } = problem as Record<string, unknown>;
  const found: string[] = [];
  if (!/^\/problems\/[a-z-]+$/.test(String(type))) found.push(`its problem type is ${type}`);
  if (bodyStatus !== status) found.push(`its status field is ${bodyStatus}`);
  if (detail !== error) found.push("detail and error differ");
  if (requestId !== headers.get("x-request-id")) found.push("its requestId differs from the header");
  const isNamed = (each: object) => "pointer" in each !== "parameter" in each;
  if (!(Array.isArray(errors) && errors.every(isNamed)))
    found.push("an error names no field and no parameter");
  return found;
}

function withoutInstance(body: string): string {
  const problem = parsed(body);
  if (typeof problem !== "object" || problem === null) return body;
  const { instance: _asked, ...rest } = problem as Record<string, unknown>;
  return JSON.stringify(rest);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
