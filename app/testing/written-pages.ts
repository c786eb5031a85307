// The pages that commits write: read from the log of a database file, and named by the table or index they belong to.
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { openHandle } from "../../db/read/reader.ts";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const PAGE_BYTES = 4_096;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
const CACHE_KB = 4_096;
/** The name of a page that is free again: the search index merges its parts. */
export const FREED = "freed";

/** The page numbers of each commit in the log, in order. The log must not have been restarted by a checkpoint. */
function commitsOf(path: string): number[][] {
  const log = `${path}-wal`;
  if (!existsSync(log)) return [];
  const file = openSync(log, "r");
  const frame = Buffer.alloc(FRAME_HEADER_BYTES);
  const commits: number[][] = [];
  let pages: number[] = [];
  for (let at = HEADER_BYTES; at + FRAME_BYTES <= fstatSync(file).size; at += FRAME_BYTES) {
    readSync(file, frame, 0, FRAME_HEADER_BYTES, at);
    pages.push(frame.readUInt32BE(0));
    // The size of the database after a commit stands in its last frame.
    if (frame.readUInt32BE(4) === 0) continue;
    commits.push(pages);
    pages = [];
  }
  closeSync(file);
  return commits;
}

/** The table or index of each page of a file. */
function namesOf(path: string): Map<number, string> {
  const handle = openHandle(path, CACHE_KB);
  const rows = handle.prepare("SELECT pageno, name FROM dbstat").raw(true).all([]) as [number, string][];
  handle.close();
  return new Map(rows);
}

/** The commits that `work` made on the file, each as the names of the pages it wrote. */
export async function pagesWritten(path: string, work: () => Promise<unknown>): Promise<string[][]> {
  const before = commitsOf(path).length;
  await work();
  const commits = commitsOf(path).slice(before);
  const names = namesOf(path);
  return commits.map((pages) => pages.map((page) => names.get(page) ?? FREED));
}
