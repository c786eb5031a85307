// A log for what may fail again and again: each message at most once a minute, with the number of those left out.
import type { Log } from "../../log.ts";

const MINUTE_MS = 60_000;

/** Opens it in front of a log. */
export function openSparseLog(log: Pick<Log, "warn">, now: () => number): Pick<Log, "warn"> {
  const known = new Map<string, { atMs: number; leftOut: number }>();
  return {
    warn(message, fields = {}) {
      const last = known.get(message);
      const nowMs = now();
      if (last && nowMs - last.atMs < MINUTE_MS) {
        last.leftOut += 1;
        return;
      }
      known.set(message, { atMs: nowMs, leftOut: 0 });
      log.warn(message, last && last.leftOut > 0 ? { ...fields, leftOut: last.leftOut } : fields);
    },
  };
}
