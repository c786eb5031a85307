// Machines that fail writes, for children of tests: a small disk, a read-only one, and bounds of the system.
import { existsSync } from "node:fs";

/** Runs a command in a mount namespace of its own, whose mounts end with it; any user may where the kernel allows it. */
const NAMESPACES = [
  ["unshare", "--mount"],
  ["unshare", "--user", "--map-root-user", "--mount"],
];
const works = (command: string[]): boolean =>
  existsSync("/usr/bin/unshare") &&
  Bun.spawnSync([...command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).success;
const namespace = NAMESPACES.find(works);

/** Whether this user can mount; root always should, so that no test of a full disk is left out in CI. */
export const canMount = namespace !== undefined || process.getuid?.() === 0;

/** A command that runs `command` with a disk of this many KiB at `folder`. */
export const withSmallDisk = (folder: string, kib: number, command: string[]): string[] => [
  ...(namespace ?? []),
  "sh",
  "-c",
  'mount -t tmpfs -o size="$1"k tmpfs "$2" && shift 2 && exec "$@"',
  "sh",
  `${kib}`,
  folder,
  ...command,
];

/** A command that runs `command` where what is in `folder` can be read, but not written. */
export const withReadOnly = (folder: string, command: string[]): string[] => [
  ...(namespace ?? []),
  "sh",
  "-c",
  'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"',
  "sh",
  folder,
  ...command,
];

/** A command that runs `command` with a bound of the shell's `ulimit`; a write beyond that of a file is an error, no signal. */
export const withLimit = (limit: string, command: string[]): string[] => [
  "sh",
  "-c",
  `trap "" XFSZ; ulimit ${limit}; exec "$@"`,
  "sh",
  ...command,
];
