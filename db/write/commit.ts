// The transaction of the write queue on a file: one commit for a group of members, each undone alone when it fails.
import type { Statement, Value, WriteResult } from "../database.ts";
import { type DatabaseErrorKind, toDatabaseError } from "../errors.ts";
import { bind, type Handle, openHandle, preparedStatements } from "../read/reader.ts";
import { explained, watchFiles } from "./machine.ts";

const CACHE_KB = 49_152;
/** Pages that the log may grow to before a checkpoint: fewer, larger checkpoints write an index page once, not many times. */
const CHECKPOINT_PAGES = 4_000;

/** The outcome of one member: its results, or the error that undid it, as plain data that can be posted between threads. */
export type Outcome =
  | { ok: true; results: WriteResult[] }
  | { ok: false; kind: DatabaseErrorKind; message: string; columns: string[] };

type Committer = {
  /**
   * Commits the group and returns once it is on disk. Throws `DatabaseError` when the commit itself fails and is undone, or
   * when the file was removed: what is written to a removed file is lost.
   */
  commit(members: Statement[][]): Outcome[];
  /** Moves the log into the file and closes; the log is kept where another process still reads. */
  close(): void;
};

/** Opens the writing handle of a migrated file. Throws `DatabaseError` when the machine does not let it. */
export function openCommitter(path: string): Committer {
  const files = watchFiles(path);
  const handle = openWriting(path);
  const prepare = preparedStatements(handle);

  const run = ({ sql, args = [] }: Statement): WriteResult => {
    const statement = prepare(sql);
    const values: Value[] = bind(args);
    if (!statement.reader) return { changes: statement.run(values).changes, rows: [] };
    const rows = statement.all(values);
    return { changes: rows.length, rows };
  };

  const runMember = (statements: Statement[]): Outcome => {
    handle.exec("SAVEPOINT member");
    try {
      const results = statements.map(run);
      handle.exec("RELEASE member");
      return { ok: true, results };
    } catch (thrown) {
      // A statement or a full disk can undo the whole transaction: the group has failed then, not this member alone.
      if (!handle.inTransaction) throw thrown;
      handle.exec("ROLLBACK TO member; RELEASE member");
      const { kind, message, columns } = toDatabaseError(thrown);
      return { ok: false, kind, message, columns };
    }
  };

  return {
    commit(members) {
      files.refuseIfGone();
      try {
        handle.exec("BEGIN IMMEDIATE");
        const outcomes = members.map(runMember);
        handle.exec("COMMIT");
        files.noteLog();
        return outcomes;
      } catch (thrown) {
        if (handle.inTransaction) handle.exec("ROLLBACK");
        throw explained(thrown, path);
      }
    },
    close() {
      try {
        handle.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } catch {
        // On a full disk the log stays, and the next start continues it.
      }
      handle.close();
    },
  };
}

function openWriting(path: string): Handle {
  try {
    const handle = openHandle(path, CACHE_KB);
    handle.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    );
    return handle;
  } catch (thrown) {
    throw explained(thrown, path);
  }
}
