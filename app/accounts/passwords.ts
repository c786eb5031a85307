// Password hashing with bounded concurrency, so that logins never starve catalogue requests of CPU time.
import { availableParallelism } from "node:os";
import { Problem } from "../http/problems.ts";
import { openPlaces, type Timer, type Visitor } from "./places.ts";
import { openTurns } from "./turns.ts";

/** The cost of a hash: memory in KiB, and passes over it. */
type HashCost = { memoryCost: number; timeCost: number };

const COST: HashCost = { memoryCost: 19_456, timeCost: 2 };
/** Salt and hash of an account that does not exist, verified so that it takes the same time; no known password has them. */
const DUMMY = "S2YRWbmgXtmDBUPyQmpWhIHjvG1K3bCmBn/F2qAN/UY$KnKfvqU2Lc9tH/94G3hu7IbbgKpQ8iUB1j8D8mCa9yA";
/** A few seconds of work; beyond that and after that time, requests get 503 with Retry-After. */
const WAITING_MAX = 128;
const WAIT_MS_MAX = 5_000;
const RETRY_AFTER_SECONDS = 2;
/** So many may wait in the order of their arrival, half a second of work, and so do more while most passwords are right. */
const CALM_MAX = 16;
const RIGHT_SHARE_MIN = 0.5;
/** How much the newest outcome counts: four wrong ones in a row are most. */
const NEWEST_SHARE = 0.2;
/** The program itself, such as when it creates the first admin. */
const ITSELF: Visitor = { address: "", isKnown: true, hasFailures: false, signal: null };

/** The expensive operations; tests replace them. */
export type PasswordHasher = {
  hash(password: string): Promise<string>;
  verify(password: string, hash: string): Promise<boolean>;
};

const argon2id = (cost: HashCost): PasswordHasher => ({
  hash: (password) => Bun.password.hash(password, { algorithm: "argon2id", ...cost }),
  verify: (password, hash) => Bun.password.verify(password, hash),
});

type PasswordOptions = {
  runningMax?: number;
  waitingMax?: number;
  cost?: HashCost;
  hasher?: PasswordHasher;
  timer?: Timer;
};

/** Hashing and verification; at most a few run at a time, and the next is chosen by `turns.ts`. */
export type Passwords = {
  /** The hash to store for a password. Throws a `Problem` 503 when too many wait, or the wait is too long. */
  hash(password: string, visitor?: Visitor): Promise<string>;
  /**
   * Whether the hash is of this password; `null`, an account that does not exist, never is, after the same work. Throws a
   * `Problem` 503 when too many wait, or the wait is too long.
   */
  verify(password: string, hash: string | null, visitor?: Visitor): Promise<boolean>;
  /** Whether the hash was made with parameters other than the current ones. */
  isOutdated(hash: string): boolean;
  /** Operations that run, callers that wait, those of them that are known, and those refused since the start. */
  state(): { running: number; waiting: number; waitingKnown: number; refused: number };
};

/** Opens the bounded queue of hashing and verification. */
export function openPasswords({
  runningMax = Math.max(1, availableParallelism() - 1),
  waitingMax = WAITING_MAX,
  cost = COST,
  hasher = argon2id(cost),
  timer,
}: PasswordOptions = {}): Passwords {
  const prefix = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=1$`;
  const places = openPlaces({ placesMax: waitingMax, waitMsMax: WAIT_MS_MAX, ...(timer ? { timer } : {}) });
  const turns = openTurns(() => places.state().waiting > CALM_MAX && rightShare < RIGHT_SHARE_MIN);
  let running = 0;
  let rightShare = 1;

  const whenFree = async <T>(visitor: Visitor, work: () => Promise<T>): Promise<T> => {
    if (running < runningMax) running += 1;
    else await places.wait(turns, visitor, tooMany);
    try {
      return await work();
    } finally {
      // A finished operation hands its slot to one that waits, so that no newcomer overtakes it.
      if (!places.callNext(turns)) running -= 1;
    }
  };

  return {
    hash: (password, visitor = ITSELF) => whenFree(visitor, () => hasher.hash(normalized(password))),
    verify: (password, hash, visitor = ITSELF) =>
      whenFree(visitor, async () => {
        const isRight = (await hasher.verify(normalized(password), hash ?? prefix + DUMMY)) && hash !== null;
        rightShare += NEWEST_SHARE * ((isRight ? 1 : 0) - rightShare);
        return isRight;
      }),
    isOutdated: (hash) => !hash.startsWith(prefix),
    state: () => ({ running, ...places.state() }),
  };
}

const tooMany = (): Problem =>
  new Problem("unavailable", "too many logins at the moment", [], {
    "retry-after": String(RETRY_AFTER_SECONDS),
  });

/** One form for all ways in which keyboards compose the characters of a password. */
const normalized = (password: string): string => password.normalize("NFKC");
