// Requests that wait until the replica is as new as their version, each for a limited time.
import type { Position } from "../../db/database.ts";

/** Further requests do not wait: the primary answers them. */
const WAITERS_MAX = 5_000;

export type Waiters = {
  /** Resolves with whether the replica, now at `position`, gets as new as `wanted` within `ms`. Never rejects. */
  wait(wanted: Position, position: Position | null, ms: number): Promise<boolean>;
  /** Resolves the waits for this position, which the replica has now, and for older ones. */
  advance(position: Position | null): void;
  /** Resolves all waits with `false`. */
  refuseAll(): void;
  size(): number;
};

/** Whether a copy at `position` contains everything up to `wanted`. */
export const isAsNew = (position: Position | null, wanted: Position): boolean =>
  position !== null && position.generation === wanted.generation && position.seq >= wanted.seq;

/** Opens an empty list. */
export function openWaiters(): Waiters {
  const waiting = new Set<{ wanted: Position; settle(isThere: boolean): void }>();
  return {
    wait(wanted, position, ms) {
      if (isAsNew(position, wanted)) return Promise.resolve(true);
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
    advance(position) {
      for (const waiter of waiting) if (isAsNew(position, waiter.wanted)) waiter.settle(true);
    },
    refuseAll() {
      for (const waiter of waiting) waiter.settle(false);
    },
    size: () => waiting.size,
  };
}
