// Batches for a libSQL server: the transaction of a group, each member undone alone, and queries on one snapshot.
import { randomBytes } from "node:crypto";
import type { Position, Row, Statement, Value, WriteResult } from "../database.ts";
import { DatabaseError, toDatabaseError } from "../errors.ts";
import { must } from "../must.ts";
import { STATE } from "../position.ts";
import type { Outcome } from "../write/commit.ts";
import { requires } from "../write/guard.ts";
import { toCell, toRow, toValue } from "./cells.ts";
import type { Pipeline, RunOptions, Step, StepCondition, StepError, StepResult } from "./pipeline.ts";

/** The outcome of each member, and the position after the group; `null` where the dataset has no row. */
export type Committed = { outcomes: Outcome[]; position: Position | null };

/** Selects the dataset's id. */
export const DATASET = "SELECT id FROM dataset";
const BEGIN = 0;
const GUARD = 1;
/** Why a server is neither written nor queried. */
const FOREIGN = "another dataset, or none, stands at the primary's address";
/**
 * The position, by a query of more than a hundred operations. The server goes on with a batch that was given up, but it ends
 * every statement that takes so many: this one fails then, and the group is not committed behind its client's back.
 */
const LAST_LOOK = STATE.replace(
  " FROM dataset",
  `, (SELECT count(*) FROM json_each('[${Array(100).fill(0)}]')) FROM dataset`,
);
// A statement can undo the whole transaction; statements after it would run outside of any.
const inTransaction: StepCondition = { type: "not", cond: { type: "is_autocommit" } };
const isBegun: StepCondition = { type: "and", conds: [{ type: "ok", step: GUARD }, inTransaction] };
const ok = (step: number): StepCondition => ({ type: "ok", step });
const failed = (step: number): StepCondition => ({ type: "not", cond: ok(step) });
const noError = (step: number): StepCondition => ({ type: "not", cond: { type: "error", step } });

/**
 * Commits the members together, each undone alone when it fails. Throws `busy` when the server took no transaction,
 * `unreachable` when it holds another dataset than this one (`null` accepts any), `failed` when the group was undone, and
 * `uncertain` when no answer came, or when a statement ended the transaction, which may have committed the members before it.
 */
export async function commitOnServer(
  pipeline: Pipeline,
  members: Statement[][],
  dataset: string | null = null,
  options: RunOptions = {},
): Promise<Committed> {
  const { steps, spans } = stepsOf(members, dataset);
  const { step_results: results, step_errors: errors } = await pipeline.run(steps, options);
  const last = steps.length - 2;
  refuseUnlessCommitted(errors, results, spans, last);
  const outcomes = spans.map(({ from, to }): Outcome => {
    // The savepoint before them counts, too: without it none of them is done.
    const error = errors.slice(from - 1, to).find((each) => each !== null);
    if (error) {
      const { kind, message, columns } = refusalOf(error);
      return { ok: false, kind, message, columns };
    }
    return { ok: true, results: results.slice(from, to).map(toWriteResult) };
  });
  const [, generation, seq] = results[last - 1]?.rows[0]?.map(toValue) ?? [];
  const position = typeof generation === "string" ? { generation, seq: Number(seq) } : null;
  return { outcomes, position };
}

/**
 * Runs the queries on one snapshot and returns the rows of each. Throws `unreachable` when the server does not answer in
 * time, or holds another dataset than this one (`null` accepts any).
 */
export async function queryServer(
  pipeline: Pipeline,
  queries: Statement[],
  dataset: string | null = null,
  options: RunOptions = {},
): Promise<Row[][]> {
  const steps: Step[] = [stepOf(null, DATASET)];
  // One query needs no transaction.
  if (queries.length > 1) steps.unshift(stepOf(null, "BEGIN"));
  const from = steps.length;
  for (const { sql, args } of queries) steps.push(stepOf(ok(from - 1), sql, args));
  if (queries.length > 1) steps.push(stepOf(inTransaction, "COMMIT"));
  const { step_results: results, step_errors: errors } = await pipeline
    .run(steps, options)
    .catch(throwUnreachable);
  const found = results[from - 1]?.rows[0]?.map(toValue)[0];
  const error = errors.find((each) => each !== null);
  if (error && found !== undefined) throw refusalOf(error);
  if (found === undefined || (dataset !== null && found !== dataset))
    throw new DatabaseError("unreachable", FOREIGN);
  return results
    .slice(from, from + queries.length)
    .map((each) => must(each, "the rows of a query").rows.map(toRow));
}

/** A query changes nothing and can be repeated, so an uncertain outcome counts as `unreachable`; a faulty query stays faulty. */
function throwUnreachable(thrown: unknown): never {
  const error = toDatabaseError(thrown);
  if (error.kind === "failed") throw refusalOf(error);
  throw error.kind === "uncertain" ? new DatabaseError("unreachable", error.message) : error;
}

/** The error of a statement where SQL refused it; most other errors are a server in trouble, which has undone the statement. */
function refusalOf({ message }: { message: string }): DatabaseError {
  if (/Response is too large/.test(message)) return new DatabaseError("failed", message);
  return /^(SQLite error|SQL string)/.test(message) && !/interrupted|I\/O error/.test(message)
    ? toDatabaseError(new Error(message))
    : new DatabaseError("busy", message);
}

/** The steps that are the statements of one member: from `from`, before `to`; the last step of the member is `release`. */
type Span = { from: number; to: number; release: number };

function stepsOf(members: Statement[][], dataset: string | null): { steps: Step[]; spans: Span[] } {
  const steps: Step[] = [];
  const add = (condition: StepCondition | null, sql: string, args?: Value[]): number =>
    steps.push(stepOf(condition, sql, args)) - 1;
  // A member that knew the name could release the savepoint, and the members after it would not be told apart.
  const savepoint = `member_${randomBytes(8).toString("hex")}`;
  add(null, "BEGIN IMMEDIATE");
  const { sql, args } = requires("?1 IS NULL OR EXISTS (SELECT 1 FROM dataset WHERE id = ?1)", dataset);
  add(ok(BEGIN), sql, args);
  const spans = members.map((statements): Span => {
    let before = add(isBegun, `SAVEPOINT ${savepoint}`);
    const from = before + 1;
    for (const { sql, args } of statements) before = add(ok(before), sql, args);
    const to = before + 1;
    const inside = { type: "and", conds: [isBegun, ok(from - 1)] } as const;
    add({ type: "and", conds: [...inside.conds, failed(before)] }, `ROLLBACK TO ${savepoint}`);
    const release = add({ type: "and", conds: [...inside.conds] }, `RELEASE ${savepoint}`);
    return { from, to, release };
  });
  const look = add(isBegun, LAST_LOOK);
  const stands = spans.map(({ release }) => noError(release));
  const commit = add({ type: "and", conds: [inTransaction, ok(look), ...stands] }, "COMMIT");
  add({ type: "and", conds: [ok(BEGIN), inTransaction, failed(commit)] }, "ROLLBACK");
  return { steps, spans };
}

function refuseUnlessCommitted(
  errors: StepError[],
  results: StepResult[],
  spans: Span[],
  commit: number,
): void {
  if (results[commit]) return;
  const begin = errors[BEGIN];
  if (begin) throw refusalOf(begin);
  if (errors[GUARD]) throw new DatabaseError("unreachable", FOREIGN);
  if (spans.some((span) => isEnded(span, errors, results)))
    throw new DatabaseError("uncertain", "a statement ended the transaction of its group");
  // Steps after the one that undid the transaction do not run.
  throw new DatabaseError("failed", errors.findLast((each) => each)?.message ?? "the transaction was undone");
}

/** Whether a statement of this member, and no error, ended the transaction, or its savepoint. */
function isEnded({ from, to, release }: Span, errors: StepError[], results: StepResult[]): boolean {
  const wasBegun = Boolean(results[from - 1]);
  const hasError = errors.slice(from, to).some((each) => each !== null);
  return Boolean(errors[release]) || (wasBegun && !results[release] && !hasError);
}

function toWriteResult(result: StepResult): WriteResult {
  const { cols, rows, affected_row_count: affected } = must(result, "the result of a statement");
  return { changes: cols.length > 0 ? rows.length : affected, rows: rows.map(toRow) };
}

const stepOf = (condition: StepCondition | null, sql: string, args: Value[] = []): Step => ({
  condition,
  stmt: { sql, args: args.map(toCell), want_rows: true },
});
