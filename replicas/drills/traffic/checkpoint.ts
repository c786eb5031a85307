// A program that moves the log of a database file into it, as sqld does every 30 s: under the write lock, whoever else writes.
import { must } from "../../../db/must.ts";
import { openHandle } from "../../../db/read/reader.ts";

const CACHE_KB = 4_096;

if (import.meta.main) {
  const handle = openHandle(must(process.argv[2], "the path of the file"), CACHE_KB);
  handle.prepare("PRAGMA wal_checkpoint(TRUNCATE)").raw(true).all([]);
  handle.close();
}
