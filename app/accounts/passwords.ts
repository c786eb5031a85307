// Password hashing with bounded concurrency, so that logins never starve catalogue requests of CPU time.
import { availableParallelism } from "node:os";
import { Problem } from "../http/problems.ts";

/** The cost of a hash: memory in KiB, and passes over it. */
type HashCost = { memoryCost: number; timeCost: number };

const COST: HashCost = { memoryCost: 19_456, timeCost: 2 };
/** Salt and hash of an account that does not exist, verified so that it takes the same time; no known password has them. */
const DUMMY = "S2YRWbmgXtmDBUPyQmpWhIHjvG1K3bCmBn/F2qAN/UY$KnKfvqU2Lc9tH/94G3hu7IbbgKpQ8iUB1j8D8mCa9yA";
/** A few seconds of work; further requests get 503 with Retry-After. */
const WAITING_MAX = 128;
const RETRY_AFTER_SECONDS = 2;

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
};

/** Hashing and verification; at most a few run at a time. */
export type Passwords = {
  /** The hash to store for a password. Throws a `Problem` 503 when too many callers wait. */
  hash(password: string): Promise<string>;
  /**
   * Whether the hash is of this password; `null`, an account that does not exist, never is, after the same work. Throws a
   * `Problem` 503 when too many callers wait.
   */
  verify(password: string, hash: string | null): Promise<boolean>;
  /** Whether the hash was made with parameters other than the current ones. */
  isOutdated(hash: string): boolean;
  /** Operations that run, and callers that wait. */
  state(): { running: number; waiting: number };
};

/** Opens the bounded queue of hashing and verification. */
export function openPasswords({
  runningMax = Math.max(1, availableParallelism() - 1),
  waitingMax = WAITING_MAX,
  cost = COST,
  hasher = argon2id(cost),
}: PasswordOptions = {}): Passwords {
  const prefix = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=1$`;
  const waiting: (() => void)[] = [];
  let running = 0;

  const whenFree = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < runningMax) running += 1;
    else {
      if (waiting.length >= waitingMax)
        throw new Problem("unavailable", "too many logins at the moment", [], {
          "retry-after": String(RETRY_AFTER_SECONDS),
        });
      // A finished operation hands its slot to the first waiting caller, so that no new one overtakes it.
      await new Promise<void>((go) => waiting.push(go));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };

  return {
    hash: (password) => whenFree(() => hasher.hash(normalized(password))),
    async verify(password, hash) {
      const isRight = await whenFree(() => hasher.verify(normalized(password), hash ?? prefix + DUMMY));
      return isRight && hash !== null;
    },
    isOutdated: (hash) => !hash.startsWith(prefix),
    state: () => ({ running, waiting: waiting.length }),
  };
}

/** One form for all ways in which keyboards compose the characters of a password. */
const normalized = (password: string): string => password.normalize("NFKC");
