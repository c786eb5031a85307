// Authenticates the Authorization header: access tokens and admin keys, with a cache that the change feed invalidates.
import { LRUCache } from "lru-cache";
import type { Database, Readable } from "../../db/database.ts";
import type { Change } from "../../db/feed.ts";
import { must } from "../../db/must.ts";
import { type Caller, keyId, type Role } from "../http/caller.ts";
import { digestOf, isKey } from "./opaque.ts";
import { type Claim, openPrimaryLookups } from "./primary.ts";
import type { TokenClaims, Tokens } from "./tokens.ts";

/** Verified tokens in the cache; about 600 bytes each. */
const TOKENS_MAX = 20_000;
/** Users whose sessions ended in this process while its replica may lag behind. */
const ENDED_HERE_MAX = 10_000;
/** An unknown key is not looked up on the primary again before this time has passed. */
const KEY_REFUSED_MS = 5_000;

type VerifiedToken = { caller: Caller; expiresAtMs: number };

/** Why a request has no caller. */
type AuthenticationFailure = "no token" | "bad token";

/** Authentication of callers, with a cache of verified tokens. */
export type Identity = {
  /** Signs and verifies access tokens. */
  tokens: Tokens;
  /** The caller of a request with this Authorization header, or why it has none. Throws `DatabaseError`. */
  authenticate(authorization: string | null): Promise<Caller | AuthenticationFailure>;
  /** Invalidates a user's tokens at once, because sessions or role changed here; other processes follow the feed. */
  forgetUser(userId: string): void;
  /** Applies changes of the feed: those of kind `session` invalidate tokens. */
  apply(changes: Change[]): void;
  /** Invalidates every token: the feed has a gap, so anything may have been revoked. */
  clear(): void;
  /** Verified tokens in the cache. */
  size(): number;
};

/**
 * Opens the authentication with an empty cache. Sessions, roles and keys come from the database: from its local read
 * handle first, and from the primary where that shows none.
 */
export function openIdentity(db: Database, tokens: Tokens, now: () => number): Identity {
  const verified = new LRUCache<string, VerifiedToken>({ max: TOKENS_MAX });
  const endedHere = new LRUCache<string, true>({ max: ENDED_HERE_MAX });
  const primaryLookups = openPrimaryLookups(db, now);
  /** Counts changes to sessions: a session found in an earlier generation may have ended since. */
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
    // Sessions may have ended while the primary was answering.
    if (caller && generation === startGeneration)
      verified.set(token, { caller, expiresAtMs: claim.expiresAtMs });
    return caller;
  };

  /** Whether the local read handle may still show sessions of this user that ended here. */
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
    async authenticate(authorization) {
      if (authorization === null || authorization.trim() === "") return "no token";
      const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
      if (token === undefined) return "bad token";
      const match = verified.get(token);
      if (match && match.expiresAtMs > now()) return match.caller;
      verified.delete(token);
      return (await findCaller(token)) ?? "bad token";
    },
    forgetUser(userId) {
      endedHere.set(userId, true);
      forgetUsers(new Set([userId]));
    },
    apply(changes) {
      const ended = changes.filter(({ kind }) => kind === "session");
      if (ended.some(({ shoeId }) => shoeId === null)) clear();
      else if (ended.length > 0)
        forgetUsers(new Set(ended.map(({ shoeId }) => must(shoeId, "the user of an ended session"))));
    },
    clear,
    size: () => verified.size,
  };
}

function sessionClaim({ userId, sessionId, expiresAtMs }: TokenClaims, nowMs: number): Claim {
  return {
    name: `${userId} ${sessionId}`,
    userId,
    expiresAtMs,
    // Session ids are never reused, so a missing session stays missing.
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
