// A folder that one process at a time may use: the lock is the system's own, so it ends with its holder, however that ends.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Libsql from "libsql";

/** A folder held by this process. */
export type Lock = { release(): void };

/** Takes the folder (made when it is not there); undefined when somebody has it already. */
export function lockFolder(folder: string): Lock | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const handle = new Libsql(join(folder, "lock"), { timeout: 0 });
  try {
    handle.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (thrown) {
    handle.close();
    if (thrown instanceof Error && /locked|busy/i.test(thrown.message)) return undefined;
    throw thrown;
  }
  return {
    release() {
      if (!handle.open) return;
      handle.exec("COMMIT");
      handle.close();
    },
  };
}
