// The last good copy of a node's replica, which is served when a foreign dataset got into the replica.
import { existsSync, rmSync, statSync } from "node:fs";
import type { NodeLog } from "./log.ts";

/** Times in milliseconds; tests shorten them. */
type CopyTimes = {
  /** A copy that is older than this is renewed. */
  copyEveryMs: number;
  checkEveryMs: number;
  /** The time before the first check, which leaves the start to the first requests. */
  firstCheckMs: number;
};

const TIMES: CopyTimes = { copyEveryMs: 60 * 60_000, checkEveryMs: 60_000, firstCheckMs: 2_000 };

export type CopySchedule = { stop(): void };

/** The path of a replica's last good copy. */
export const goodCopyOf = (path: string): string => `${path}.good`;

/** The time of the copy; 0 without one. */
export const goodCopyAtMs = (path: string): number =>
  existsSync(goodCopyOf(path)) ? statSync(goodCopyOf(path)).mtimeMs : 0;

/** Renews the copy until it is stopped; `dataset` returns what the copy must hold, or `null` while none may be made. */
export function openCopySchedule(
  path: string,
  dataset: () => string | null,
  log: NodeLog,
  { copyEveryMs, checkEveryMs, firstCheckMs }: CopyTimes = TIMES,
): CopySchedule {
  let isStopped = false;
  let timer = setTimeout(renewIfOld, firstCheckMs);
  async function renewIfOld(): Promise<void> {
    try {
      const wanted = dataset();
      if (wanted !== null && Date.now() - goodCopyAtMs(path) >= copyEveryMs) await makeGoodCopy(path, wanted);
    } catch (thrown) {
      log("warn", "the last good copy could not be renewed", { why: String(thrown) });
    }
    // It was stopped during the copy.
    if (isStopped) return;
    timer = setTimeout(renewIfOld, checkEveryMs);
    timer.unref();
  }
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** Copies the replica on a thread of its own. Rejects with the reason, also where the replica holds another dataset. */
export function makeGoodCopy(path: string, dataset: string): Promise<void> {
  const worker = new Worker(new URL("./copy-worker.ts", import.meta.url));
  return new Promise<void>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<string | null>) =>
      data === null ? resolve() : reject(new Error(data));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ from: path, to: goodCopyOf(path), dataset });
  }).finally(() => worker.terminate());
}

/** Removes the replica and the files beside it, so that it is fetched again. The good copy stays. */
export function removeReplica(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-client_wal_index", ".dataset"])
    rmSync(`${path}${suffix}`, { force: true });
}
