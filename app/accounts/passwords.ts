// Passwords: hashed and checked a few at a time, so that signing in never takes the machine from browsing.
import { availableParallelism } from "node:os";
import { Problem } from "../http/problems.ts";

/** Argon2id with 19 MiB and two passes. */
const PARAMETERS = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;
const PREFIX = `$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=1$`;
/** Checked for accounts that are not there, so that they take as long; what it was made of is not known. */
const DUMMY_HASH = `${PREFIX}S2YRWbmgXtmDBUPyQmpWhIHjvG1K3bCmBn/F2qAN/UY$KnKfvqU2Lc9tH/94G3hu7IbbgKpQ8iUB1j8D8mCa9yA`;
/** A few seconds of work: who comes later would rather be told to come back. */
const WAITING_MAX = 128;
const RETRY_AFTER_SECONDS = 2;

/** The costly part, to be counted by tests. */
export type PasswordHasher = {
  hash(password: string): Promise<string>;
  verify(password: string, hash: string): Promise<boolean>;
};

const BUN_HASHER: PasswordHasher = {
  hash: (password) => Bun.password.hash(password, PARAMETERS),
  verify: (password, hash) => Bun.password.verify(password, hash),
};

export type PasswordOptions = { runningMax?: number; waitingMax?: number; hasher?: PasswordHasher };

export type Passwords = ReturnType<typeof openPasswords>;

/** Opens the bounded queue in front of the hashing; when it is full, 503 is thrown and nothing was done. */
export function openPasswords({
  runningMax = Math.max(1, availableParallelism() - 1),
  waitingMax = WAITING_MAX,
  hasher = BUN_HASHER,
}: PasswordOptions = {}) {
  const waiting: (() => void)[] = [];
  let running = 0;

  const whenFree = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < runningMax) running += 1;
    else {
      if (waiting.length >= waitingMax)
        throw new Problem("unavailable", "too many people are signing in", [], {
          "retry-after": String(RETRY_AFTER_SECONDS),
        });
      // Whoever ends hands its place on, so that nobody slips in between.
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
    hash: (password: string): Promise<string> => whenFree(() => hasher.hash(normalized(password))),
    /** Whether it is the password; for `null`, an account that is not there, it is not, after the same work. */
    async verify(password: string, hash: string | null): Promise<boolean> {
      const isRight = await whenFree(() => hasher.verify(normalized(password), hash ?? DUMMY_HASH));
      return isRight && hash !== null;
    },
    /** Whether the hash was made with other parameters than today's. */
    isOutdated: (hash: string): boolean => !hash.startsWith(PREFIX),
    state: () => ({ running, waiting: waiting.length }),
  };
}

/** One password in all the ways that keyboards compose it. */
const normalized = (password: string): string => password.normalize("NFKC");
