// Idempotency-Key: the group that commits a POST stores its answer too, and a repetition gets the stored answer.
import type { Database, Statement, Value } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { must } from "../../db/must.ts";
import { firstWriteIdAt } from "../../db/write/id.ts";
import { Problem } from "./problems.ts";
import { withoutPrefix } from "./routing.ts";
import type { AnswerSql, StoredAnswer } from "./write-answer.ts";

const KEY = /^[\x20-\x7e]{1,255}$/;
const ANSWER_TTL_MS = 24 * 60 * 60 * 1_000;
/** A write queue looks a write id up within seconds, and likes alone add hundreds of ids a second. */
const WRITE_ID_TTL_MS = 60 * 60 * 1_000;
const REMOVE_CHUNK = 5_000;
const RETRY = { "retry-after": "1" };

/** Returns the statements that store an answer for repetitions; none when the request has no key. */
export type StoreAnswer = (answer: AnswerSql) => Statement[];

/** Runs the work of a POST once per key, across all processes of the shop. */
export type Idempotency = {
  /**
   * Runs `work`, or returns the answer that is stored under the request's key. Keys belong to an `owner`: a user or an
   * admin key; without an owner or a key `work` always runs. Throws the `Problem` 400 for a bad key, 422 when the owner
   * used it for another request, 409 while the first request with it is running, and rethrows the errors of `work`.
   */
  once(
    request: Request,
    owner: string | null,
    content: unknown,
    work: (storeAnswer: StoreAnswer) => Promise<StoredAnswer>,
  ): Promise<{ answer: StoredAnswer; isReplay: boolean }>;
};

/** Opens the stored answers of a database. */
export function openIdempotency(db: Database, now: () => number): Idempotency {
  // Of this process only; between processes the table's key decides.
  const running = new Map<string, string>();

  const find = async (owner: string, key: string, hash: string): Promise<StoredAnswer | null> => {
    const afterMs = now() - ANSWER_TTL_MS;
    const row = await db.onPrimary(({ read }) =>
      read.get<[string, number, string, string | null]>(
        "SELECT request_hash, status, headers, body FROM idempotency WHERE user_id = ? AND key = ? AND created_at > ?",
        owner,
        key,
        afterMs,
      ),
    );
    if (!row) return null;
    const [storedHash, status, headers, body] = row;
    if (storedHash !== hash) throw reused();
    return { status, headers: JSON.parse(headers), body };
  };

  return {
    async once(request, owner, content, work) {
      const key = request.headers.get("idempotency-key");
      if (key === null || owner === null) return { answer: await work(() => []), isReplay: false };
      if (!KEY.test(key))
        throw new Problem("invalid-request", "Idempotency-Key must have 1 to 255 printable characters");
      const hash = hashOf(request, content);
      const name = `${owner} ${key}`;
      const other = running.get(name);
      if (other !== undefined) throw other === hash ? stillRunning() : reused();
      running.set(name, hash);
      try {
        const stored = await find(owner, key, hash);
        if (stored) return { answer: stored, isReplay: true };
        const storeAnswer: StoreAnswer = (answer) =>
          storeStatements(answer, { owner, key, hash, nowMs: now() });
        return { answer: await work(storeAnswer), isReplay: false };
      } catch (thrown) {
        // Another process committed first, or this write was committed though its outcome was lost.
        const winner = wasLost(thrown) ? await find(owner, key, hash).catch(elseThrow(thrown)) : null;
        if (winner) return { answer: winner, isReplay: true };
        throw thrown;
      } finally {
        running.delete(name);
      }
    },
  };
}

/** Keeps the first error when the second look-up fails too: the effect may be committed. */
const elseThrow =
  (first: unknown) =>
  (second: unknown): never => {
    throw second instanceof Problem ? second : first;
  };

const EXPIRED_ANSWERS =
  "DELETE FROM idempotency WHERE (user_id, key) IN (SELECT user_id, key FROM idempotency WHERE created_at < ?1 LIMIT ?2)";
// Ids begin with their time; those of programs before that are random, and most of them lie beyond all times.
const EXPIRED_WRITES = `DELETE FROM writes WHERE id IN (
  SELECT * FROM (SELECT id FROM writes WHERE id < ?3 AND at < ?1 LIMIT ?2)
  UNION ALL SELECT * FROM (SELECT id FROM writes WHERE id > ?4 AND at < ?1 LIMIT ?2)
)`;
/** No clock of a node is ahead by so much. */
const AHEAD_MS = 24 * 60 * 60 * 1_000;

/** Deletes answers older than a day and write ids older than an hour. */
export async function removeOldWrites(db: Database, nowMs: number): Promise<void> {
  const [answersBefore, writesBefore] = [nowMs - ANSWER_TTL_MS, nowMs - WRITE_ID_TTL_MS];
  const ids = [firstWriteIdAt(writesBefore), firstWriteIdAt(nowMs + AHEAD_MS)];
  await removeAll(db, { sql: EXPIRED_ANSWERS, args: [answersBefore, REMOVE_CHUNK] });
  await removeAll(db, { sql: EXPIRED_WRITES, args: [writesBefore, REMOVE_CHUNK, ...ids] });
}

/** Repeats a deletion of at least a chunk until less is left. */
async function removeAll(db: Database, deletion: Statement): Promise<void> {
  for (let removed = REMOVE_CHUNK; removed >= REMOVE_CHUNK; ) {
    const [result] = await db.write([deletion]);
    removed = must(result, "the result of a deletion").changes;
  }
}

type Stored = { owner: string; key: string; hash: string; nowMs: number };

function storeStatements(
  { status, headers, body, from, args }: AnswerSql,
  { owner, key, hash, nowMs }: Stored,
): Statement[] {
  const values: Value[] = [owner, key, hash, nowMs, status];
  const marks = values.map((_, index) => `?${args.length + index + 1}`);
  return [
    // An expired answer under this key no longer counts.
    {
      sql: "DELETE FROM idempotency WHERE user_id = ? AND key = ? AND created_at <= ?",
      args: [owner, key, nowMs - ANSWER_TTL_MS],
    },
    {
      sql: `INSERT INTO idempotency (user_id, key, request_hash, created_at, status, headers, body)
SELECT ${marks.join(", ")}, ${headers}, ${body} ${from}`,
      args: [...args, ...values],
    },
  ];
}

/** The same for the same route below each prefix: both are one route. Other routes have answers of their own. */
const hashOf = ({ method, url }: Request, content: unknown): string =>
  Bun.SHA256.hash(
    `${method} ${withoutPrefix(new URL(url).pathname)} ${JSON.stringify(content ?? null)}`,
    "hex",
  );

const wasLost = (thrown: unknown): boolean =>
  (thrown instanceof Problem && (thrown.type === "outcome-unknown" || thrown.type === "request-under-way")) ||
  (thrown instanceof DatabaseError &&
    (thrown.kind === "uncertain" || thrown.columns.some((column) => column.startsWith("idempotency."))));

const reused = () =>
  new Problem("idempotency-key-reused", "this Idempotency-Key was used for another request");
const stillRunning = () =>
  new Problem("request-under-way", "the first request with this Idempotency-Key is still running", [], RETRY);
