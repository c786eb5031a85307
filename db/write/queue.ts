// The write queue (group commit): one group is under way at a time, and the writes that come meanwhile form the next.
import type { Statement, WriteQueueState, WriteResult } from "../database.ts";
import { DatabaseError, type DatabaseErrorKind } from "../errors.ts";
import { openBreaker } from "./breaker.ts";
import type { Outcome } from "./commit.ts";
import { type FindDone, type IsLocked, type Isolation, openFailures } from "./failures.ts";
import { type Outages, openOutages, type ReportOutage, writeErrorOf } from "./outage.ts";
import { type Attempt, bytesOf, type GroupBounds, openWaiting, refuse, type Waiter } from "./waiting.ts";

/** Writes that may wait; further ones are refused as `overloaded`, and nothing of them was done. */
const QUEUE_MAX = 20_000;
/** A door refuses more than 16 MB, which text of two million characters can be as JSON. */
const GROUP: GroupBounds = { members: 2_000, bytes: 2_000_000 };
/** A write that was not sent by then is refused; one that is under way is waited for. */
const DEADLINE_MS = 5_000;
/** Selects those of a JSON list of write ids that were done. */
export const FIND_DONE = "SELECT id FROM writes WHERE id IN (SELECT value FROM json_each(?))";
const RECORD_WRITE = "INSERT INTO writes (id, at) VALUES (?, ?)";

export type WriteQueueOptions = {
  findDone?: FindDone;
  now?: () => number;
  deadlineMs?: number;
  /** One failure of these kinds opens the breaker: the writes that wait would only fail later. */
  opensOn?: readonly DatabaseErrorKind[];
  /** Told when the machine begins and ceases to fail writes, and in between at intervals. */
  onOutage?: ReportOutage;
  group?: GroupBounds;
  /** The kind by which a write is refused at its deadline. */
  lateKind?: DatabaseErrorKind;
  /** Sends a group that the database was too busy for again until its writes are late; without it the group fails. */
  retriesBusy?: boolean;
  /**
   * A group whose outcome was lost does not open the breaker where `findDone` answers, so that those of its writes that were not
   * done are sent once more; a second loss does.
   */
  retriesLost?: boolean;
  /**
   * The members come from different clients: those of a group that failed as a whole, or ran out of time without being done, go
   * again, each alone, and none of that opens the breaker. Every write must have an id.
   */
  isolates?: Isolation;
  /** Asked when a group of an isolating queue ran out of time: where the lock was the reason, it goes again as a group. */
  isLocked?: IsLocked;
  /** Writes of a group that are answered in one turn of the event loop, so that other requests come in between; all by default. */
  answersAtOnce?: number;
};

/** How a write waits; without terms as the queue's options say. */
export type WriteTerms = { deadlineMs?: number; source?: unknown };

const overloaded = (message: string) => new DatabaseError("overloaded", message);

export type WriteQueue = {
  /**
   * Resolves with the result of each statement once the group that holds them is durable. Rejects with `DatabaseError`: the
   * write may have been done where its kind is `uncertain`, and was not done otherwise.
   */
  write(statements: Statement[], writeId?: string, terms?: WriteTerms): Promise<WriteResult[]>;
  state(): WriteQueueState;
  /** Closes the breaker, because the database is known to work again. */
  closeBreaker(): void;
  /** Resolves when every accepted write is settled. Never rejects. */
  idle(): Promise<void>;
};

/**
 * Makes a group durable and returns the outcome of each member; gets the write id of each, which its statements record, and how
 * often its only member was sent before (`0` for a group).
 */
type CommitGroup = (
  group: Statement[][],
  writeIds: (string | undefined)[],
  attempt: Attempt,
) => Promise<Outcome[]>;

/** Opens a queue in front of `commit`. */
export function openWriteQueue(commit: CommitGroup, options: WriteQueueOptions = {}): WriteQueue {
  const { findDone = () => [], now = Date.now, deadlineMs = DEADLINE_MS, opensOn = [], onOutage } = options;
  const { retriesBusy = false, retriesLost = false, isolates = null } = options;
  const { group = GROUP, lateKind = "overloaded", isLocked = async () => false } = options;
  const { answersAtOnce = Number.POSITIVE_INFINITY } = options;
  const breaker = openBreaker(now);
  const outages = openOutages(now, onOutage);
  const waiting = openWaiting({ now, group, lateKind });
  const retries = { retriesBusy, retriesLost, isolates };
  const failures = openFailures({ breaker, outages, waiting, findDone, isLocked, opensOn, now, ...retries });
  const state = { groupSize: 0, commits: 0, lastCommitMs: 0, members: 0, commitMsTotal: 0 };
  let underway: Promise<void> | undefined;
  const commitGroup = async (group: Waiter[]) => {
    const startedAt = performance.now();
    let outcomes: Outcome[] | undefined;
    try {
      const members = group.map((waiter) => toMember(waiter, now()));
      outcomes = await commit(members, group.map(idOf), group[0]?.attempt ?? 0);
      state.commits += 1;
      state.groupSize = group.length;
      state.members += group.length;
      breaker.succeeded();
      noteOutcomes(outages, outcomes);
    } catch (thrown) {
      await failures.settle(group, thrown);
    } finally {
      state.lastCommitMs = performance.now() - startedAt;
      state.commitMsTotal += state.lastCommitMs;
    }
    if (outcomes) await answer(group, outcomes, answersAtOnce);
    if (breaker.isOpen()) for (const waiter of waiting.takeAll()) refuse(waiter, failures.notTried());
  };

  const drain = async () => {
    for (let group = waiting.take(); group.length > 0; group = waiting.take()) await commitGroup(group);
    underway = undefined;
  };

  return {
    write(statements, writeId, { deadlineMs: ownMs = deadlineMs, source } = {}) {
      if (waiting.size() >= QUEUE_MAX) return Promise.reject(overloaded("too many writes are waiting"));
      if (!breaker.admits()) return Promise.reject(failures.notTried());
      return new Promise((resolve, reject) => {
        const bytes = bytesOf(statements);
        const terms = { expiresAtMs: now() + ownMs, source, bytes, wasRetried: false, attempt: 0 as const };
        waiting.add({ statements, writeId, ...terms, resolve, reject });
        underway ??= drain();
      });
    },
    state: () => ({
      ...state,
      queued: waiting.size(),
      breaker: breaker.isOpen() ? "open" : "closed",
      outage: outages.current(),
      failures: outages.totals(),
    }),
    closeBreaker: breaker.succeeded,
    idle: async () => {
      while (underway) await underway;
    },
  };
}

const idOf = ({ writeId }: Waiter) => writeId;

const toMember = ({ statements, writeId }: Waiter, nowMs: number): Statement[] =>
  writeId === undefined ? statements : [{ sql: RECORD_WRITE, args: [writeId, nowMs] }, ...statements];

/** Notes the members that the machine failed; the group of others that took effect ends the outage. */
function noteOutcomes(outages: Outages, outcomes: Outcome[]): void {
  const errors = outcomes.flatMap((outcome) => (outcome.ok ? [] : errorOf(outcome)));
  const unwritable = errors.filter(({ kind }) => kind === "unwritable");
  if (unwritable[0]) outages.failed(unwritable[0], unwritable.length);
  else if (errors.length < outcomes.length) outages.succeeded();
}

/** Settles the writes of a group in their order, some in each turn of the event loop. */
async function answer(group: Waiter[], outcomes: Outcome[], atOnce: number): Promise<void> {
  for (const [index, waiter] of group.entries()) {
    if (index > 0 && index % atOnce === 0) await new Promise((resolve) => setImmediate(resolve));
    settle(waiter, outcomes[index]);
  }
}

function settle({ writeId, wasRetried, resolve, reject }: Waiter, outcome: Outcome | undefined): void {
  if (outcome?.ok) resolve(writeId === undefined ? outcome.results : outcome.results.slice(1));
  // The first attempt arrived late after all: it was done, and its results are lost.
  else if (wasRetried && outcome?.columns.includes("writes.id"))
    reject(new DatabaseError("uncertain", outcome.message));
  else if (outcome) reject(errorOf(outcome));
  else reject(new DatabaseError("unknown", "the commit returned no outcome for this write"));
}

const errorOf = ({ kind, message, columns }: Outcome & { ok: false }): DatabaseError =>
  writeErrorOf(new DatabaseError(kind, message, columns));
