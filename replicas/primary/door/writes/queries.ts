// The limit on queries at the door: so many run at once, and the next ones wait in order for as long as their clients say.
import { DatabaseError } from "../../../../db/errors.ts";
import type { Metric } from "../metric.ts";

/** sqld refuses the 129th request of all; the writer, replication and migrations need theirs. */
export const QUERIES_MAX = 16;
const WAITING_MAX = 500;

export type Queries = {
  /**
   * Runs the work when its turn has come. Rejects with what `work` rejects with, and before with `busy` after `waitMs`, or with
   * `overloaded` when too many wait.
   */
  run<T>(waitMs: number, work: () => Promise<T>): Promise<T>;
  metrics(): Metric[];
  /** Resolves when none runs. Never rejects. */
  idle(): Promise<void>;
};

type Turn = { begin(): void; timer: ReturnType<typeof setTimeout> };

/** Opens the limit without a query. */
export function openQueries(): Queries {
  const state = { running: 0, done: 0, refused: 0 };
  const turns = new Set<Turn>();
  let idle: PromiseWithResolvers<void> | undefined;

  const refuse = (kind: "busy" | "overloaded", message: string): DatabaseError => {
    state.refused += 1;
    return new DatabaseError(kind, message);
  };
  const wait = (waitMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const turn: Turn = {
        begin() {
          turns.delete(turn);
          clearTimeout(turn.timer);
          resolve();
        },
        timer: setTimeout(() => {
          turns.delete(turn);
          reject(refuse("busy", "the query waited too long"));
        }, waitMs),
      };
      turns.add(turn);
    });
  const leave = () => {
    const [next] = turns;
    if (next) return next.begin();
    state.running -= 1;
    if (state.running === 0) idle?.resolve();
  };

  return {
    async run(waitMs, work) {
      if (turns.size >= WAITING_MAX) throw refuse("overloaded", "too many queries wait for the primary");
      if (state.running < QUERIES_MAX) state.running += 1;
      else await wait(waitMs);
      try {
        return await work();
      } finally {
        state.done += 1;
        leave();
      }
    },
    metrics: () => [
      { name: "queries_total", help: "Requests with queries.", type: "counter", value: state.done },
      { name: "queries_running", help: "Those that run.", type: "gauge", value: state.running },
      { name: "queries_waiting", help: "Those that wait.", type: "gauge", value: turns.size },
      { name: "queries_refused_total", help: "Those refused.", type: "counter", value: state.refused },
    ],
    async idle() {
      if (state.running === 0) return;
      idle ??= Promise.withResolvers();
      await idle.promise;
      idle = undefined;
    },
  };
}
