// What the door counts of its commits: how long members wait and transactions take, and how often sqld is locked.
import type { WriteQueueState } from "../../../../db/database.ts";
import { DatabaseError } from "../../../../db/errors.ts";
import type { Metric } from "../metric.ts";

export type CommitCounts = {
  /** Notes that the member with this id begins to wait. */
  arrived(id: string): void;
  /** Notes that members are sent; the time of each counts once. */
  sent(ids: readonly (string | undefined)[]): void;
  /** Notes that a member is settled. */
  settled(id: string): void;
  /** Runs the work of a transaction and counts it. */
  timed<T>(work: () => Promise<T>): Promise<T>;
  metrics(queue: WriteQueueState): Metric[];
};

/** Opens the counts. */
export function openCommitCounts(): CommitCounts {
  const arrivals = new Map<string, number>();
  const count = { waitMs: 0, commitMs: 0, busy: 0, lost: 0 };
  return {
    arrived(id) {
      arrivals.set(id, performance.now());
    },
    sent(ids) {
      const nowMs = performance.now();
      for (const id of ids) {
        const arrivedAt = arrivals.get(id ?? "");
        if (id === undefined || arrivedAt === undefined) continue;
        arrivals.delete(id);
        count.waitMs += nowMs - arrivedAt;
      }
    },
    settled(id) {
      arrivals.delete(id);
    },
    async timed(work) {
      const startedAt = performance.now();
      try {
        return await work();
      } catch (thrown) {
        if (thrown instanceof DatabaseError && thrown.kind === "busy") count.busy += 1;
        if (thrown instanceof DatabaseError && thrown.kind === "uncertain") count.lost += 1;
        throw thrown;
      } finally {
        count.commitMs += performance.now() - startedAt;
      }
    },
    metrics: (queue) => metricsOf(queue, count),
  };
}

type Count = { waitMs: number; commitMs: number; busy: number; lost: number };

const metricsOf = (queue: WriteQueueState, { waitMs, commitMs, busy, lost }: Count): Metric[] => [
  { name: "commits_total", help: "Transactions committed.", type: "counter", value: queue.commits },
  { name: "members_total", help: "Members of these transactions.", type: "counter", value: queue.members },
  { name: "group_members", help: "Members of the last one.", type: "gauge", value: queue.groupSize },
  {
    name: "commit_seconds_total",
    help: "Time that transactions took, those that failed included.",
    type: "counter",
    value: commitMs / 1_000,
  },
  {
    name: "wait_seconds_total",
    help: "Time that members waited before they were sent first.",
    type: "counter",
    value: waitMs / 1_000,
  },
  {
    name: "busy_total",
    help: "Transactions that a locked database refused, and that were sent again.",
    type: "counter",
    value: busy,
  },
  {
    name: "lost_total",
    help: "Transactions without an answer in time, whose members were looked for by their ids.",
    type: "counter",
    value: lost,
  },
  { name: "members_waiting", help: "Members that wait.", type: "gauge", value: queue.queued },
  {
    name: "breaker_open",
    help: "Whether members are refused, because sqld does not answer.",
    type: "gauge",
    value: queue.breaker === "open" ? 1 : 0,
  },
];
