// The last good copy of a node's replica, which is served when a foreign dataset got into the replica.
import { existsSync, rmSync, statSync } from "node:fs";
import type { NodeLog } from "./log.ts";

/** A copy that is older than this is renewed. */
const COPY_EVERY_MS = 60 * 60_000;
const CHECK_EVERY_MS = 60_000;
/** Leaves the start to the first requests. */
const FIRST_CHECK_MS = 2_000;

export type CopySchedule = { stop(): void };

/** The path of a replica's last good copy. */
export const goodCopyOf = (path: string): string => `${path}.good`;

/** The time of the copy; 0 without one. */
export const goodCopyAtMs = (path: string): number =>
  existsSync(goodCopyOf(path)) ? statSync(goodCopyOf(path)).mtimeMs : 0;

/** Renews the copy until it is stopped; `dataset` returns what the copy must hold, or `null` while none may be made. */
export function openCopySchedule(path: string, dataset: () => string | null, log: NodeLog): CopySchedule {
  let timer = setTimeout(renewIfOld, FIRST_CHECK_MS);
  async function renewIfOld(): Promise<void> {
    try {
      const wanted = dataset();
      if (wanted !== null && Date.now() - goodCopyAtMs(path) >= COPY_EVERY_MS)
        await makeGoodCopy(path, wanted);
    } catch (thrown) {
      log("warn", "the last good copy could not be renewed", { why: String(thrown) });
    }
    timer = setTimeout(renewIfOld, CHECK_EVERY_MS);
    timer.unref();
  }
  return { stop: () => clearTimeout(timer) };
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
