// A folder that one process at a time may use. The system holds the lock, so it ends with its process, even after a kill.
import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import Libsql from "../../db/driver.ts";

/** The name of the file that is locked. */
export const LOCK_FILE = "lock";

/** The lock of a folder; a second `release` does nothing. */
type Lock = { release(): void };

/**
 * Locks the folder, which is created where it is missing; undefined where another process has the lock. Throws one sentence where
 * the file is a link: the folder may be that of another user, and a link may lead anywhere.
 */
export function lockFolder(folder: string): Lock | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, LOCK_FILE);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new Error(`${path} is a link: remove it`);
  const handle = new Libsql(path, { timeout: 0 });
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
