// Whether the pages of a database file fit together; equal rows do not show a damaged index.
import { openHandle } from "../../../db/read/reader.ts";

const CACHE_KB = 4_096;

/** What SQLite finds wrong in the file, which another process may have open; empty when nothing is. */
export function damagesOf(path: string): string[] {
  const handle = openHandle(path, CACHE_KB);
  try {
    const rows = handle.prepare("PRAGMA integrity_check").raw(true).all([]) as [string][];
    return rows.map(([text]) => text).filter((text) => text !== "ok");
  } finally {
    handle.close();
  }
}
