// Requests that wait until the replica is as new as their version, each for a bounded time.
import type { Position } from "../../db/database.ts";

/** More than this need not wait: the primary answers them. */
const WAITERS_MAX = 5_000;

export type Waiters = {
  /** Resolves with whether the replica, now at `at`, gets as new as `wanted` within `ms`. Never rejects. */
  wait(wanted: Position, at: Position | null, ms: number): Promise<boolean>;
  /** Answers those that wait for this position or an older one: the replica has it now. */
  tell(at: Position | null): void;
  /** Answers all that wait with `false`. */
  dismiss(): void;
  size(): number;
};

/** Whether the one position knows everything that the other does. */
export const isAsNew = (at: Position | null, wanted: Position): boolean =>
  at !== null && at.generation === wanted.generation && at.seq >= wanted.seq;

/** Opens an empty list. */
export function openWaiters(): Waiters {
  const waiting = new Set<{ wanted: Position; settle(isThere: boolean): void }>();
  return {
    wait(wanted, at, ms) {
      if (isAsNew(at, wanted)) return Promise.resolve(true);
      if (waiting.size >= WAITERS_MAX) return Promise.resolve(false);
      return new Promise((resolve) => {
        const waiter = {
          wanted,
          settle(isThere: boolean): void {
            clearTimeout(timer);
            waiting.delete(waiter);
            resolve(isThere);
          },
        };
        const timer = setTimeout(() => waiter.settle(false), ms);
        waiting.add(waiter);
      });
    },
    tell(at) {
      for (const waiter of waiting) if (isAsNew(at, waiter.wanted)) waiter.settle(true);
    },
    dismiss() {
      for (const waiter of waiting) waiter.settle(false);
    },
    size: () => waiting.size,
  };
}
