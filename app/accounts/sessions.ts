// Sessions: begun by signing in, prolonged by refresh tokens that change with each use, ended by removing them.
import type { Database, Readable, Statement } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { commitWrite, plainWrite } from "../http/write.ts";
import { digestOf, makeRefreshToken } from "../identity/opaque.ts";

const DAY_MS = 86_400_000;
/** A refresh token lives this long, and so does a session after its last one was given. */
export const REFRESH_TTL_MS = 30 * DAY_MS;
/** Two tabs, or an answer that got lost: used again within this time it is no theft. */
const GRACE_MS = 10_000;
/** Sessions of one user; the oldest ends when another begins. */
const SESSIONS_MAX = 500;
/** Ended sessions that each signing-in clears away. */
const EXPIRED_REMOVED_MAX = 20;

/** A session just begun or prolonged, with the refresh token that goes on. */
export type Session = { userId: string; sessionId: string; refreshToken: string };

/** A new session and the statements that begin it, to be written with what it is begun for. */
export function beginSession(userId: string, passwordHash: string, nowMs: number) {
  const ticket: Session = { userId, sessionId: crypto.randomUUID(), refreshToken: makeRefreshToken() };
  const expiresAtMs = nowMs + REFRESH_TTL_MS;
  const statements: Statement[] = [
    {
      // Not for a password that was changed while it was being checked: then the token below has no session.
      sql: `INSERT INTO sessions (id, user_id, created_at, expires_at)
            SELECT ?, id, ?, ? FROM users WHERE id = ? AND password_hash = ?`,
      args: [ticket.sessionId, nowMs, expiresAtMs, userId, passwordHash],
    },
    {
      sql: "INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
      args: [digestOf(ticket.refreshToken), ticket.sessionId, nowMs, expiresAtMs],
    },
    {
      sql: `DELETE FROM sessions WHERE id IN
            (SELECT id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ${EXPIRED_REMOVED_MAX})`,
      args: [nowMs],
    },
    {
      sql: `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = ?
            ORDER BY created_at DESC LIMIT -1 OFFSET ${SESSIONS_MAX})`,
      args: [userId],
    },
  ];
  return { ticket, statements };
}

/** A refresh token whose session stands; `hash` is the token's digest, `usedAt` its first use. Times in ms. */
export type StoredRefreshToken = {
  hash: string;
  sessionId: string;
  userId: string;
  expiresAt: number;
  usedAt: number | null;
};

/** A refresh token as it stands; `null` when there is no such token, or its session has ended. */
export function findToken(db: Readable, token: string): StoredRefreshToken | null {
  const hash = digestOf(token);
  const row = db.read.get<[string, string, number, number | null]>(
    `SELECT t.session_id, s.user_id, t.expires_at, t.used_at
     FROM refresh_tokens AS t JOIN sessions AS s ON s.id = t.session_id WHERE t.hash = ?`,
    hash,
  );
  if (!row) return null;
  const [sessionId, userId, expiresAt, usedAt] = row;
  return { hash, sessionId, userId, expiresAt, usedAt };
}

/**
 * Trades a refresh token for the next one; `null` when it is not valid any more. One that was used longer ago than the
 * grace is in two hands: then its whole session ends, and `onRevoked` hears of it.
 */
export async function rotate(
  db: Database,
  { hash, sessionId, userId, expiresAt, usedAt }: StoredRefreshToken,
  nowMs: number,
  onRevoked: (userId: string) => void,
): Promise<Session | null> {
  if (expiresAt <= nowMs) return null;
  if (usedAt !== null && nowMs - usedAt > GRACE_MS) {
    const why = "a refresh token was used twice";
    await commitWrite(db, plainWrite(null, nowMs), {
      statements: [endStatement(sessionId)],
      audit: { action: "session.revoke", subject: userId, detail: { why } },
    });
    onRevoked(userId);
    return null;
  }
  const next = makeRefreshToken();
  const expiresAtMs = nowMs + REFRESH_TTL_MS;
  try {
    await db.write(
      [
        {
          sql: "UPDATE refresh_tokens SET used_at = coalesce(used_at, ?) WHERE hash = ?",
          args: [nowMs, hash],
        },
        {
          sql: "INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
          args: [digestOf(next), sessionId, nowMs, expiresAtMs],
        },
        { sql: "UPDATE sessions SET expires_at = ? WHERE id = ?", args: [expiresAtMs, sessionId] },
        {
          sql: "DELETE FROM refresh_tokens WHERE session_id = ? AND expires_at <= ?",
          args: [sessionId, nowMs],
        },
      ],
      crypto.randomUUID(),
    );
  } catch (thrown) {
    // The session ended in between.
    if (thrown instanceof DatabaseError && thrown.kind === "reference") return null;
    throw thrown;
  }
  return { userId, sessionId, refreshToken: next };
}

/** Ends the session that the token belongs to; returns whose it was, `null` when there is none. */
export async function endSessionOf(db: Database, token: string): Promise<string | null> {
  const stored = await db.onPrimary((snapshot) => findToken(snapshot, token));
  if (!stored) return null;
  await db.write([endStatement(stored.sessionId)], crypto.randomUUID());
  return stored.userId;
}

/** Ends every session of a user; a trigger tells the change feed. */
export const endAllStatement = (userId: string): Statement => ({
  sql: "DELETE FROM sessions WHERE user_id = ?",
  args: [userId],
});

const endStatement = (sessionId: string): Statement => ({
  sql: "DELETE FROM sessions WHERE id = ?",
  args: [sessionId],
});
