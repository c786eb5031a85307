// A libSQL server over HTTP (Hrana 3): the group's transaction as one batch of conditioned steps, there and back once.
import type { Outcome } from "./commit.ts";
import type { Position, Row, Statement, Value, WriteResult } from "./database.ts";
import { DatabaseError, toDatabaseError } from "./errors.ts";
import { only } from "./guard.ts";

/**
 * Where a server is and what it lets us in by; `url` begins with http. `dataset` is the one that is written and asked, as
 * far as it is known; whoever else stands at the address is not.
 */
export type Server = { url: string; authToken: string; dataset?: () => string | null };

/** Sends a pipeline; throws `unreachable` when it cannot have arrived, `uncertain` when the answer did not come in time. */
export type Post = (body: string) => Promise<Response>;

/** What became of each member, and how new the group made the shop. */
export type Committed = { outcomes: Outcome[]; position: Position | null };

type Condition =
  | { type: "ok"; step: number }
  | { type: "not"; cond: Condition }
  | { type: "is_autocommit" }
  | { type: "and"; conds: Condition[] };
type Cell = { type: string; value?: string | number; base64?: string };
type Step = {
  condition: Condition | null;
  stmt: { sql: string; args: Cell[]; want_rows: boolean };
};
type StepResult = { cols: unknown[]; rows: Cell[][]; affected_row_count: number } | null;
type StepError = { message: string; code?: string | null } | null;
type BatchResult = { step_results: StepResult[]; step_errors: StepError[] };
type Reply = {
  results?: (
    | { type: "ok"; response: { type: string; result?: BatchResult } }
    | { type: "error"; error: { message: string } }
  )[];
};

/** The newest change that the shop knows, in the life of the dataset that counted it. */
export const POSITION = "SELECT generation, (SELECT coalesce(max(seq), 0) FROM changes) FROM dataset";
const BEGIN = 0;
const GUARD = 1;
/** Why nothing is written or asked there. */
export const FOREIGN = "another dataset, or none, stands at the primary's address";
// A statement can undo the whole transaction; what came after it would stand outside of any.
const inTransaction: Condition = { type: "not", cond: { type: "is_autocommit" } };
const isBegun: Condition = { type: "and", conds: [{ type: "ok", step: GUARD }, inTransaction] };
const ok = (step: number): Condition => ({ type: "ok", step });
const failed = (step: number): Condition => ({ type: "not", cond: ok(step) });

/** The way to a server; what takes longer than `ms` is given up. */
export function postTo({ url, authToken }: Server, ms: number): Post {
  const address = `${url.replace(/\/+$/, "")}/v3/pipeline`;
  const headers = { "content-type": "application/json", authorization: `Bearer ${authToken}` };
  return async (body) => {
    try {
      return await fetch(address, { method: "POST", headers, body, signal: AbortSignal.timeout(ms) });
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      throw new DatabaseError(wasNeverSent(thrown) ? "unreachable" : "uncertain", message);
    }
  };
}

/** Whether the connection could not even be made. */
const wasNeverSent = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  "code" in thrown &&
  /^(ConnectionRefused|ECONNREFUSED|FailedToOpenSocket|ENOTFOUND)$/.test(String(thrown.code));

/** The first row that one question brings. */
export async function askOnServer(post: Post, sql: string): Promise<Row | undefined> {
  const step: Step = { condition: null, stmt: { sql, args: [], want_rows: true } };
  const { step_results: results, step_errors: errors } = await runBatch(post, [step]);
  if (errors[0]) throw toDatabaseError(new Error(errors[0].message));
  return results[0]?.rows[0]?.map(toValue);
}

/**
 * Commits the members together, each undone alone when it fails. Throws `busy` when the server let nobody in, `unreachable` when
 * it holds another dataset than this (`null`: any will do), `failed` when nothing of it stands, and `uncertain` when the answer
 * did not come.
 */
export async function commitOnServer(
  post: Post,
  members: Statement[][],
  dataset: string | null = null,
): Promise<Committed> {
  const { steps, spans } = stepsOf(members, dataset);
  const { step_results: results, step_errors: errors } = await runBatch(post, steps);
  const last = steps.length - 2;
  refuseUnlessCommitted(errors, results, last);
  const outcomes = spans.map(({ from, to }): Outcome => {
    const error = errors.slice(from, to).find((each) => each !== null);
    if (error) {
      const { kind, message, columns } = toDatabaseError(new Error(error.message));
      return { ok: false, kind, message, columns };
    }
    return { ok: true, results: results.slice(from, to).map(toWriteResult) };
  });
  const [generation, seq] = results[last - 1]?.rows[0]?.map(toValue) ?? [];
  const position = typeof generation === "string" ? { generation, seq: Number(seq) } : null;
  return { outcomes, position };
}

/** Where the statements of each member stand among the steps. */
type Span = { from: number; to: number };

function stepsOf(members: Statement[][], dataset: string | null): { steps: Step[]; spans: Span[] } {
  const steps: Step[] = [];
  const add = (condition: Condition | null, sql: string, args: Value[] = []): number =>
    steps.push({ condition, stmt: { sql, args: args.map(toCell), want_rows: true } }) - 1;
  add(null, "BEGIN IMMEDIATE");
  const { sql, args } = only("?1 IS NULL OR EXISTS (SELECT 1 FROM dataset WHERE id = ?1)", dataset);
  add(ok(BEGIN), sql, args);
  const spans = members.map((statements) => {
    let before = add(isBegun, "SAVEPOINT member");
    const from = before + 1;
    for (const { sql, args } of statements) before = add(ok(before), sql, args);
    const to = before + 1;
    const inside = { type: "and", conds: [isBegun, ok(from - 1)] } as const;
    add({ type: "and", conds: [...inside.conds, failed(before)] }, "ROLLBACK TO member");
    add({ type: "and", conds: [...inside.conds] }, "RELEASE member");
    return { from, to };
  });
  add(isBegun, POSITION);
  const commit = add(isBegun, "COMMIT");
  add({ type: "and", conds: [ok(BEGIN), inTransaction, failed(commit)] }, "ROLLBACK");
  return { steps, spans };
}

function refuseUnlessCommitted(errors: StepError[], results: StepResult[], commit: number): void {
  if (results[commit]) return;
  const begin = errors[BEGIN];
  if (begin) throw toDatabaseError(new Error(begin.message));
  if (errors[GUARD]) throw new DatabaseError("unreachable", FOREIGN);
  throw new DatabaseError("failed", errors[commit]?.message ?? "the transaction was undone");
}

async function runBatch(post: Post, steps: Step[]): Promise<BatchResult> {
  const body = JSON.stringify({
    baton: null,
    requests: [{ type: "batch", batch: { steps } }, { type: "close" }],
  });
  const response = await post(body);
  // The server is full, or does not let us in: it has not looked at the batch.
  if (response.status === 429 || response.status === 503)
    throw new DatabaseError("busy", `the primary answered ${response.status}`);
  if (response.status === 401 || response.status === 403)
    throw new DatabaseError("unreachable", `the primary refuses this token (${response.status})`);
  const { results } = (await response.json()) as Reply;
  const first = results?.[0];
  if (first?.type === "ok" && first.response.result) return first.response.result;
  throw new DatabaseError(
    "failed",
    first?.type === "error" ? first.error.message : `the primary answered ${response.status}`,
  );
}

function toWriteResult(result: StepResult | undefined): WriteResult {
  if (!result) return { changes: 0, rows: [] };
  const rows = result.rows.map((row): Row => row.map(toValue));
  return { changes: result.cols.length > 0 ? rows.length : result.affected_row_count, rows };
}

function toCell(value: Value): Cell {
  if (value === null) return { type: "null" };
  if (typeof value === "string") return { type: "text", value };
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return { type: "integer", value: `${value}` };
  if (typeof value === "number") return { type: "float", value };
  return { type: "blob", base64: Buffer.from(value).toString("base64") };
}

function toValue({ type, value, base64 }: Cell): Value {
  if (type === "null") return null;
  if (type === "blob") return new Uint8Array(Buffer.from(base64 ?? "", "base64"));
  return type === "text" ? String(value) : Number(value);
}
