// Requests that wait until they are let go, their time is over, or they end.

export type WaitingRoom = {
  /**
   * Resolves when the request is let go, or after `ms`. Rejects when `end` is aborted. `seen` is the count of news that the
   * request has looked at already, `null` where it has not looked yet.
   */
  wait(seen: number | null, end: AbortSignal, ms?: number): Promise<void>;
  /** Whether a request has not seen this count of news. */
  isDue(count: number): boolean;
  /** Lets those go that have not seen this count of news. */
  letGo(count: number): void;
  size(): number;
};

/** Opens an empty room. */
export function openWaitingRoom(): WaitingRoom {
  const waiting = new Set<{ seen: number | null; go(): void }>();
  const due = (count: number) => [...waiting].filter(({ seen }) => seen !== count);
  return {
    async wait(seen, end, ms) {
      end.throwIfAborted();
      const { promise, resolve: go, reject } = Promise.withResolvers<void>();
      const request = { seen, go };
      const fail = () => reject(end.reason);
      const late = ms === undefined ? undefined : setTimeout(go, ms);
      waiting.add(request);
      end.addEventListener("abort", fail);
      try {
        await promise;
      } finally {
        clearTimeout(late);
        waiting.delete(request);
        end.removeEventListener("abort", fail);
      }
    },
    isDue: (count) => due(count).length > 0,
    letGo(count) {
      for (const { go } of due(count)) go();
    },
    size: () => waiting.size,
  };
}
