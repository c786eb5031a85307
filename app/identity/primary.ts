// Asking the primary who somebody is: each claim once at a time, and not again what it refused.
import { LRUCache } from "lru-cache";
import type { Database, Readable } from "../../db/database.ts";
import type { Caller } from "../http/caller.ts";

/** Claims that were not granted and are remembered; about 200 bytes each. */
const FAILURES_MAX = 10_000;
/** One request asks more than once: a primary that does not answer is waited for once. */
const RETRY_AFTER_MS = 500;

/** What a token claims to be: a session, or an admin key. */
export type Claim = {
  /** The user and the session, or the key's digest: all that is asked for. */
  name: string;
  /** Whose session it is; `null` for a key. */
  userId: string | null;
  expiresAtMs: number;
  /** Until then a refusal stands. */
  refusedUntilMs: number;
  /** The caller, where it is granted; nothing but a question. */
  find(db: Readable): Caller | null;
};

/** What became of a claim's question; `error` null: it was refused. */
type FailedLookup = { untilMs: number; error: unknown };

/** Opens the way to the primary with an empty memory. */
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
    /** Whether the primary is known to refuse it. */
    hasRefused: (claim: Claim): boolean => failureOf(claim)?.error === null,
    /** Asks; with others who do in the same era. Throws what the question ended with, also a moment ago. */
    async find(claim: Claim, generation: number): Promise<Caller | null> {
      const failure = failureOf(claim);
      if (failure) throw failure.error;
      // An answer of an earlier era may not know what ended since.
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
