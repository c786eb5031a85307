// File modes: the database holds accounts, so only the user that runs the shop may read its files.
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const OTHERS = 0o077;
/** Set on folders that several users share, such as `/tmp`. */
const STICKY = 0o1000;
/** SQLite's own files beside a database; they inherit its mode when SQLite creates them. */
const SUFFIXES = ["", "-wal", "-shm", "-journal"];

/** From now on, files and folders that this process creates belong to its user alone (0600 and 0700). */
export function keepPrivate(): void {
  process.umask(OTHERS);
}

/** Creates the folder with 0700 where it is missing. Throws the system's error when it cannot. */
export function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/**
 * Prepares for opening the database at `path`: the umask, its folder, and the modes of files that an earlier version
 * created readable for everybody. Returns the paths that this user may not change.
 */
export function preparePrivateFile(path: string): string[] {
  keepPrivate();
  makePrivateFolder(dirname(path));
  return SUFFIXES.map((suffix) => path + suffix).filter((file) => !isPrivate(file));
}

/** Takes an existing folder of the shop's own from other users. Returns whether only its user may use it now. */
export function closeFolder(folder: string): boolean {
  return (modeOf(folder) & STICKY) !== 0 || isPrivate(folder);
}

/** Whether only its user may read it, after removing what others may do; a missing file is private. */
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
