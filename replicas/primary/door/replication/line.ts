// A line before something of which only so many may run at once.

export type Line = {
  /** Resolves with the function that leaves the line, once it is one's turn. Rejects when `end` is aborted before. */
  enter(end: AbortSignal): Promise<() => void>;
  running(): number;
  waiting(): number;
};

/** Opens a line of which `runningMax` may be at its head. */
export function openLine(runningMax: number): Line {
  const waiting = new Set<() => void>();
  let running = 0;
  /** A second call of what it returns does nothing. */
  const leaveOnce = () => {
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      running -= 1;
      const [next] = waiting;
      next?.();
    };
  };
  return {
    async enter(end) {
      end.throwIfAborted();
      if (running < runningMax) {
        running += 1;
        return leaveOnce();
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      // Both leave the line at once: a place that is given to a request that has gone would be lost.
      const fail = () => {
        waiting.delete(go);
        reject(end.reason);
      };
      const go = () => {
        waiting.delete(go);
        running += 1;
        resolve();
      };
      waiting.add(go);
      end.addEventListener("abort", fail);
      try {
        await promise;
      } finally {
        end.removeEventListener("abort", fail);
      }
      return leaveOnce();
    },
    running: () => running,
    waiting: () => waiting.size,
  };
}
