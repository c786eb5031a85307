// Likes: the pairs of user and shoe, and their exact count in each shoe.
import type { Database, Readable, Statement, Value } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { newWriteId } from "../../db/write/id.ts";
import { encodeNumber } from "../http/cursor.ts";
import { firstPageSql, offsetOf, type Page, paginationOf } from "../http/paging.ts";
import type { Shop } from "../http/shop.ts";
import { commitWrite, type Write } from "../http/write.ts";
import type { AnswerSql, StoredAnswer } from "../http/write-answer.ts";
import { shoeJson } from "../shoes/shoes.ts";
import { type Batch, type Liked, type LikeRequest, openLikeQueue, type Verb } from "./queue.ts";

/** Likes that the answer of a merge shows. */
const MERGED_SHOWN = 100;

const PAIRS = "json_each(?1) AS j CROSS JOIN shoes AS s ON s.shoe_id = j.value ->> 0";
const IS_THERE = "EXISTS (SELECT 1 FROM likes WHERE user_id = j.value ->> 1 AND shoe = s.id)";
const isUser = (open: boolean) =>
  open ? "true" : "EXISTS (SELECT 1 FROM users AS u WHERE u.id = j.value ->> 1)";

// One UPDATE of all shoes: the change feed gets one row for each, however many likes it got.
const counted = (sign: "+" | "-", condition: string) => `UPDATE shoes SET likes = likes ${sign} n.count FROM (
  SELECT s.id AS id, count(*) AS count FROM ${PAIRS} WHERE ${condition} GROUP BY s.id
) AS n WHERE shoes.id = n.id`;
const ADD = (open: boolean) => `INSERT INTO likes (shoe, user_id, created_at)
SELECT s.id, j.value ->> 1, ?2 FROM ${PAIRS} WHERE ${isUser(open)} ON CONFLICT DO NOTHING RETURNING shoe, user_id`;
const REMOVE = `DELETE FROM likes WHERE (user_id, shoe) IN (SELECT j.value ->> 1, s.id FROM ${PAIRS})`;
const COUNTS =
  "SELECT s.id, s.shoe_id, s.likes FROM json_each(?) AS j CROSS JOIN shoes AS s ON s.shoe_id = j.value";

/** The statements that add likes of distinct [shoe, user] pairs; with `open` users need no account. */
function likeStatements(pairs: string, nowMs: number, open: boolean): Statement[] {
  return [
    { sql: counted("+", `NOT ${IS_THERE} AND ${isUser(open)}`), args: [pairs] },
    { sql: ADD(open), args: [pairs, nowMs] },
  ];
}

const unlikeStatements = (pairs: string): Statement[] => [
  { sql: counted("-", IS_THERE), args: [pairs] },
  { sql: REMOVE, args: [pairs] },
];

/** The queue of likes that have no Idempotency-Key. */
export type Likes = {
  /**
   * Resolves when the like is durable; with `null` when the shoe does not exist. `created` is false for an existing like
   * and for a user without an account. Rejects with `DatabaseError`: `overloaded` after too long a wait, else as `write`.
   */
  like(shoeId: string, userId: string): Promise<Liked | null>;
  /** Removes a like, in the same way. */
  unlike(shoeId: string, userId: string): Promise<Liked | null>;
  /** Likes added and commits made by this process. */
  state(): { likes: number; commits: number };
};

type LikesOptions = {
  now(): number;
  /** Whether users need no account. */
  isOpen: boolean;
  /** Called after each commit, before its requests resolve. */
  onCommit(): void;
  /** Bound of a request's wait for its commit. */
  deadlineMs?: number;
};

/** Opens the queue of likes: those that arrive during a commit go together into the next. */
export function openLikes(db: Database, { now, isOpen, onCommit, deadlineMs }: LikesOptions): Likes {
  const waiting = openLikeQueue(deadlineMs);
  let isRunning = false;
  const state = { likes: 0, commits: 0 };

  const drain = async () => {
    // Other requests of this turn of the event loop join the first commit.
    await new Promise((resolve) => setImmediate(resolve));
    // Without waiting in between: the write queue commits the batches in order as one group.
    while (!waiting.isEmpty()) await Promise.all(waiting.take().map(commit));
    isRunning = false;
  };

  const commit = async ({ verb, requests }: Batch) => {
    try {
      const pairs = [
        ...new Map(requests.map(({ shoeId, userId }) => [`${shoeId} ${userId}`, [shoeId, userId]])).values(),
      ];
      const json = JSON.stringify(pairs);
      const shoeIds = JSON.stringify([...new Set(requests.map(({ shoeId }) => shoeId))]);
      const effect = verb === "like" ? likeStatements(json, now(), isOpen) : unlikeStatements(json);
      const counts = { sql: COUNTS, args: [shoeIds] };
      const results = await db.write([...effect, counts], newWriteId());
      onCommit();
      state.commits += 1;
      const [, inserted, counted] = results;
      const added = verb === "like" ? must(inserted, "the result of ADD").rows : [];
      state.likes += resolveAll(requests, must(counted, "the result of COUNTS").rows, added);
    } catch (thrown) {
      for (const { reject } of requests) reject(thrown);
    }
  };

  const enqueue = (verb: Verb, shoeId: string, userId: string) =>
    new Promise<Liked | null>((resolve, reject) => {
      waiting.add(verb, { shoeId, userId, resolve, reject });
      if (isRunning) return;
      isRunning = true;
      void drain();
    });

  return {
    like: (shoeId, userId) => enqueue("like", shoeId, userId),
    unlike: (shoeId, userId) => enqueue("unlike", shoeId, userId),
    state: () => ({ ...state }),
  };
}

/** Resolves the requests of a commit, and returns how many likes were new. */
function resolveAll(requests: LikeRequest[], counts: Value[][], added: Value[][]): number {
  const shoes = new Map(counts.map(([id, shoeId, likes]) => [shoeId, { id, likes: Number(likes) }]));
  const created = new Set(added.map(([shoe, userId]) => `${shoe} ${userId}`));
  const count = created.size;
  for (const { shoeId, userId, resolve } of requests) {
    const shoe = shoes.get(shoeId);
    // Only the first of several equal requests has added the like.
    resolve(shoe ? { likes: shoe.likes, created: created.delete(`${shoe.id} ${userId}`) } : null);
  }
  return count;
}

type OneLike = { shoeId: string; userId: string; isOpen: boolean };

/** Adds one like in its own group and stores its answer for repetitions; `null` when the shoe does not exist. */
export async function likeOnce(
  db: Database,
  write: Write,
  { shoeId, userId, isOpen }: OneLike,
): Promise<StoredAnswer | null> {
  const committed = await commitWrite(db, write, {
    statements: likeStatements(JSON.stringify([[shoeId, userId]]), write.nowMs, isOpen),
    // The statements hide whether the like is new.
    answersBefore: true,
    answer: {
      status: 201,
      headers: "'{}'",
      body: `json_object('success', json('true'), 'data', json_object('shoeId', s.shoe_id, 'userId', ?2, 'likes',
s.likes + (l.shoe IS NULL), 'created', json(CASE WHEN l.shoe IS NULL THEN 'true' ELSE 'false' END)))`,
      from: "FROM shoes AS s LEFT JOIN likes AS l ON l.shoe = s.id AND l.user_id = ?2 WHERE s.shoe_id = ?1",
      args: [shoeId, userId],
    },
  });
  return committed.answer;
}

type Merge = { userId: string; shoeIds: string[]; isOpen: boolean; shop: Shop };

/** Adds likes of one user and answers with the first page of the user's list; ignores shoes that do not exist. */
export async function mergeLikes(
  db: Database,
  write: Write,
  { userId, shoeIds, isOpen, shop }: Merge,
): Promise<StoredAnswer | null> {
  const pairs = JSON.stringify(shoeIds.map((shoeId) => [shoeId, userId]));
  const committed = await commitWrite(db, write, {
    statements: likeStatements(pairs, write.nowMs, isOpen),
    answer: listAnswer(userId, MERGED_SHOWN, shop),
  });
  return committed.answer;
}

/** Whether an account has this id. */
export const isUserKnown = (snapshot: Readable, userId: string): boolean =>
  snapshot.read.get("SELECT 1 FROM users WHERE id = ?", userId) !== undefined;

// Parameters: the shop's public URL, its currency, the user's id, the limit, the offset.
const LIKED = "FROM likes AS l CROSS JOIN shoes AS s ON s.id = l.shoe WHERE l.user_id = ?3";
const ORDER = "ORDER BY l.created_at DESC, l.shoe DESC LIMIT ?4 OFFSET ?5";

/** The shoes that a user likes, newest like first, as finished JSON; with `idsOnly` their ids. */
export function listLikes(
  snapshot: Readable,
  userId: string,
  page: Page,
  { idsOnly, shop }: { idsOnly: boolean; shop: Shop },
): string {
  // The cursor of this list is the number of rows before.
  const offset = page.position ?? offsetOf(page);
  const rows = snapshot.read.all<[string]>(
    `SELECT ${idsOnly ? "json_quote(s.shoe_id)" : shoeJson("shoe")} ${LIKED} ${ORDER}`,
    shop.publicUrl,
    shop.currency,
    userId,
    page.limit,
    offset,
  );
  const [total] = must(
    snapshot.read.get<[number]>("SELECT count(*) FROM likes WHERE user_id = ?", userId),
    "a count",
  );
  const shown = offset + rows.length;
  const nextCursor = shown < total ? encodeNumber(shown) : null;
  const pagination = JSON.stringify(paginationOf(page, { total, totalIsLowerBound: false }, nextCursor));
  return `{"success":true,"data":[${rows.map(([json]) => json).join(",")}],"pagination":${pagination}}`;
}

/** The first page of a user's list, as the answer of the write that changes it. */
function listAnswer(userId: string, limit: number, { publicUrl, currency }: Shop): AnswerSql {
  return {
    status: 200,
    headers: "'{}'",
    body: `'{"success":true,"data":[' || coalesce((SELECT group_concat(item, ',') FROM (SELECT ${shoeJson("shoe")} AS item ${LIKED} ${ORDER})), '')
|| '],"pagination":' || ${firstPageSql("?4", "c.total", "CASE WHEN c.total > ?4 THEN ?6 END")} || '}'`,
    from: "FROM (SELECT count(*) AS total FROM likes WHERE user_id = ?3) AS c",
    args: [publicUrl, currency, userId, limit, 0, encodeNumber(limit)],
  };
}
