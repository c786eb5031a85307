// The processes of a primary by the files that name them, so that the next supervisor ends those that an earlier one left behind.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { until } from "../../db/until.ts";

/** The processes; the command line of each names the data folder. */
const NAMES = ["sqld", "door"] as const;

const LEFTOVER_MS = 5_000;

/** Notes the pid of a process that was started just now. */
export function notePid(data: string, name: (typeof NAMES)[number], pid: number): void {
  const path = fileOf(data, name);
  // The folder may be that of another user, who could have put a link there.
  rmSync(path, { force: true });
  writeFileSync(path, String(pid), { flag: "wx", mode: 0o600 });
}

/** Removes the notes after the end of the processes. */
export function forgetPids(data: string): void {
  for (const name of NAMES) rmSync(fileOf(data, name), { force: true });
}

/**
 * Kills the processes that an earlier supervisor left behind: they would write the same file, and listen on the same address.
 * Rejects when one does not end.
 */
export async function endLeftovers(data: string): Promise<void> {
  for (const name of NAMES) {
    const pid = Number(textOf(fileOf(data, name)));
    const isLeft = () => commandOf(pid).includes(resolve(data));
    if (!(pid > 1) || !isLeft()) continue;
    process.kill(pid, "SIGKILL");
    await until(`the ${name} that was left behind ends`, () => !isLeft(), LEFTOVER_MS);
  }
}

const fileOf = (data: string, name: string): string => join(data, `${name}.pid`);

const commandOf = (pid: number): string =>
  Bun.spawnSync(["ps", "-o", "args=", "-p", String(pid)]).stdout.toString();

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
