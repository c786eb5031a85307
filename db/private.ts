// File modes: the database holds accounts, so only the user that runs the shop may read its files.
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";

const OTHERS = 0o077;
/** Set on folders that several users share, such as `/tmp`. */
const STICKY = 0o1000;
/** The first bytes of every SQLite database. */
const SQLITE_HEADER = Buffer.from("SQLite format 3\0");
/** SQLite's own files beside a database; they inherit its mode when SQLite creates them. */
const SUFFIXES = ["", "-wal", "-shm", "-journal"];

/** Sets the umask so that only its user may use the files (0600) and folders (0700) that this process creates. */
export function keepPrivate(): void {
  process.umask(OTHERS);
}

/** Creates the folder with 0700 where it is missing. Throws the system's error when it cannot. */
export function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/**
 * Prepares for opening the database at `path`: sets the umask, creates the folder, and takes a database that an earlier
 * version created from other users; a file that is no database keeps its mode. Returns the paths whose modes this user may
 * not change.
 */
export function preparePrivateFile(path: string): string[] {
  keepPrivate();
  makePrivateFolder(dirname(path));
  // A wrong setting may name any file, and changing the mode of /etc/passwd would break the machine.
  if (!isDatabase(path)) return [];
  return SUFFIXES.map((suffix) => path + suffix).filter((file) => !isPrivate(file));
}

/**
 * Takes a folder from other users if it holds files named by `ownNames` and nothing else, and is not a shared one. Returns
 * `false` where this user may not change it.
 */
export function closeFolder(folder: string, ownNames: RegExp): boolean {
  if ((modeOf(folder) & STICKY) !== 0) return true;
  const names = readdirSync(folder);
  const isOwn = names.length > 0 && names.every((name) => ownNames.test(name));
  return !isOwn || isPrivate(folder);
}

function isDatabase(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(SQLITE_HEADER.length);
    readSync(file, start, 0, start.length, 0);
    return start.equals(SQLITE_HEADER);
  } finally {
    closeSync(file);
  }
}

/** Takes the file from other users. Returns whether only its user may use it now; a missing file counts as private. */
function isPrivate(path: string): boolean {
  const mode = modeOf(path);
  if ((mode & OTHERS) === 0) return true;
  try {
    chmodSync(path, mode & ~OTHERS & 0o7777);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && (thrown.code === "EPERM" || thrown.code === "EROFS"))
      return false;
    throw thrown;
  }
}

const modeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
