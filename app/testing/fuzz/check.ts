// What must be true of every answer, whatever was asked.
import type { Operation } from "./document.ts";
import type { Asked } from "./requests.ts";
import { complaintOf } from "./schemas.ts";

/** An answer with its whole body. */
export type Answer = { status: number; headers: Headers; body: string };

/** Words of our own code, of SQLite and of the machine, which no client may read. */
const INSIDES =
  /\bat .{0,80}\.[jt]s:\d+|node_modules|\/(tmp|home|usr|root|work|opt)\/\w|SQLITE_|SqliteError|\bno such (table|column)|near "[^"]*": syntax|(INSERT INTO|DELETE FROM|SELECT) \w+[\s\S]{0,80} (VALUES|WHERE|FROM) |\$argon2|bun:\w+|TypeError|is not a function|Cannot read propert/;
const BODYLESS = [204, 304];

/** Everything that is wrong with an answer, one sentence each. */
export function complaints(operation: Operation, asked: Asked, answer: Answer, secrets: string[]): string[] {
  const { status, headers, body } = answer;
  const told = operation.answers[status];
  const found: string[] = [];
  if (status >= 500 && status !== 503) found.push("it failed");
  if (told === undefined) found.push(`the document does not tell ${status}`);
  if (operation.isGuarded && !["admin", "customer"].includes(asked.who) && status < 400)
    found.push(`${asked.who} may not do this`);
  if (!headers.get("x-request-id")) found.push("it has no X-Request-Id");
  if (headers.has("x-injected")) found.push("a text of the request became a header");
  if (BODYLESS.includes(status) ? body !== "" : told === null && body !== "") found.push("it has a body");
  if (told) found.push(...againstContent(told, answer));
  if (status >= 400) found.push(...againstProblem(answer));
  // What a client says of itself may come back; what we add may not tell of our insides.
  const own = status >= 400 ? withoutInstance(body) : "";
  if (INSIDES.test(own)) found.push("it tells of our insides");
  if (secrets.some((secret) => body.includes(secret))) found.push("it tells where the shop keeps its data");
  return found;
}

function againstContent(
  { type, schema }: NonNullable<Operation["answers"][string]>,
  answer: Answer,
): string[] {
  const given = answer.headers.get("content-type")?.split(";")[0] ?? "none";
  if (given !== type) return [`its type is ${given}, not ${type}`];
  if (!type.endsWith("json")) return [];
  const value = parsed(answer.body);
  if (value === undefined) return ["it is no JSON"];
  const complaint = complaintOf(value, schema);
  return complaint === null ? [] : [`its body is not as told: ${complaint}`];
}

function againstProblem({ status, headers, body }: Answer): string[] {
  const problem = parsed(body);
  if (
    headers.get("content-type") !== "application/problem+json" ||
    typeof problem !== "object" ||
    problem === null
  )
    return ["it is no problem+json"];
  const { type, status: said, errors = [], detail, error, requestId } = problem as Record<string, unknown>;
  const found: string[] = [];
  if (!/^\/problems\/[a-z-]+$/.test(String(type))) found.push(`its problem is ${type}`);
  if (said !== status) found.push(`it says ${said}`);
  if (detail !== error) found.push("detail and error differ");
  if (requestId !== headers.get("x-request-id")) found.push("its requestId is not the header's");
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
