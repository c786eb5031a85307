// Requests that wait until they are let go, their time is over, or they end.

export type WaitingRoom = {
  /**
   * Resolves with `true` when the request is let go, with `false` after `ms`. Rejects when `end` is aborted. `seen` is the count of news that the
   * request has looked at already, `null` where it has not looked yet.
   */
  wait(seen: number | null, end: AbortSignal, ms?: number): Promise<boolean>;
  /** Whether a request has not seen this count of news. */
  isDue(count: number): boolean;
  /** Lets those go that have not seen this count of news. */
  letGo(count: number): void;
  size(): number;
};

type Waiting = { seen: number | null; lateAtMs: number; settle(isLetGo: boolean): void };

/**
 * When the time of one request is over, so is that of those with less than this left: they then share a look at sqld, and come
 * back together. Replicas without news take the same moment of each second after a while.
 */
const TOGETHER_MS = 500;

/** Opens an empty room. */
export function openWaitingRoom(): WaitingRoom {
  const waiting = new Set<Waiting>();
  const due = (count: number) => [...waiting].filter(({ seen }) => seen !== count);
  const endLate = () => {
    const untilMs = performance.now() + TOGETHER_MS;
    for (const { lateAtMs, settle } of waiting) if (lateAtMs <= untilMs) settle(false);
  };
  return {
    async wait(seen, end, ms) {
      end.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      const request: Waiting = { seen, lateAtMs: performance.now() + (ms ?? Infinity), settle: resolve };
      const fail = () => reject(end.reason);
      const late = ms === undefined ? undefined : setTimeout(endLate, ms);
      waiting.add(request);
      end.addEventListener("abort", fail);
      try {
        return await promise;
      } finally {
        clearTimeout(late);
        waiting.delete(request);
        end.removeEventListener("abort", fail);
      }
    },
    isDue: (count) => due(count).length > 0,
    letGo(count) {
      for (const { settle } of due(count)) settle(true);
    },
    size: () => waiting.size,
  };
}
