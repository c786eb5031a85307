// A file that is only read: bounded queries run on this thread, wide ones on a thread of their own.
import type { Readable, Row, Statement } from "../database.ts";
import { DatabaseError } from "../errors.ts";
import { openThread } from "../thread.ts";
import { openHandle, openReader } from "./reader.ts";

/** The serving thread's page cache. */
export const READ_CACHE_KB = 32_768;
/** Wide queries that may wait; further ones are refused as `overloaded`. */
const SCANS_WAITING_MAX = 256;

/** A file that is open for reading. `close` waits for the queries under way. */
export type Copy = Readable & { close(): Promise<void> };

/** Opens a migrated file; the thread starts with the first wide query. */
export function openCopy(path: string, readCacheKb = READ_CACHE_KB): Copy {
  const handle = openHandle(path, readCacheKb);
  const scanner = openThread<Statement[], Row[][]>(new URL("./read-worker.ts", import.meta.url), path);
  return {
    read: openReader(handle),
    scan(queries) {
      if (scanner.waiting() >= SCANS_WAITING_MAX)
        return Promise.reject(new DatabaseError("overloaded", "too many wide queries are waiting"));
      return scanner.call(queries).catch(rejectAsBusy);
    },
    async close() {
      await scanner.close();
      handle.close();
    },
  };
}

/** A query whose thread ended, or could not open the file, can simply be repeated. */
function rejectAsBusy(error: DatabaseError): never {
  throw error.kind === "uncertain" || error.kind === "failed"
    ? new DatabaseError("busy", error.message)
    : error;
}
