// The database on one file: reads on this thread, commits and wide queries on threads of their own.
import type { Database, Statement } from "./database.ts";
import { DatabaseError } from "./errors.ts";
import { openCopy, READ_CACHE_KB } from "./read/copy.ts";
import { openThread } from "./thread.ts";
import type { Outcome } from "./write/commit.ts";
import { FIND_DONE, openWriteQueue, type WriteQueueOptions } from "./write/queue.ts";

/**
 * Writes that are answered in one turn: what follows one, such as the next step of an order, takes the serving thread about 0.1 ms,
 * and reads wait that long for each. More at once would only spare a few statements that are written together.
 */
const ANSWERS_AT_ONCE = 8;

/** A write waits at most `deadlineMs` to be sent, by `now`; without it the queue's own limit holds. */
type FileOptions = Pick<WriteQueueOptions, "deadlineMs" | "now" | "onOutage">;

/** Opens a migrated file; `readCacheKb` is the page cache of the serving thread. Other threads start with their first call. */
export function openFile(path: string, readCacheKb = READ_CACHE_KB, options: FileOptions = {}): Database {
  const copy = openCopy(path, readCacheKb);
  const committer = openThread<Statement[][], Outcome[]>(
    new URL("./write/commit-worker.ts", import.meta.url),
    path,
  );
  const writeQueue = openWriteQueue((group) => committer.call(group), {
    answersAtOnce: ANSWERS_AT_ONCE,
    ...options,
    findDone: (ids) => copy.read.all<[string]>(FIND_DONE, JSON.stringify(ids)).map(([id]) => id),
  });

  let closing: Promise<void> | undefined;
  const closed = () => new DatabaseError("closed", "the database is closed");
  const closeAll = async () => {
    await writeQueue.idle();
    await committer.close();
    await copy.close();
    const refuse = () => {
      throw closed();
    };
    database.read = { get: refuse, all: refuse };
  };

  const database: Database = {
    isRemote: false,
    read: copy.read,
    scan: (queries) => (closing ? Promise.reject(closed()) : copy.scan(queries)),
    onPrimary: async (work) => work(database),
    write: (statements, writeId) =>
      closing ? Promise.reject(closed()) : writeQueue.write(statements, writeId),
    writeQueue: writeQueue.state,
    // Reads see the writes of this process at once.
    written: () => null,
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
  return database;
}
