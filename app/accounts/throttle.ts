// The login throttle: one attempt at a time per account, and failed ones delay the next; no account is ever locked.
import { LRUCache } from "lru-cache";
import { Problem } from "../http/problems.ts";
import { openPlaces, type Visitor } from "./places.ts";
import { openTurns, type Turns } from "./turns.ts";

/** A few typing errors cause no delay. */
const UNTHROTTLED_FAILURES = 4;
const FIRST_WAIT_MS = 60;
const WAIT_MAX_MS = 2_000;
/** Failures are forgotten when no new one comes within this time. */
const FAILURES_TTL_MS = 15 * 60_000;
const ACCOUNTS_MAX = 10_000;
/** Attempts that wait, each a connection and a few hundred bytes; and those of one address at one account. */
const PLACES_MAX = 1_024;
const ADDRESS_PLACES_MAX = 64;

type Failures = { count: number; lastMs: number };

const NO_FAILURES: Failures = { count: 0, lastMs: 0 };

/** The attempts at one account. It lasts while there are any; `free` ends the one under way. */
type Line = { turns: Turns; failures: Failures; free(): void };

type LoginThrottleOptions = {
  now(): number;
  wait?: (ms: number) => Promise<unknown>;
  accountsMax?: number;
  placesMax?: number;
  addressPlacesMax?: number;
};

/** Lines of attempts per account; accounts need not exist, so that no delay reveals anything about them. */
export type LoginThrottle = {
  /**
   * Runs `check` when it is the attempt's turn: the attempt before has its outcome, and the delay that the failures so far
   * require is over. Returns what `check` returns; `null` counts as a failure, an error as no attempt. The strangers of an
   * account share a line and a count, those who prove that they signed in to it before have others. Throws the `Problem`
   * 429 when the turn does not come in time; then nothing was checked.
   */
  attempt<T>(
    account: AttemptedAccount,
    visitor: Visitor,
    check: (visitor: Visitor) => Promise<T | null>,
  ): Promise<T | null>;
  /** Notes that the owner of an account signed in from there: the next attempt from there is that of a known one. */
  welcome(email: string, visitor: Visitor): void;
  /** Refuses all attempts that wait, and later ones that would have to. */
  close(): void;
  /** Accounts with an attempt under way, how many wait, and how many were refused since the start. */
  state(): { lines: number; waiting: number; refused: number };
};

/** An account by the address that a stranger named, or by the id that somebody signed in has proved. */
export type AttemptedAccount = { email: string } | { userId: string };

/** Opens the throttle; no account has failed yet. */
export function openLoginThrottle({
  now,
  wait = Bun.sleep,
  accountsMax = ACCOUNTS_MAX,
  placesMax = PLACES_MAX,
  addressPlacesMax = ADDRESS_PLACES_MAX,
}: LoginThrottleOptions): LoginThrottle {
  const failures = openFailures(accountsMax, now);
  // Pairs of an account and an address.
  const goodAddresses = new LRUCache<string, true>({ max: accountsMax });
  const places = openPlaces({ placesMax, addressMax: addressPlacesMax });
  const lines = new Map<string, Line>();

  const openLine = (key: string): Line => {
    const line: Line = {
      turns: openTurns(() => waitMsAfter(line.failures.count) > 0),
      // Its own copy, which the names of other accounts cannot push out.
      failures: failures.of(key),
      free: () => undefined,
    };
    return line;
  };

  /** Gives one after the other its turn until nobody waits. */
  const serve = async (key: string, line: Line): Promise<void> => {
    while (places.lengthOf(line.turns) > 0) {
      const ms = delayMs(line.failures, now());
      if (ms > 0) await wait(ms);
      const { promise: freed, resolve } = Promise.withResolvers<void>();
      line.free = resolve;
      if (places.callNext(line.turns)) await freed;
    }
    lines.delete(key);
  };

  return {
    async attempt(account, visitor, check) {
      const key = keyOf(account);
      const who = {
        ...visitor,
        isKnown: visitor.isKnown || goodAddresses.get(placeOf(key, visitor)) === true,
      };
      const isNew = !lines.has(key);
      const line = lines.get(key) ?? openLine(key);
      lines.set(key, line);
      const turn = places.wait(line.turns, who, () => tooMany(line, places.lengthOf(line.turns)));
      if (isNew) void serve(key, line);
      await turn;
      try {
        const result = await check({ ...who, hasFailures: line.failures.count > 0 });
        line.failures = result === null ? failures.add(key, line.failures) : failures.forget(key);
        return result;
      } finally {
        line.free();
      }
    },
    welcome(email, visitor) {
      // All clients without an address have the empty one.
      if (visitor.address !== "") goodAddresses.set(placeOf(keyOf({ email }), visitor), true);
    },
    close: places.close,
    state() {
      const { waiting, refused } = places.state();
      return { lines: lines.size, waiting, refused };
    },
  };
}

/** The failures of accounts without an attempt under way; the least recently attempted one is dropped first. */
function openFailures(accountsMax: number, now: () => number) {
  const accounts = new LRUCache<string, Failures>({ max: accountsMax });
  return {
    of(key: string): Failures {
      const known = accounts.get(key);
      return known && now() - known.lastMs < FAILURES_TTL_MS ? known : NO_FAILURES;
    },
    add(key: string, { count }: Failures): Failures {
      const more = { count: count + 1, lastMs: now() };
      accounts.set(key, more);
      return more;
    },
    forget(key: string): Failures {
      accounts.delete(key);
      return NO_FAILURES;
    },
  };
}

/** The delay after so many failures: none at first, then doubling from 60 ms to 2 s. */
export function waitMsAfter(count: number): number {
  if (count <= UNTHROTTLED_FAILURES) return 0;
  return Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** Math.min(count - UNTHROTTLED_FAILURES - 1, 16));
}

/** What is left of the delay since the last failure; all of it when the clock was set back. */
function delayMs({ count, lastMs }: Failures, nowMs: number): number {
  const ms = waitMsAfter(count);
  return Math.min(ms, Math.max(0, lastMs + ms - nowMs));
}

const tooMany = ({ failures }: Line, waiting: number): Problem => {
  // When all that wait would have had their turns.
  const seconds = Math.ceil((waiting * waitMsAfter(failures.count)) / 1_000);
  return new Problem("too-many-requests", "too many attempts at this account are waiting", [], {
    "retry-after": String(Math.max(1, seconds)),
  });
};

// Hashed, because strangers choose how long a name is.
const hashOf = (name: string): string => Bun.hash.xxHash64(name).toString(36);
const placeOf = (key: string, { address }: Visitor): string => hashOf(`${key} ${address}`);
const keyOf = (account: AttemptedAccount): string =>
  hashOf("email" in account ? `email ${account.email}` : `user ${account.userId}`);
