// The users of the primary's processes, where the supervisor runs as root: sqld sees nothing but its data, the door no file at all.
import { chmodSync, lchownSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A user and its group, by number. */
export type User = { uid: number; gid: number };

/** The users that sqld and the door run as. */
export type Users = { sqld: User; door: User };

const NUMBERS = /^(\d{1,9}):(\d{1,9})$/;
const OTHERS = 0o077;

/** Finds both users, each by its name or as `uid:gid`. Throws one sentence when they cannot be used. */
export function findUsers(sqld: string, door: string): Users {
  if (process.getuid?.() !== 0)
    throw new Error("--sqld-user and --door-user need a supervisor that runs as root");
  if (!setpriv()) throw new Error("--sqld-user and --door-user need setpriv (util-linux)");
  const users = { sqld: findUser(sqld), door: findUser(door) };
  if (users.sqld.uid === users.door.uid) throw new Error("--sqld-user and --door-user must be two users");
  return users;
}

function findUser(name: string): User {
  const [, uid, gid] = NUMBERS.exec(name) ?? [undefined, idOf("-u", name), idOf("-g", name)];
  if (!uid || !gid) throw new Error(`${name} is no user of this machine`);
  if (Number(uid) === 0) throw new Error(`${name} is root: name a user without rights`);
  return { uid: Number(uid), gid: Number(gid) };
}

const idOf = (flag: string, name: string): string =>
  Bun.spawnSync(["id", flag, "--", name], { stderr: "ignore" }).stdout.toString().trim();

const setpriv = (): string | null => Bun.which("setpriv");

/** The words before a program that is run as the user; none without a user. */
export function asUser(user: User | undefined): string[] {
  if (!user) return [];
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  return [setpriv() ?? "setpriv", ...ids, "--no-new-privs", "--"];
}

/** Takes a folder and all in it from other users, and gives it to the user where there is one. Links are not followed. */
export function ownFolder(path: string, user: User | undefined): void {
  const found = lstatSync(path);
  if (user && (found.uid !== user.uid || found.gid !== user.gid)) lchownSync(path, user.uid, user.gid);
  if (found.isSymbolicLink()) return;
  const isOwn = user !== undefined || found.uid === process.getuid?.();
  if (isOwn && (found.mode & OTHERS) !== 0) chmodSync(path, found.mode & ~OTHERS & 0o7777);
  if (found.isDirectory()) for (const name of readdirSync(path)) ownFolder(join(path, name), user);
}
