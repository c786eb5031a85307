// Changes the keys of a dataset, by which tokens are revoked. Whatever interrupts a change, the files left behind are a pair.
import { chownSync, closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import {
  KEY_MODES,
  type Keys,
  makePair,
  PRIVATE_FILE,
  PUBLIC_FILE,
  publicKeysIn,
  publicOf,
  readKeys,
} from "./keys.ts";
import { LOCK_FILE, lockFolder } from "./lock.ts";

/**
 * `add`: new tokens are signed by a new key, and those of the key before stay valid; `finish`: they are valid no more;
 * `revoke`: both at once, so that every token made so far is invalid.
 */
export type KeyChange = "add" | "finish" | "revoke";

/** Replaces a file of the folder in one step. */
type Replace = (folder: string, name: keyof typeof KEY_MODES, text: string) => void;

/**
 * Changes the keys; a running primary takes them within a second. Throws one sentence when the folder is not whole, another change is under way, or `add` and
 * `finish` do not take turns. A change that fails half way can be repeated.
 */
export function changeKeys(folder: string, change: KeyChange, replace: Replace = replaceFile): void {
  changeFolder(folder, (keys) => changeLocked(folder, keys, change, replace));
}

/** Lets `change` replace files of the folder, one change at a time. Throws one sentence when the folder is not whole or in use. */
export function changeFolder<T>(folder: string, change: (keys: Keys) => T): T {
  // Before the lock, which would make a missing folder.
  readKeys(folder);
  const lock = lockFolder(folder);
  if (!lock) throw new Error(`${folder} is in use: another change of its keys is under way`);
  try {
    return change(readKeys(folder));
  } finally {
    lock.release();
    keepOwner(join(folder, LOCK_FILE), folder);
  }
}

function changeLocked(
  folder: string,
  { privatePem, accepted }: Keys,
  change: KeyChange,
  replace: Replace,
): void {
  const isChanging = publicKeysIn(accepted).length > 1;
  if (change === "add" && isChanging)
    throw new Error(`${folder} accepts two keys already: end the change before with rotate --finish`);
  if (change === "finish" && !isChanging)
    throw new Error(`${folder} accepts one key only: there is nothing to finish`);
  const own = publicOf(privatePem);
  if (change === "finish") {
    replace(folder, PUBLIC_FILE, own);
    return;
  }
  const pair = makePair();
  // In this order the private key is always one of the public ones.
  replace(folder, PUBLIC_FILE, own + pair.publicPem);
  replace(folder, PRIVATE_FILE, pair.privatePem);
  if (change === "revoke") replace(folder, PUBLIC_FILE, pair.publicPem);
}

/** Writes the file under another name, and renames it once it is on disk. */
export const replaceFile: Replace = (folder, name, text) => {
  const [path, draft] = [join(folder, name), join(folder, `${name}.new`)];
  rmSync(draft, { force: true });
  const file = openSync(draft, "wx", KEY_MODES[name]);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  keepOwner(draft, join(folder, PRIVATE_FILE));
  renameSync(draft, path);
  const parent = openSync(folder, "r");
  fsyncSync(parent);
  closeSync(parent);
};

/** Gives the file the owner of another one where root made it: the primary's own user must be able to use it. */
function keepOwner(path: string, like: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(like);
  chownSync(path, uid, gid);
}
