// The database on one file: reads on this thread, commits and wide questions on threads of their own.
import type { Outcome } from "./commit.ts";
import type { Database, Row, Statement } from "./database.ts";
import { DatabaseError } from "./errors.ts";
import { openHandle, openReader } from "./reader.ts";
import { openThread } from "./thread.ts";
import { openWriteDoor } from "./write-door.ts";

const READ_CACHE_KB = 32_768;
/** Wide questions that may wait; beyond it the caller is told to come back. */
const SCANS_WAITING_MAX = 256;
const FIND_DONE = "SELECT id FROM writes WHERE id IN (SELECT value FROM json_each(?))";

/** A question whose thread died may simply be asked again. */
function asRefusal(error: DatabaseError): never {
  throw error.kind === "uncertain" ? new DatabaseError("busy", error.message) : error;
}

/** Opens a migrated file; `readCacheKb` is the serving thread's page cache. The threads start when they are first needed. */
export function openFile(path: string, readCacheKb = READ_CACHE_KB): Database {
  const handle = openHandle(path, readCacheKb);
  const committer = openThread<Statement[][], Outcome[]>(
    new URL("./commit-worker.ts", import.meta.url),
    path,
  );
  const scanner = openThread<Statement[], Row[][]>(new URL("./read-worker.ts", import.meta.url), path);
  const reader = openReader(handle);
  const door = openWriteDoor((group) => committer.ask(group), {
    findDone: (ids) => reader.all<[string]>(FIND_DONE, JSON.stringify(ids)).map(([id]) => id),
  });

  let closing: Promise<void> | undefined;
  const refused = () => new DatabaseError("closed", "the database is closed");
  const closeAll = async () => {
    await door.idle();
    await scanner.close();
    await committer.close();
    handle.close();
    const refuse = () => {
      throw refused();
    };
    database.read = { get: refuse, all: refuse };
  };

  const database: Database = {
    read: reader,
    scan(questions) {
      if (closing) return Promise.reject(refused());
      if (scanner.waiting() >= SCANS_WAITING_MAX)
        return Promise.reject(new DatabaseError("overloaded", "too many wide questions are waiting"));
      return scanner.ask(questions).catch(asRefusal);
    },
    newest: async (work) => work(database),
    write: (statements, writeId) => (closing ? Promise.reject(refused()) : door.write(statements, writeId)),
    writeDoor: door.state,
    // One's own writes are in the file already.
    written: () => null,
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
  return database;
}
