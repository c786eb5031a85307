// From an Authorization header to the caller: tokens and admin keys, with a memory that the change feed empties.
import { LRUCache } from "lru-cache";
import type { Database } from "../../db/database.ts";
import type { Change } from "../cache/feed.ts";
import { type Caller, keyId, type Role } from "./caller.ts";
import { digestOf, isKey } from "./opaque.ts";
import type { Tokens } from "./tokens.ts";

/** Verified tokens that are remembered; about 600 bytes each. */
const REMEMBERED_MAX = 20_000;

type Known = { caller: Caller; sessionId: string | null; expiresAtMs: number };

/** What a request without a valid token lacks. */
export type Refusal = "no token" | "bad token";

export type Identity = ReturnType<typeof openIdentity>;

/** Opens an empty memory in front of the database; roles are always those of the database. */
export function openIdentity(db: Database, tokens: Tokens, now: () => number) {
  const known = new LRUCache<string, Known>({ max: REMEMBERED_MAX });

  const look = async (token: string): Promise<Known | null> => {
    if (isKey(token)) return findKey(db, token);
    const facts = await tokens.verify(token);
    if (!facts) return null;
    // From here until it is remembered no news can come in between: they arrive as tasks of their own.
    const [role] =
      db.read.get<[Role]>(
        `SELECT u.role FROM sessions AS s JOIN users AS u ON u.id = s.user_id
         WHERE s.id = ? AND s.user_id = ? AND s.expires_at > ?`,
        facts.sessionId,
        facts.userId,
        now(),
      ) ?? [];
    if (role === undefined) return null;
    const { userId, sessionId, expiresAtMs } = facts;
    return { caller: { userId, role, kind: "user" }, sessionId, expiresAtMs };
  };

  const forgetUsers = (userIds: ReadonlySet<string>): void => {
    for (const [token, { caller }] of [...known.entries()])
      if (userIds.has(caller.userId)) known.delete(token);
  };

  return {
    tokens,
    /** The caller that an Authorization header proves, or what is wrong with it. */
    async authenticate(authorization: string | null): Promise<Caller | Refusal> {
      if (authorization === null || authorization.trim() === "") return "no token";
      const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
      if (token === undefined) return "bad token";
      const remembered = known.get(token);
      if (remembered && remembered.expiresAtMs > now()) return remembered.caller;
      const found = await look(token);
      if (found) known.set(token, found);
      else known.delete(token);
      return found?.caller ?? "bad token";
    },
    /** A user's sessions changed, here and now; other processes learn it from the feed. */
    forgetUser: (userId: string): void => forgetUsers(new Set([userId])),
    /** Takes news of the feed. */
    apply(changes: Change[]): void {
      const ended = changes.filter(({ kind }) => kind === "session");
      if (ended.some(({ shoeId }) => shoeId === null)) known.clear();
      else if (ended.length > 0) forgetUsers(new Set(ended.map(({ shoeId }) => shoeId ?? "")));
    },
    /** The feed has a gap: anything may have been revoked. */
    clear: (): void => known.clear(),
    size: (): number => known.size,
  };
}

function findKey(db: Database, token: string): Known | null {
  const [name] =
    db.read.get<[string]>(
      "SELECT name FROM admin_keys WHERE hash = ? AND revoked_at IS NULL",
      digestOf(token),
    ) ?? [];
  if (name === undefined) return null;
  const caller: Caller = { userId: keyId(name), role: "admin", kind: "key" };
  return { caller, sessionId: null, expiresAtMs: Number.POSITIVE_INFINITY };
}
