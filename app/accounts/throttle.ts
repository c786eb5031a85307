// Guessing at a password slows the answers about that account, whoever asks from wherever; nobody is ever locked out.
import { LRUCache } from "lru-cache";

/** Somebody who mistypes is not made to wait. */
const UNTHROTTLED_FAILURES = 4;
const FIRST_WAIT_MS = 60;
const WAIT_MAX_MS = 2_000;
/** Failures are forgotten when there were none for so long. */
const FAILURES_TTL_MS = 15 * 60_000;
const ACCOUNTS_MAX = 10_000;

type Failures = { count: number; lastMs: number };

export type LoginThrottleOptions = {
  now(): number;
  wait?: (ms: number) => Promise<unknown>;
  accountsMax?: number;
};

export type LoginThrottle = ReturnType<typeof openLoginThrottle>;

/** Opens the memory of failures; names of accounts need not exist, so that waiting tells nothing about them. */
export function openLoginThrottle({
  now,
  wait = Bun.sleep,
  accountsMax = ACCOUNTS_MAX,
}: LoginThrottleOptions) {
  const failures = new LRUCache<string, Failures>({ max: accountsMax });
  // Names are as long as a stranger makes them.
  const keyOf = (name: string): string => Bun.hash.xxHash64(name).toString(36);
  const countOf = (key: string): number => {
    const known = failures.get(key);
    return known && now() - known.lastMs < FAILURES_TTL_MS ? known.count : 0;
  };

  return {
    /** Waits as long as the account's failures ask for; to be done before anything scarce is taken. */
    async before(account: string): Promise<void> {
      const ms = waitMsAfter(countOf(keyOf(account)));
      if (ms > 0) await wait(ms);
    },
    failed(account: string): void {
      const key = keyOf(account);
      failures.set(key, { count: countOf(key) + 1, lastMs: now() });
    },
    succeeded: (account: string): void => void failures.delete(keyOf(account)),
  };
}

/** From no wait at all, doubling with each failure, to two seconds. */
export function waitMsAfter(count: number): number {
  if (count <= UNTHROTTLED_FAILURES) return 0;
  return Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** Math.min(count - UNTHROTTLED_FAILURES - 1, 16));
}
