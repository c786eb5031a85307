// The login throttle: failed logins delay further ones to the same account, from any client; no login is ever refused.
import { LRUCache } from "lru-cache";

/** A few typing errors cause no delay. */
const UNTHROTTLED_FAILURES = 4;
const FIRST_WAIT_MS = 60;
const WAIT_MAX_MS = 2_000;
/** Failures are forgotten when no new one comes within this time. */
const FAILURES_TTL_MS = 15 * 60_000;
const ACCOUNTS_MAX = 10_000;

type Failures = { count: number; lastMs: number };

type LoginThrottleOptions = {
  now(): number;
  wait?: (ms: number) => Promise<unknown>;
  accountsMax?: number;
};

/** Delays of logins per account; accounts need not exist, so the delay reveals nothing about them. */
export type LoginThrottle = {
  /** Waits as long as the account's failures require; to be called before a limited resource is taken. */
  before(account: string): Promise<void>;
  failed(account: string): void;
  succeeded(account: string): void;
};

/** Opens the throttle; no account has failed yet. */
export function openLoginThrottle({
  now,
  wait = Bun.sleep,
  accountsMax = ACCOUNTS_MAX,
}: LoginThrottleOptions): LoginThrottle {
  const failures = new LRUCache<string, Failures>({ max: accountsMax });
  // Hashed, because strangers choose how long a name is.
  const keyOf = (name: string): string => Bun.hash.xxHash64(name).toString(36);
  const countOf = (key: string): number => {
    const known = failures.get(key);
    return known && now() - known.lastMs < FAILURES_TTL_MS ? known.count : 0;
  };

  return {
    async before(account) {
      const ms = waitMsAfter(countOf(keyOf(account)));
      if (ms > 0) await wait(ms);
    },
    failed(account) {
      const key = keyOf(account);
      failures.set(key, { count: countOf(key) + 1, lastMs: now() });
    },
    succeeded: (account) => void failures.delete(keyOf(account)),
  };
}

/** The delay after so many failures: none at first, then doubling from 60 ms to 2 s. */
export function waitMsAfter(count: number): number {
  if (count <= UNTHROTTLED_FAILURES) return 0;
  return Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** Math.min(count - UNTHROTTLED_FAILURES - 1, 16));
}
