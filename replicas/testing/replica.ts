// What tests of nodes share: the end of a node's thread, which may come after the end of the node.
import { existsSync } from "node:fs";
import { until } from "../../db/until.ts";
import { lockReplica } from "../node/lock.ts";

/**
 * Waits until no thread uses these replicas. A thread that waits for the primary outlives its node for seconds; `bun test` may end
 * it at the end of the file, which crashes the process (the driver aborts), and with it the tests of other files.
 */
export async function untilUnused(...paths: string[]): Promise<void> {
  for (const path of paths) await until(`the end of the thread of ${path}`, () => isUnused(path));
}

function isUnused(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    lockReplica(path).unlock();
    return true;
  } catch {
    return false;
  }
}
