// From an Authorization header to the caller: tokens and admin keys, with a memory that the change feed empties.
import { LRUCache } from "lru-cache";
import type { Database, Readable } from "../../db/database.ts";
import type { Change } from "../../db/feed.ts";
import { type Caller, keyId, type Role } from "../http/caller.ts";
import { digestOf, isKey } from "./opaque.ts";
import { type Claim, openPrimaryLookups } from "./primary.ts";
import type { TokenClaims, Tokens } from "./tokens.ts";

/** Verified tokens that are remembered; about 600 bytes each. */
const TOKENS_MAX = 20_000;
/** Users whose sessions ended here while this node's own copy of the database lags. */
const ENDED_HERE_MAX = 10_000;
/** An unknown key is not asked for again so soon. */
const KEY_REFUSED_MS = 5_000;

type VerifiedToken = { caller: Caller; expiresAtMs: number };

/** What a request without a valid token lacks. */
export type AuthenticationFailure = "no token" | "bad token";

export type Identity = ReturnType<typeof openIdentity>;

/**
 * Opens an empty memory in front of the database; roles are always those of the database. What its read door does not
 * show is asked for where writes go.
 */
export function openIdentity(db: Database, tokens: Tokens, now: () => number) {
  const verified = new LRUCache<string, VerifiedToken>({ max: TOKENS_MAX });
  const endedHere = new LRUCache<string, true>({ max: ENDED_HERE_MAX });
  const primaryLookups = openPrimaryLookups(db, now);
  /** Grows with all news of sessions: what was found in an earlier era may have ended. */
  let generation = 0;

  const claimOf = async (token: string): Promise<Claim | null> => {
    if (isKey(token)) return keyClaim(digestOf(token), now());
    const facts = await tokens.verify(token);
    return facts && sessionClaim(facts, now());
  };

  const findCaller = async (token: string): Promise<Caller | null> => {
    const claim = await claimOf(token);
    if (!claim || primaryLookups.hasRefused(claim)) return null;
    const startGeneration = generation;
    const local = mayBeOutdated(claim.userId) ? null : claim.find(db);
    const caller = local ?? (await primaryLookups.find(claim, startGeneration));
    // While the primary was asked, news may have come that the answer does not know.
    if (caller && generation === startGeneration)
      verified.set(token, { caller, expiresAtMs: claim.expiresAtMs });
    return caller;
  };

  /** Whether the read door may still show sessions of this user that ended here. */
  const mayBeOutdated = (userId: string | null): boolean => {
    if (endedHere.size === 0 || userId === null) return false;
    if (db.written() === null) endedHere.clear();
    return endedHere.has(userId);
  };

  const forgetUsers = (userIds: ReadonlySet<string>): void => {
    generation += 1;
    for (const [token, { caller }] of [...verified.entries()])
      if (userIds.has(caller.userId)) verified.delete(token);
  };
  const clear = (): void => {
    generation += 1;
    verified.clear();
    primaryLookups.clear();
  };

  return {
    tokens,
    /** The caller that an Authorization header proves, or what is wrong with it. Throws `DatabaseError`. */
    async authenticate(authorization: string | null): Promise<Caller | AuthenticationFailure> {
      if (authorization === null || authorization.trim() === "") return "no token";
      const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
      if (token === undefined) return "bad token";
      const match = verified.get(token);
      if (match && match.expiresAtMs > now()) return match.caller;
      verified.delete(token);
      return (await findCaller(token)) ?? "bad token";
    },
    /** A user's sessions changed, here and now; other processes learn it from the feed. */
    forgetUser(userId: string): void {
      endedHere.set(userId, true);
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
    size: (): number => verified.size,
  };
}

function sessionClaim({ userId, sessionId, expiresAtMs }: TokenClaims, nowMs: number): Claim {
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
