// One process to a replica: two that sync one file corrupt it within seconds.
import Libsql from "libsql";

/** Takes the lock beside the replica; the system gives it back when the process ends, however it does. Throws one sentence. */
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
