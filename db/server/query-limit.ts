// The limit on queries to a server: so many at once, the next ones wait in order, and none while the server does not answer.
import { DatabaseError } from "../errors.ts";

/** Queries under way at once; the server refuses the 129th of all nodes together. */
const QUERIES_MAX = 8;
const QUERIES_WAITING_MAX = 500;
/** While the server does not answer, one query in this time is let through to try. */
const RETRY_MS = 1_000;

type QueryLimit = {
  /**
   * Runs `work` as soon as fewer than `QUERIES_MAX` queries are under way, and resolves with its result. Rejects with what
   * `work` rejects with, with `overloaded` when too many queries wait, and with `unreachable` at once while the server is
   * known not to answer.
   */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Notes that the server answered. */
  succeeded(): void;
  /** Notes that the server did not answer in time: the queries that wait for it are refused. */
  failed(): void;
  /** Resolves when no query is under way. Never rejects. */
  idle(): Promise<void>;
};

/** Opens the limit for one server; `now` is a clock in milliseconds. */
export function openQueryLimit(now: () => number = performance.now.bind(performance)): QueryLimit {
  let underWay = 0;
  let retryAtMs: number | null = null;
  let waiting: PromiseWithResolvers<void>[] = [];
  const idleWaiters: (() => void)[] = [];
  const leave = () => {
    underWay -= 1;
    waiting.shift()?.resolve();
    if (underWay === 0) for (const resolve of idleWaiters.splice(0)) resolve();
  };
  const admit = () => {
    if (retryAtMs === null) return;
    if (now() < retryAtMs) throw unreachable();
    retryAtMs = now() + RETRY_MS;
  };
  const failed = () => {
    retryAtMs = now() + RETRY_MS;
    const late = waiting;
    waiting = [];
    for (const { reject } of late) reject(unreachable());
  };
  const succeeded = () => {
    retryAtMs = null;
  };
  const turn = (): Promise<void> => {
    if (waiting.length >= QUERIES_WAITING_MAX)
      throw new DatabaseError("overloaded", "too many queries are waiting for the primary");
    const mine = Promise.withResolvers<void>();
    waiting.push(mine);
    return mine.promise;
  };
  return {
    async run(work) {
      admit();
      if (underWay >= QUERIES_MAX) await turn();
      underWay += 1;
      try {
        const result = await work();
        succeeded();
        return result;
      } catch (thrown) {
        if (thrown instanceof DatabaseError && thrown.kind === "unreachable") failed();
        throw thrown;
      } finally {
        leave();
      }
    },
    succeeded,
    failed,
    idle: () => (underWay === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
  };
}

const unreachable = () => new DatabaseError("unreachable", "the primary does not answer queries");
