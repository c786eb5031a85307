// Looks sessions and keys up on the primary: one query per claim at a time, and none for a claim it refused before.
import { LRUCache } from "lru-cache";
import type { Database, Readable } from "../../db/database.ts";
import type { Caller } from "../http/caller.ts";

/** Cached claims that were refused or whose lookup failed; about 200 bytes each. */
const FAILURES_MAX = 10_000;
/** One request looks up more than once: it waits for a silent primary only the first time. */
const RETRY_AFTER_MS = 500;

/** A session or an admin key that a token claims to be. */
export type Claim = {
  /** Identifies the claim: user and session id, or the key's digest. */
  name: string;
  /** The owner of the session; `null` for a key. */
  userId: string | null;
  expiresAtMs: number;
  /** A refusal is cached until then. */
  refusedUntilMs: number;
  /** The caller, if the database grants the claim. Only reads, because `onPrimary` may run it several times. */
  find(db: Readable): Caller | null;
};

/** A lookup that found nothing (`error` is null) or failed. */
type FailedLookup = { untilMs: number; error: unknown };

/** Opens the lookups; none has failed yet. */
export function openPrimaryLookups(db: Database, now: () => number) {
  const failures = new LRUCache<string, FailedLookup>({ max: FAILURES_MAX });
  const underway = new Map<string, Promise<Caller | null>>();

  const failureOf = ({ name }: Claim): FailedLookup | null => {
    const failure = failures.get(name);
    return failure && failure.untilMs > now() ? failure : null;
  };

  const findOnPrimary = async (claim: Claim): Promise<Caller | null> => {
    try {
      const caller = await db.onPrimary(claim.find);
      if (!caller) failures.set(claim.name, { untilMs: claim.refusedUntilMs, error: null });
      return caller;
    } catch (error) {
      failures.set(claim.name, { untilMs: now() + RETRY_AFTER_MS, error });
      throw error;
    }
  };

  return {
    /** Whether the primary has refused the claim, and the refusal still holds. */
    hasRefused: (claim: Claim): boolean => failureOf(claim)?.error === null,
    /**
     * Looks the claim up; concurrent calls in the same generation share one query. Throws what the query throws, and for
     * a moment throws it again without a new query.
     */
    async find(claim: Claim, generation: number): Promise<Caller | null> {
      const failure = failureOf(claim);
      if (failure) throw failure.error;
      // A result of an earlier generation may lack sessions that ended since.
      const name = `${generation} ${claim.name}`;
      const current = underway.get(name);
      if (current) return current;
      const lookup = findOnPrimary(claim).finally(() => underway.delete(name));
      underway.set(name, lookup);
      return lookup;
    },
    clear: (): void => failures.clear(),
  };
}
