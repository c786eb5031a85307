// Idempotency-Key: the answer of a signed-in POST is kept in the same group as its effect, and given again.
import type { Database, Statement, Value } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import type { Caller } from "./caller.ts";
import { Problem } from "./problems.ts";

const KEY = /^[\x20-\x7e]{1,255}$/;
const KEPT_MS = 24 * 60 * 60 * 1_000;
/** A write door asks for a write id within seconds, and likes alone leave hundreds of them a second. */
const WRITE_ID_KEPT_MS = 60 * 60 * 1_000;
const FORGET_CHUNK = 5_000;
const RETRY = { "retry-after": "1" };

/**
 * An answer as SQL, so that it can be kept by the group that causes it: `headers` (a JSON object) and `body` are
 * expressions over `from`, all binding `args` by number. Where `from` has no row there is no answer.
 */
export type AnswerSql = { status: number; headers: string; body: string; from: string; args: Value[] };

/** An answer that was made by a recipe. */
export type StoredAnswer = { status: number; headers: Record<string, string>; body: string | null };

/** The statements that keep the answer of this recipe; none where the request has no key. */
export type StoreAnswer = (recipe: AnswerSql) => Statement[];

export type Idempotency = ReturnType<typeof openIdempotency>;

/** The statement that answers with a recipe's answer; read its row by `readAnswer`. */
export const answerStatement = ({ headers, body, from, args }: AnswerSql): Statement => ({
  sql: `SELECT ${headers}, ${body} ${from}`,
  args,
});

/** The answer in the row of an `answerStatement`; `null` when there was none. */
export function readAnswer({ status }: AnswerSql, rows: Value[][] | undefined): StoredAnswer | null {
  const row = rows?.[0];
  if (!row) return null;
  const [headers, body] = row;
  return { status, headers: JSON.parse(String(headers)), body: body === null ? null : String(body) };
}

/** Opens the keeper of answers; requests under way are known to this process. */
export function openIdempotency(db: Database, now: () => number) {
  const underway = new Map<string, string>();

  const find = async (userId: string, key: string, hash: string): Promise<StoredAnswer | null> => {
    const afterMs = now() - KEPT_MS;
    const row = await db.onPrimary(({ read }) =>
      read.get<[string, number, string, string | null]>(
        "SELECT request_hash, status, headers, body FROM idempotency WHERE user_id = ? AND key = ? AND created_at > ?",
        userId,
        key,
        afterMs,
      ),
    );
    if (!row) return null;
    const [hashThen, status, headers, body] = row;
    if (hashThen !== hash) throw reused();
    return { status, headers: JSON.parse(headers), body };
  };

  return {
    /**
     * Does `work` once per key of this caller. Throws the `Problem` 422 for another request under the same key and 409
     * while the first is under way.
     */
    async once(
      request: Request,
      caller: Caller | null,
      content: unknown,
      work: (keep: StoreAnswer) => Promise<StoredAnswer>,
    ): Promise<{ answer: StoredAnswer; isReplay: boolean }> {
      const key = request.headers.get("idempotency-key");
      if (key === null || caller === null) return { answer: await work(() => []), isReplay: false };
      if (!KEY.test(key))
        throw new Problem("invalid-request", "Idempotency-Key must have 1 to 255 printable characters");
      const { userId } = caller;
      const hash = hashOf(request, content);
      const name = `${userId} ${key}`;
      const other = underway.get(name);
      if (other !== undefined) throw other === hash ? stillUnderway() : reused();
      underway.set(name, hash);
      try {
        const kept = await find(userId, key, hash);
        if (kept) return { answer: kept, isReplay: true };
        const keep: StoreAnswer = (recipe) =>
          keepStatements(recipe, [userId, key, hash, now()], now() - KEPT_MS);
        return { answer: await work(keep), isReplay: false };
      } catch (thrown) {
        // Another process was quicker, or our own effect stands though its outcome was lost.
        const winner = wasLost(thrown) ? await find(userId, key, hash).catch(elseThrow(thrown)) : null;
        if (winner) return { answer: winner, isReplay: true };
        throw thrown;
      } finally {
        underway.delete(name);
      }
    },
  };
}

/** What was thrown first stands where the primary could not be asked: it may have been done. */
const elseThrow =
  (first: unknown) =>
  (second: unknown): never => {
    throw second instanceof Problem ? second : first;
  };

const OLD = [
  {
    sql: "DELETE FROM idempotency WHERE (user_id, key) IN (SELECT user_id, key FROM idempotency WHERE created_at < ?1 LIMIT ?2)",
    keptMs: KEPT_MS,
  },
  {
    sql: "DELETE FROM writes WHERE id IN (SELECT id FROM writes WHERE at < ?1 LIMIT ?2)",
    keptMs: WRITE_ID_KEPT_MS,
  },
];

/** Removes answers of more than a day, and write ids of more than an hour. */
export async function forgetOldWrites(db: Database, nowMs: number): Promise<void> {
  for (const { sql, keptMs } of OLD) {
    for (let removed = FORGET_CHUNK; removed === FORGET_CHUNK; ) {
      const [result] = await db.write([{ sql, args: [nowMs - keptMs, FORGET_CHUNK] }]);
      removed = result?.changes ?? 0;
    }
  }
}

const FACTS = ["user_id", "key", "request_hash", "created_at"];

function keepStatements(
  { status, headers, body, from, args }: AnswerSql,
  facts: Value[],
  beforeMs: number,
): Statement[] {
  const [userId, key] = facts;
  const at = (index: number) => `?${args.length + index + 1}`;
  return [
    // One that has had its day makes room.
    {
      sql: "DELETE FROM idempotency WHERE user_id = ? AND key = ? AND created_at <= ?",
      args: [userId ?? "", key ?? "", beforeMs],
    },
    {
      sql: `INSERT INTO idempotency (${FACTS.join(", ")}, status, headers, body)
SELECT ${FACTS.map((_, index) => at(index)).join(", ")}, ${at(FACTS.length)}, ${headers}, ${body} ${from}`,
      args: [...args, ...facts, status],
    },
  ];
}

const hashOf = ({ method, url }: Request, content: unknown): string =>
  Bun.SHA256.hash(`${method} ${new URL(url).pathname} ${JSON.stringify(content ?? null)}`, "hex");

const wasLost = (thrown: unknown): boolean =>
  (thrown instanceof Problem && (thrown.type === "outcome-unknown" || thrown.type === "request-under-way")) ||
  (thrown instanceof DatabaseError &&
    (thrown.kind === "uncertain" || thrown.columns.some((column) => column.startsWith("idempotency."))));

const reused = () =>
  new Problem("idempotency-key-reused", "this Idempotency-Key was used for another request");
const stillUnderway = () =>
  new Problem("request-under-way", "the first request with this key is not answered yet", [], RETRY);
