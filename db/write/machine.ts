// What the machine says about the database's files where SQLite says too little: removed files, and the system's own words.
import { closeSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { DatabaseError, toDatabaseError } from "../errors.ts";
import { messageOf } from "../message.ts";

/** The files of an open database. */
type WatchedFiles = {
  /** Throws `DatabaseError` when the file or its log was removed or replaced while it is open. */
  refuseIfGone(): void;
  /** Notes the log, which SQLite makes with the first write. */
  noteLog(): void;
};

/** Watches the files of the migrated database at this path. Throws `DatabaseError` when it is not there: SQLite would make an empty one. */
export function watchFiles(path: string): WatchedFiles {
  const logPath = `${path}-wal`;
  const file = inodeOf(path);
  let log: number | null = null;
  if (file === null) throw gone("the database file");
  return {
    refuseIfGone() {
      // SQLite goes on writing to a removed file, which is lost once it is closed.
      if (inodeOf(path) !== file) throw gone("the database file");
      if (log !== null && inodeOf(logPath) !== log) throw gone("the database's log file");
    },
    noteLog() {
      log ??= inodeOf(logPath);
    },
  };
}

const inodeOf = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.ino ?? null;

const gone = (what: string) =>
  new DatabaseError("failed", `ENOENT: ${what} was removed or replaced: put it back or restart the shop`);

/** Errors of SQLite that have many causes. */
const SHORT = /disk I\/O error|unable to open|readonly database/i;
const PAGE_BYTES = 4_096;

/** The error of a write, with SQLite's code and the system's words where its own message does not tell the cause. */
export function explained(thrown: unknown, path: string): DatabaseError {
  const error = toDatabaseError(thrown);
  if (!SHORT.test(error.message)) return error;
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const causes = [code, causeOf(path)].filter((each) => each !== "").join(", ");
  const message = causes === "" ? error.message : `${error.message} (${causes})`;
  return new DatabaseError(error.kind, message, error.columns);
}

/** Tries what a write does: opens the file and writes a page beside it. Empty when that works. */
function causeOf(path: string): string {
  const probe = `${path}-probe`;
  try {
    closeSync(openSync(path, "r+"));
    writeFileSync(probe, new Uint8Array(PAGE_BYTES), { mode: 0o600, flush: true });
    return "";
  } catch (thrown) {
    // Without the path, which stands behind a comma.
    return messageOf(thrown).split(",", 1)[0] ?? "";
  } finally {
    rmSync(probe, { force: true });
  }
}
