// A file to read from: questions on this thread, wide ones on a thread of their own.
import type { Readable, Row, Statement } from "../database.ts";
import { DatabaseError } from "../errors.ts";
import { openThread } from "../thread.ts";
import { openHandle, openReader } from "./reader.ts";

/** The serving thread's page cache. */
export const READ_CACHE_KB = 32_768;
/** Wide questions that may wait; beyond it the caller is told to come back. */
const SCANS_WAITING_MAX = 256;

/** A file that is open for reading. */
export type Copy = Readable & { close(): Promise<void> };

/** Opens a migrated file; the thread starts when it is first needed. */
export function openCopy(path: string, readCacheKb = READ_CACHE_KB): Copy {
  const handle = openHandle(path, readCacheKb);
  const scanner = openThread<Statement[], Row[][]>(new URL("./read-worker.ts", import.meta.url), path);
  return {
    read: openReader(handle),
    scan(queries) {
      if (scanner.waiting() >= SCANS_WAITING_MAX)
        return Promise.reject(new DatabaseError("overloaded", "too many wide questions are waiting"));
      return scanner.call(queries).catch(rejectAsBusy);
    },
    async close() {
      await scanner.close();
      handle.close();
    },
  };
}

/** A question whose thread died may simply be asked again. */
function rejectAsBusy(error: DatabaseError): never {
  throw error.kind === "uncertain" ? new DatabaseError("busy", error.message) : error;
}
