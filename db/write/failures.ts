// What becomes of the writes of a group that failed as a whole: they are refused, or sent again.
import { DatabaseError, type DatabaseErrorKind, toDatabaseError } from "../errors.ts";
import type { Breaker } from "./breaker.ts";
import { type Outages, writeErrorOf } from "./outage.ts";
import type { Waiter, Waiting } from "./waiting.ts";

/** The unit of the random pause before a group goes to a busy database again. */
const BUSY_PAUSE_MS = 40;

/** Returns those of the write ids that took effect; called when the outcome of a commit is unknown. */
export type FindDone = (ids: string[]) => string[] | Promise<string[]>;

/** A write that ran out of time alone goes once more where its client waits at least `patienceMs` longer. */
export type Isolation = { patienceMs: number };

/** Whether others hold the database's write lock, so that a group that was not done in time may not have begun. */
export type IsLocked = () => Promise<boolean>;

export type Failures = {
  /** Settles the group, or puts its writes back to those that wait. Never rejects. */
  settle(group: Waiter[], thrown: unknown): Promise<void>;
  /** The error of a write that is refused because the breaker is open. */
  notTried(): DatabaseError;
};

type FailureOptions = {
  breaker: Breaker;
  outages: Outages;
  waiting: Waiting;
  findDone: FindDone;
  isLocked: IsLocked;
  opensOn: readonly DatabaseErrorKind[];
  retriesBusy: boolean;
  retriesLost: boolean;
  isolates: Isolation | null;
  now(): number;
};

/** Opens the failures of one write queue. */
export function openFailures(options: FailureOptions): Failures {
  const { breaker, outages, waiting, findDone, isLocked, opensOn, now } = options;
  const { retriesBusy, retriesLost, isolates } = options;
  let last: DatabaseError | undefined;

  const note = (error: DatabaseError, writes: number, isForgiven = false) => {
    last = error;
    // A busy database works, and so does one that refuses the write of a single client.
    const works = error.kind === "busy" || (isolates !== null && error.kind === "failed");
    if (!works) breaker.failed(opensOn.includes(error.kind) && !isForgiven);
    outages.failed(error, writes);
  };
  const settleLost = async (group: Waiter[], error: DatabaseError) => {
    const done = await idsDone(group, findDone);
    const isForgiven = retriesLost && done !== null && !group.some(({ wasRetried }) => wasRetried);
    if (!isolates || done === null) note(error, group.length, isForgiven);
    const isGuiltless = isolates && done !== null && (await isLocked());
    const sendAgain = isolates ? alone(isolates, now()) : once;
    waiting.putBack(settleUncertain(group, error, done, isGuiltless ? again : sendAgain));
  };

  return {
    async settle(group, thrown) {
      const error = toGroupError(thrown);
      if (error.kind === "uncertain") return settleLost(group, error);
      if (error.kind === "busy" && retriesBusy) {
        waiting.putBack(group);
        return Bun.sleep(Math.random() * BUSY_PAUSE_MS);
      }
      if (error.kind === "failed" && isolates && group.length > 1)
        return waiting.putBack(group.map((waiter) => ({ ...waiter, attempt: 1 })));
      note(error, group.length);
      for (const { reject } of group) reject(error);
    },
    notTried() {
      if (last?.kind !== "unwritable") return new DatabaseError("overloaded", "commits keep failing");
      outages.failed(last, 1);
      return last;
    },
  };
}

/** Those of the group's write ids that were done; `null` where the database does not answer. */
const idsDone = (group: Waiter[], findDone: FindDone): Promise<Set<string> | null> =>
  Promise.resolve(group.flatMap(({ writeId }) => writeId ?? []))
    .then(findDone)
    .then(
      (ids) => new Set(ids),
      () => null,
    );

/** The write as it is sent again; `null` where it was sent often enough. */
type SendAgain = (waiter: Waiter) => Waiter | null;

const again: SendAgain = (waiter) => ({ ...waiter, wasRetried: true });
const once: SendAgain = (waiter) => (waiter.wasRetried ? null : again(waiter));

const alone =
  ({ patienceMs }: Isolation, nowMs: number): SendAgain =>
  (waiter) => {
    if (waiter.attempt === 0) return { ...waiter, wasRetried: true, attempt: 1 };
    const isPatient = waiter.attempt === 1 && waiter.expiresAtMs >= nowMs + patienceMs;
    return isPatient ? { ...waiter, attempt: 2 } : null;
  };

/** Rejects the writes that were done or may have been, because their results are lost; returns the others to be sent again. */
function settleUncertain(
  group: Waiter[],
  error: DatabaseError,
  done: Set<string> | null,
  sendAgain: SendAgain,
): Waiter[] {
  const retried: Waiter[] = [];
  for (const waiter of group) {
    const { writeId, reject } = waiter;
    const next = sendAgain(waiter);
    if (done === null || writeId === undefined || done.has(writeId)) reject(error);
    else if (next) retried.push(next);
    else reject(new DatabaseError("failed", error.message));
  }
  return retried;
}

const GROUP_KINDS: ReadonlySet<string> = new Set(["uncertain", "unreachable", "closed", "busy"]);

/** The error of a whole group. A rule that one member broke cannot be the reason. */
function toGroupError(thrown: unknown): DatabaseError {
  const { kind, message } = toDatabaseError(thrown);
  return writeErrorOf(new DatabaseError(GROUP_KINDS.has(kind) ? kind : "failed", message));
}
