// The thread that runs queries that may look at many rows, all queries of one call on one snapshot.
import type { Row, Statement } from "../database.ts";
import { serveThread } from "../thread-worker.ts";
import { openHandle, openReader } from "./reader.ts";

declare const self: Worker;

const CACHE_KB = 16_384;

serveThread<Statement[], Row[][]>(self, (path) => {
  const handle = openHandle(path, CACHE_KB);
  const reader = openReader(handle);
  return {
    call(queries) {
      handle.exec("BEGIN");
      try {
        return queries.map(({ sql, args = [] }) => reader.all(sql, ...args));
      } finally {
        handle.exec("COMMIT");
      }
    },
    close: () => void handle.close(),
  };
});
