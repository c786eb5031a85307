// The database on one file: reads on this thread, commits and wide questions on threads of their own.
import type { Outcome } from "./commit.ts";
import type { Database, Row, Statement } from "./database.ts";
import { DatabaseError } from "./errors.ts";
import { openHandle, openReader } from "./reader.ts";
import { openThread } from "./thread.ts";
import { openWriteDoor } from "./write-door.ts";

const READ_CACHE_KB = 8_192;
/** Wide questions that may wait; beyond it the caller is told to come back. */
const SCANS_WAITING_MAX = 256;

/** Opens a migrated file. The threads start when they are first needed. */
export function openFile(path: string): Database {
  const handle = openHandle(path, READ_CACHE_KB);
  const committer = openThread<Statement[][], Outcome[]>(new URL("./commit-worker.ts", import.meta.url), path);
  const scanner = openThread<Statement[], Row[][]>(new URL("./read-worker.ts", import.meta.url), path);
  const door = openWriteDoor((group) => committer.ask(group));

  return {
    read: openReader(handle),
    scan(questions) {
      if (scanner.waiting() >= SCANS_WAITING_MAX)
        return Promise.reject(new DatabaseError("overloaded", "too many wide questions are waiting"));
      return scanner.ask(questions);
    },
    write: door.write,
    writeDoor: door.state,
    async close() {
      await door.idle();
      await committer.close();
      await scanner.close();
      handle.close();
    },
  };
}
