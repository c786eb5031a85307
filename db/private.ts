// File modes: the database holds accounts, so only the user that runs the shop may read its files.
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const OTHERS = 0o077;
/** Set on folders that several users share, such as `/tmp`. */
const STICKY = 0o1000;
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
 * Prepares for opening the database at `path`: sets the umask, creates the folder, and takes files that an earlier version
 * created from other users. Returns the paths whose modes this user may not change.
 */
export function preparePrivateFile(path: string): string[] {
  keepPrivate();
  makePrivateFolder(dirname(path));
  return SUFFIXES.map((suffix) => path + suffix).filter((file) => !isPrivate(file));
}

/** Takes the folder from other users unless it is a shared one. Returns `false` where this user may not change it. */
export function closeFolder(folder: string): boolean {
  return (modeOf(folder) & STICKY) !== 0 || isPrivate(folder);
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
