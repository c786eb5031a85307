// Sessions: a login starts one, refresh tokens with rotation prolong it, deleting the row ends it.
import type { Database, Readable, Statement } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { newWriteId } from "../../db/write/id.ts";
import { commitWrite, plainWrite } from "../http/write.ts";
import { digestOf, makeRefreshToken } from "../identity/opaque.ts";

const DAY_MS = 86_400_000;
/** Lifetime of a refresh token, and of a session after its last refresh token was issued. */
export const REFRESH_TTL_MS = 30 * DAY_MS;
/** Two tabs, or a lost response: a second use within this time does not count as theft. */
const GRACE_MS = 10_000;
/** Sessions per user; the oldest ends when another one starts. */
const SESSIONS_MAX = 500;
/** Expired sessions that each login deletes. */
const EXPIRED_REMOVED_MAX = 20;

/** A session that was just started or refreshed, with its new refresh token. */
export type Session = { userId: string; sessionId: string; refreshToken: string };

/** A new session and the statements that store it; the caller writes them together with its own. */
export function beginSession(userId: string, passwordHash: string, nowMs: number) {
  const session: Session = { userId, sessionId: crypto.randomUUID(), refreshToken: makeRefreshToken() };
  const expiresAtMs = nowMs + REFRESH_TTL_MS;
  const statements: Statement[] = [
    {
      // Inserts nothing if the password changed during its verification; then the token below violates its foreign key.
      sql: `INSERT INTO sessions (id, user_id, created_at, expires_at)
            SELECT ?, id, ?, ? FROM users WHERE id = ? AND password_hash = ?`,
      args: [session.sessionId, nowMs, expiresAtMs, userId, passwordHash],
    },
    {
      sql: "INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
      args: [digestOf(session.refreshToken), session.sessionId, nowMs, expiresAtMs],
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
  return { session, statements };
}

/** A refresh token of an existing session; `hash` is the token's digest, `usedAt` its first use. Times in ms. */
type StoredRefreshToken = {
  hash: string;
  sessionId: string;
  userId: string;
  expiresAt: number;
  usedAt: number | null;
};

/** The stored refresh token; `null` when it is unknown or its session has ended. */
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
 * Exchanges a refresh token for a new one; `null` when it has expired or its session has ended. A second use after the
 * grace period means that the token was stolen: the whole session ends, and `onRevoked` is called.
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
      newWriteId(),
    );
  } catch (thrown) {
    // The session ended before this write.
    if (thrown instanceof DatabaseError && thrown.kind === "reference") return null;
    throw thrown;
  }
  return { userId, sessionId, refreshToken: next };
}

/** Ends the session of this refresh token; returns its user, `null` when there is none. */
export async function endSessionOf(db: Database, token: string): Promise<string | null> {
  const stored = await db.onPrimary((snapshot) => findToken(snapshot, token));
  if (!stored) return null;
  await db.write([endStatement(stored.sessionId)], newWriteId());
  return stored.userId;
}

/** Ends every session of a user; a trigger adds the change to the feed. */
export const endAllStatement = (userId: string): Statement => ({
  sql: "DELETE FROM sessions WHERE user_id = ?",
  args: [userId],
});

const endStatement = (sessionId: string): Statement => ({
  sql: "DELETE FROM sessions WHERE id = ?",
  args: [sessionId],
});
