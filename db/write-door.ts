// The write door: one group under way at a time; what comes meanwhile goes together in the next.
import type { Outcome } from "./commit.ts";
import type { Statement, WriteDoorState, WriteResult } from "./database.ts";
import { DatabaseError, toDatabaseError } from "./errors.ts";

/** Members that may wait; beyond it the door says `overloaded`, and nothing was done. */
const QUEUE_MAX = 20_000;
const GROUP_MAX = 2_000;

type Waiter = {
  statements: Statement[];
  resolve(results: WriteResult[]): void;
  reject(error: DatabaseError): void;
};

/** Opens the door in front of `commit`, which makes a group durable and says what became of each member. */
export function openWriteDoor(commit: (group: Statement[][]) => Promise<Outcome[]>) {
  const queue: Waiter[] = [];
  const state: WriteDoorState = { queued: 0, groupSize: 0, commits: 0 };
  let underway: Promise<void> | undefined;

  const settle = (waiter: Waiter, outcome: Outcome | undefined) => {
    if (outcome?.ok) waiter.resolve(outcome.results);
    else if (outcome) waiter.reject(new DatabaseError(outcome.kind, outcome.message, outcome.columns));
    else waiter.reject(new DatabaseError("unknown", "the group came back short"));
  };

  const commitGroup = async (group: Waiter[]) => {
    try {
      const outcomes = await commit(group.map(({ statements }) => statements));
      state.commits += 1;
      state.groupSize = group.length;
      for (const [at, waiter] of group.entries()) settle(waiter, outcomes[at]);
    } catch (thrown) {
      const error = toDatabaseError(thrown);
      for (const { reject } of group) reject(error);
    }
  };

  const drain = async () => {
    while (queue.length > 0) await commitGroup(queue.splice(0, GROUP_MAX));
    underway = undefined;
  };

  return {
    write(statements: Statement[]): Promise<WriteResult[]> {
      if (queue.length >= QUEUE_MAX)
        return Promise.reject(new DatabaseError("overloaded", "too many writes are waiting"));
      return new Promise((resolve, reject) => {
        queue.push({ statements, resolve, reject });
        underway ??= drain();
      });
    },
    state: (): WriteDoorState => ({ ...state, queued: queue.length }),
    /** Resolves when everything that was accepted is settled. */
    idle: async (): Promise<void> => {
      while (underway) await underway;
    },
  };
}
