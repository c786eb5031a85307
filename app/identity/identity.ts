// From an Authorization header to the caller: tokens and admin keys, with a memory that the change feed empties.
import { LRUCache } from "lru-cache";
import type { Database, Readable } from "../../db/database.ts";
import type { Change } from "../../db/feed.ts";
import { type Caller, keyId, type Role } from "../http/caller.ts";
import { digestOf, isKey } from "./opaque.ts";
import { type Claim, openPrimary } from "./primary.ts";
import type { TokenFacts, Tokens } from "./tokens.ts";

/** Verified tokens that are remembered; about 600 bytes each. */
const REMEMBERED_MAX = 20_000;
/** Users whose sessions ended here while this node's own copy of the database lags. */
const DOUBTED_MAX = 10_000;
/** An unknown key is not asked for again so soon. */
const KEY_REFUSED_MS = 5_000;

type Known = { caller: Caller; expiresAtMs: number };

/** What a request without a valid token lacks. */
export type Refusal = "no token" | "bad token";

export type Identity = ReturnType<typeof openIdentity>;

/**
 * Opens an empty memory in front of the database; roles are always those of the database. What its read door does not
 * show is asked for where writes go.
 */
export function openIdentity(db: Database, tokens: Tokens, now: () => number) {
  const known = new LRUCache<string, Known>({ max: REMEMBERED_MAX });
  const doubted = new LRUCache<string, true>({ max: DOUBTED_MAX });
  const primary = openPrimary(db, now);
  /** Grows with all news of sessions: what was found in an earlier era may have ended. */
  let era = 0;

  const claimOf = async (token: string): Promise<Claim | null> => {
    if (isKey(token)) return keyClaim(digestOf(token), now());
    const facts = await tokens.verify(token);
    return facts && sessionClaim(facts, now());
  };

  const look = async (token: string): Promise<Caller | null> => {
    const claim = await claimOf(token);
    if (!claim || primary.hasRefused(claim)) return null;
    const since = era;
    const shown = isDoubted(claim.userId) ? null : claim.find(db);
    const caller = shown ?? (await primary.find(claim, since));
    // While the primary was asked, news may have come that the answer does not know.
    if (caller && era === since) known.set(token, { caller, expiresAtMs: claim.expiresAtMs });
    return caller;
  };

  /** Whether the read door may still show sessions of this user that ended here. */
  const isDoubted = (userId: string | null): boolean => {
    if (doubted.size === 0 || userId === null) return false;
    if (db.written() === null) doubted.clear();
    return doubted.has(userId);
  };

  const forgetUsers = (userIds: ReadonlySet<string>): void => {
    era += 1;
    for (const [token, { caller }] of [...known.entries()])
      if (userIds.has(caller.userId)) known.delete(token);
  };
  const clear = (): void => {
    era += 1;
    known.clear();
    primary.clear();
  };

  return {
    tokens,
    /** The caller that an Authorization header proves, or what is wrong with it. Throws `DatabaseError`. */
    async authenticate(authorization: string | null): Promise<Caller | Refusal> {
      if (authorization === null || authorization.trim() === "") return "no token";
      const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
      if (token === undefined) return "bad token";
      const remembered = known.get(token);
      if (remembered && remembered.expiresAtMs > now()) return remembered.caller;
      known.delete(token);
      return (await look(token)) ?? "bad token";
    },
    /** A user's sessions changed, here and now; other processes learn it from the feed. */
    forgetUser(userId: string): void {
      doubted.set(userId, true);
      forgetUsers(new Set([userId]));
    },
    /** Takes news of the feed. */
    apply(changes: Change[]): void {
      const ended = changes.filter(({ kind }) => kind === "session");
      if (ended.some(({ shoeId }) => shoeId === null)) clear();
      else if (ended.length > 0) forgetUsers(new Set(ended.map(({ shoeId }) => shoeId ?? "")));
    },
    /** The feed has a gap: anything may have been revoked. */
    clear,
    size: (): number => known.size,
  };
}

function sessionClaim({ userId, sessionId, expiresAtMs }: TokenFacts, nowMs: number): Claim {
  return {
    name: `${userId} ${sessionId}`,
    userId,
    expiresAtMs,
    // Session ids are never made twice: one that is not there never will be.
    refusedUntilMs: expiresAtMs,
    find({ read }: Readable) {
      const [role] =
        read.get<[Role]>(
          `SELECT u.role FROM sessions AS s JOIN users AS u ON u.id = s.user_id
           WHERE s.id = ? AND s.user_id = ? AND s.expires_at > ?`,
          sessionId,
          userId,
          nowMs,
        ) ?? [];
      return role === undefined ? null : { userId, role, kind: "user" };
    },
  };
}

function keyClaim(hash: string, nowMs: number): Claim {
  return {
    name: hash,
    userId: null,
    expiresAtMs: Number.POSITIVE_INFINITY,
    refusedUntilMs: nowMs + KEY_REFUSED_MS,
    find({ read }: Readable) {
      const [name] =
        read.get<[string]>("SELECT name FROM admin_keys WHERE hash = ? AND revoked_at IS NULL", hash) ?? [];
      return name === undefined ? null : { userId: keyId(name), role: "admin", kind: "key" };
    },
  };
}
