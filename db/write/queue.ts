// The write queue (group commit): one group is under way at a time, and the writes that come meanwhile form the next.
import type { Statement, WriteQueueState, WriteResult } from "../database.ts";
import { DatabaseError, type DatabaseErrorKind, toDatabaseError } from "../errors.ts";
import type { Outcome } from "./commit.ts";
import { type Outages, openOutages, type ReportOutage, writeErrorOf } from "./outage.ts";

/** Writes that may wait; further ones are refused as `overloaded`, and nothing of them was done. */
const QUEUE_MAX = 20_000;
const GROUP_MAX = 2_000;
/** A write that was not sent by then is refused; one that is under way is waited for. */
const DEADLINE_MS = 5_000;
/** So many failed groups in a row open the breaker; it then lets one write a second through to try. */
const FAILURES_MAX = 5;
const RETRY_MS = 1_000;
/** Selects those of a JSON list of write ids that were done. */
export const FIND_DONE = "SELECT id FROM writes WHERE id IN (SELECT value FROM json_each(?))";
const RECORD_WRITE = "INSERT INTO writes (id, at) VALUES (?, ?)";

type Waiter = {
  statements: Statement[];
  writeId: string | undefined;
  expiresAtMs: number;
  wasRetried: boolean;
  resolve(results: WriteResult[]): void;
  reject(error: DatabaseError): void;
};

/** Returns those of the write ids that took effect; called when the outcome of a commit is unknown. */
type FindDone = (ids: string[]) => string[] | Promise<string[]>;

export type WriteQueueOptions = {
  findDone?: FindDone;
  now?: () => number;
  deadlineMs?: number;
  /** One failure of these kinds opens the breaker: the writes that wait would only fail later. */
  opensOn?: readonly DatabaseErrorKind[];
  /** Told when the machine begins and ceases to fail writes, and in between at intervals. */
  onOutage?: ReportOutage;
};

const overloaded = (message: string) => new DatabaseError("overloaded", message);

type WriteQueue = {
  /**
   * Resolves with the result of each statement once the group that holds them is durable. Rejects with `DatabaseError`: the
   * write may have been done where its kind is `uncertain`, and was not done otherwise.
   */
  write(statements: Statement[], writeId?: string): Promise<WriteResult[]>;
  state(): WriteQueueState;
  /** Resolves when every accepted write is settled. Never rejects. */
  idle(): Promise<void>;
};

/** Makes a group durable and returns the outcome of each member; gets the write id of each, which its statements record. */
type CommitGroup = (group: Statement[][], writeIds: (string | undefined)[]) => Promise<Outcome[]>;

/** Opens a queue in front of `commit`. */
export function openWriteQueue(commit: CommitGroup, options: WriteQueueOptions = {}): WriteQueue {
  const { findDone = () => [], now = Date.now, deadlineMs = DEADLINE_MS, opensOn = [], onOutage } = options;
  const breaker = openBreaker(now);
  const outages = openOutages(now, onOutage);
  const waiting = openQueue(now);
  const state = { groupSize: 0, commits: 0, lastCommitMs: 0, members: 0, commitMsTotal: 0 };
  let underway: Promise<void> | undefined;
  let lastFailure: DatabaseError | undefined;

  const commitGroup = async (group: Waiter[]) => {
    const startedAt = performance.now();
    try {
      const members = group.map((waiter) => toMember(waiter, now()));
      const outcomes = await commit(members, group.map(idOf));
      state.commits += 1;
      state.groupSize = group.length;
      state.members += group.length;
      breaker.succeeded();
      noteOutcomes(outages, outcomes);
      for (const [index, waiter] of group.entries()) settle(waiter, outcomes[index]);
    } catch (thrown) {
      const error = toGroupError(thrown);
      lastFailure = error;
      breaker.failed(opensOn.includes(error.kind));
      outages.failed(error, group.length);
      if (error.kind === "uncertain") waiting.putBack(await settleUncertain(group, error, findDone));
      else for (const { reject } of group) reject(error);
    } finally {
      state.lastCommitMs = performance.now() - startedAt;
      state.commitMsTotal += state.lastCommitMs;
    }
    if (breaker.isOpen()) for (const waiter of waiting.takeAll()) refuse(waiter, notTried());
  };

  const notTried = (): DatabaseError => {
    if (lastFailure?.kind !== "unwritable") return overloaded("commits keep failing");
    outages.failed(lastFailure, 1);
    return lastFailure;
  };

  const drain = async () => {
    for (let group = waiting.take(); group.length > 0; group = waiting.take()) await commitGroup(group);
    underway = undefined;
  };

  return {
    write(statements, writeId) {
      if (waiting.size() >= QUEUE_MAX) return Promise.reject(overloaded("too many writes are waiting"));
      if (!breaker.admits()) return Promise.reject(notTried());
      return new Promise((resolve, reject) => {
        const expiresAtMs = now() + deadlineMs;
        waiting.add({ statements, writeId, expiresAtMs, wasRetried: false, resolve, reject });
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

/** Rejects the members that were done or may have been, because their results are lost; returns the others for one retry. */
async function settleUncertain(group: Waiter[], error: DatabaseError, findDone: FindDone): Promise<Waiter[]> {
  const done = await Promise.resolve(group.flatMap(({ writeId }) => writeId ?? []))
    .then(findDone)
    .then(
      (ids) => new Set(ids),
      () => null,
    );
  const retried: Waiter[] = [];
  for (const waiter of group) {
    const { writeId, wasRetried, reject } = waiter;
    if (done === null || writeId === undefined || done.has(writeId)) reject(error);
    else if (wasRetried) reject(new DatabaseError("failed", error.message));
    else retried.push({ ...waiter, wasRetried: true });
  }
  return retried;
}

const GROUP_KINDS: ReadonlySet<string> = new Set(["uncertain", "unreachable", "closed", "busy"]);

/** The error of a whole group. A rule that one member broke cannot be the reason. */
function toGroupError(thrown: unknown): DatabaseError {
  const { kind, message } = toDatabaseError(thrown);
  return writeErrorOf(new DatabaseError(GROUP_KINDS.has(kind) ? kind : "failed", message));
}

/** Refuses a write; one that was sent before may still arrive. */
const refuse = ({ wasRetried, reject }: Waiter, error: DatabaseError): void =>
  reject(wasRetried ? new DatabaseError("uncertain", error.message) : error);

/** The waiting writes in the order they came; each is refused at its deadline. */
function openQueue(now: () => number) {
  let waiting: Waiter[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const refuseLate = () => {
    const nowMs = now();
    const late = waiting.filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
    if (late.length > 0) waiting = waiting.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
    for (const waiter of late) refuse(waiter, overloaded("the write waited too long"));
  };
  const arm = () => {
    const [first] = waiting;
    if (timer !== undefined || first === undefined) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        refuseLate();
        arm();
      },
      Math.max(1, first.expiresAtMs - now()),
    );
    // Does not keep the process alive.
    timer.unref();
  };

  return {
    size: (): number => waiting.length,
    add(waiter: Waiter): void {
      waiting.push(waiter);
      arm();
    },
    putBack(waiters: Waiter[]): void {
      if (waiters.length > 0) waiting = [...waiters, ...waiting];
    },
    /** Removes the next group and returns it; empty when no write waits. */
    take(): Waiter[] {
      refuseLate();
      return waiting.splice(0, GROUP_MAX);
    },
    takeAll: (): Waiter[] => waiting.splice(0),
  };
}

/** A circuit breaker: opens after failures in a row, then admits one write a second until one succeeds. */
function openBreaker(now: () => number) {
  let failures = 0;
  let retryAtMs = 0;
  const isOpen = () => failures >= FAILURES_MAX;
  return {
    isOpen,
    admits(): boolean {
      if (!isOpen()) return true;
      if (now() < retryAtMs) return false;
      retryAtMs = now() + RETRY_MS;
      return true;
    },
    failed(opensAtOnce: boolean): void {
      failures = opensAtOnce ? FAILURES_MAX : failures + 1;
      if (isOpen()) retryAtMs = now() + RETRY_MS;
    },
    succeeded(): void {
      failures = 0;
    },
  };
}
