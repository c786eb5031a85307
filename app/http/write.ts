// The one way to write: a group of statements with its conditions, audit row and answer, run once per Idempotency-Key.
import type { Database, Statement, WriteResult } from "../../db/database.ts";
import { isUnmet } from "../../db/write/guard.ts";
import { newWriteId } from "../../db/write/id.ts";
import { type AuditEvent, auditStatement } from "./audit.ts";
import type { Caller } from "./caller.ts";
import { type Conditions, readConditions, UNCONDITIONAL } from "./conditions.ts";
import type { Idempotency, StoreAnswer } from "./idempotency.ts";
import type { PageCheck } from "./origin.ts";
import { toProblem } from "./problem-of.ts";
import type { Problem } from "./problems.ts";
import type { Versions } from "./version.ts";
import {
  type AnswerSql,
  answerStatement,
  readAnswer,
  respondWrite,
  type StoredAnswer,
} from "./write-answer.ts";

/** The services that the routes of a room need to write. */
export type WriteServices = {
  db: Database;
  idempotency: Idempotency;
  versions: Pick<Versions, "headers">;
  /** The seed of the entity tags of items. */
  itemSeed: bigint;
  /** Polls the change feed now, so that no cache answers with the state before the write. */
  pollFeed(): void;
  now(): number;
  /** Routes with `guardOf` accept requests without a token. */
  openWrites: boolean;
  /** Refuses what a stranger's page sends, where a token is not required. */
  refusePage: PageCheck;
};

/** A request as a route gets it; no `caller` where writes are open. */
export type RequestContext = { request: Request; params: Record<string, string>; caller?: Caller };

/** One write: its caller, path and time, its conditions, and how its answer is stored. */
export type Write = {
  /** `null`: a command, or a request where writes are open. */
  caller: Caller | null;
  /** The request's path; the address of a new item begins with it. */
  path: string;
  nowMs: number;
  conditions: Conditions;
  storeAnswer: StoreAnswer;
};

/** Statements that are committed together or not at all, with their audit event and their answer. */
export type Group = {
  /** In order, including conditions (`requires`). */
  statements: Statement[];
  audit?: AuditEvent;
  answer?: AnswerSql;
  /** The answer shows the state before the statements, not after them. */
  answersBefore?: boolean;
};

/** The results of a group's statements, and its answer: `null` when the group has none or its query found no row. */
export type Committed = { results: WriteResult[]; answer: StoredAnswer | null };

/** A write without conditions and Idempotency-Key: of a command, or of a route that takes neither. */
export const plainWrite = (caller: Caller | null, nowMs: number): Write => ({
  caller,
  path: "",
  nowMs,
  conditions: UNCONDITIONAL,
  storeAnswer: () => [],
});

/** The guard of a route; where writes are open, it only refuses the pages of strangers. */
export const guardOf = <W extends "admin" | "self">(
  { openWrites, refusePage }: Pick<WriteServices, "openWrites" | "refusePage">,
  who: W,
): { who: W } =>
  (openWrites ? { beforeHandle: ({ request }: RequestContext) => refusePage(request) } : { who }) as {
    who: W;
  };

/** Runs a write and responds with its answer and the shop's new version; a POST runs once per Idempotency-Key. */
export async function answerWrite(
  { idempotency, pollFeed, versions, itemSeed, now }: WriteServices,
  { request, caller }: RequestContext,
  content: unknown,
  work: (write: Write) => Promise<StoredAnswer>,
): Promise<Response> {
  const run = (storeAnswer: StoreAnswer) =>
    work({
      caller: caller ?? null,
      path: new URL(request.url).pathname,
      nowMs: now(),
      conditions: readConditions(request.headers),
      storeAnswer,
    });
  const { answer, isReplay } =
    request.method === "POST"
      ? await idempotency.once(request, caller?.userId ?? null, content, run)
      : { answer: await run(() => []), isReplay: false };
  pollFeed();
  const replayed: [string, string][] = isReplay ? [["idempotent-replayed", "true"]] : [];
  return respondWrite(answer, [...versions.headers(), ...replayed], itemSeed);
}

/**
 * Commits a group; a write may commit several, one after the other. Throws `DatabaseError` when a condition does not hold
 * (`isUnmet`), when a constraint of the tables fails, and when the outcome is unknown.
 */
export async function commitWrite(
  db: Database,
  { caller, nowMs, storeAnswer }: Write,
  { statements, audit, answer, answersBefore = false }: Group,
): Promise<Committed> {
  const effect = audit ? [...statements, auditStatement(caller, audit, nowMs)] : statements;
  const answering = answer ? [answerStatement(answer), ...storeAnswer(answer)] : [];
  const group = answersBefore ? [...answering, ...effect] : [...effect, ...answering];
  const results = await db.write(group, newWriteId());
  const [first, answerAt] = answersBefore ? [answering.length, 0] : [0, effect.length];
  return {
    results: results.slice(first, first + statements.length),
    answer: answer ? readAnswer(answer, results[answerAt]?.rows) : null,
  };
}

/** Awaits a commit. Throws the `Problem` of `unmet` when a condition did not hold, else that of the database's error. */
export async function orProblem<T>(
  committed: Promise<T>,
  subject: string,
  unmet?: () => Problem | Promise<Problem>,
): Promise<T> {
  try {
    return await committed;
  } catch (thrown) {
    throw unmet && isUnmet(thrown) ? await unmet() : toProblem(thrown, subject);
  }
}
