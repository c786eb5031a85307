// A replica belongs to one process: two that sync one file corrupt it within seconds.
import Libsql from "../../db/driver.ts";

/** Locks the replica until the process ends, even by a kill. Throws one sentence where another process has the lock. */
export function lockReplica(path: string): { unlock(): void } {
  const handle = new Libsql(`${path}.lock`, { timeout: 0 });
  try {
    handle.exec("BEGIN EXCLUSIVE");
  } catch {
    handle.close();
    throw new Error(`the replica ${path} is in use by another process: give each node its own REPLICA_PATH`);
  }
  return { unlock: () => handle.close() };
}
