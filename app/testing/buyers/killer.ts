// A process that kills another one with SIGKILL as soon as a query of a file finds a row: quicker than a busy client could.
import { must } from "../../../db/must.ts";
import { openHandle, openReader } from "../../../db/read/reader.ts";

const CACHE_KB = 1_000;
const POLL_MS = 0.2;

/** Starts the process; it ends with the kill. */
export function startKiller(databasePath: string, pid: number, query: string): Bun.Subprocess {
  return Bun.spawn([process.execPath, import.meta.path, databasePath, String(pid), query], {
    stdout: "ignore",
    stderr: "inherit",
  });
}

if (import.meta.main) {
  const [path, pid, query] = process.argv.slice(2);
  const { get } = openReader(openHandle(must(path, "the file"), CACHE_KB));
  // `Bun.sleepSync` knows whole milliseconds only, and would not sleep at all.
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (get(must(query, "the query")) === undefined) Atomics.wait(nothing, 0, 0, POLL_MS);
  process.kill(Number(pid), "SIGKILL");
}
