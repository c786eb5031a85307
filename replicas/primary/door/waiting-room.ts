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

/** Opens an empty room. */
export function openWaitingRoom(): WaitingRoom {
  const waiting = new Set<{ seen: number | null; go(): void }>();
  const due = (count: number) => [...waiting].filter(({ seen }) => seen !== count);
  return {
    async wait(seen, end, ms) {
      end.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      const request = { seen, go: () => resolve(true) };
      const fail = () => reject(end.reason);
      const late = ms === undefined ? undefined : setTimeout(resolve, ms, false);
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
      for (const { go } of due(count)) go();
    },
    size: () => waiting.size,
  };
}
