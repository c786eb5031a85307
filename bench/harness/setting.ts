// The setting of a bench: machine, versions, pinning and load of the machine.
import { cpus, loadavg, release, totalmem } from "node:os";
import { must } from "../../db/must.ts";
import { version } from "../../package.json";
import { findNginx } from "../../replicas/cluster/edge.ts";
import { findSqld } from "../../replicas/primary/sqld.ts";
import { ROOT } from "./paths.ts";
import type { Cores } from "./scenario.ts";
import { written } from "./stats.ts";

/** The conditions of a measurement. */
export type Setting = {
  /** The start time in ISO 8601. */
  at: string;
  machine: string;
  kernel: string;
  bun: string;
  oha: string;
  sqld: string;
  nginx: string;
  node: string;
  insole: string;
  commit: string;
  pinning: string;
  command: string;
  seed: number;
  /** The load average at the start. */
  load: string;
};

const MISSING = "not installed";
/** From this load per core on, other programs disturb the values. */
const BUSY_SHARE = 0.25;

/** Reads the setting; `oha` is its version text, `null` where it is not installed. */
export function readSetting(
  at: string,
  oha: string | null,
  cores: Cores,
  command: string,
  seed = 1,
): Setting {
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  return {
    at,
    machine: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores, ${memoryGib} GiB`,
    kernel: `${process.platform} ${release()}`,
    bun: Bun.version,
    oha: oha?.replace(/^oha /, "") ?? MISSING,
    ...otherPrograms(),
    insole: version,
    commit: commit(),
    pinning: pinningText(cores),
    command,
    seed,
    load: loadText(must(loadavg()[0], "the load of the last minute"), cpus().length),
  };
}

/** The versions of programs that scenarios boot. */
function otherPrograms(): Pick<Setting, "sqld" | "nginx" | "node"> {
  return {
    sqld: versionOf(sqldPath(), "--version"),
    nginx: versionOf(findNginx(process.env.PATH ?? ""), "-v"),
    node: versionOf(Bun.which("node"), "--version"),
  };
}

function sqldPath(): string | null {
  try {
    return findSqld();
  } catch {
    return null;
  }
}

/** The version number that a program prints. */
function versionOf(path: string | null, option: string): string {
  if (path === null) return MISSING;
  const { stdout, stderr } = Bun.spawnSync([path, option]);
  return /\d+\.\d+[\w.-]*/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown";
}

/** The load average, with a warning on a busy machine. */
function loadText(average: number, cores: number): string {
  const isBusy = average > cores * BUSY_SHARE;
  return `${written(average)}${isBusy ? ": BUSY, so throughput, latencies and start times are worse than on an idle machine" : ""}`;
}

/** The cores of each process in words. */
function pinningText({ server, load, wide }: Cores): string {
  if (server === null || load === null) return "none: there is one core";
  const others = wide === null ? "all cores" : `cores ${wide.join(",")}`;
  return `oha on core ${load.join(",")}, server on core ${server.join(",")} (in some scenarios ${others}; import and clusters: all cores)`;
}

/** The short commit of a name such as `HEAD`; `null` when there is none. */
export function commitOf(ref: string): string | null {
  const found = git("rev-parse", "--short", "--verify", "--quiet", `${ref}^{commit}`);
  return found.exitCode === 0 ? found.stdout.toString().trim() : null;
}

function commit(): string {
  const head = commitOf("HEAD");
  if (head === null) return "unknown";
  const isChanged = git("status", "--porcelain").stdout.length > 0;
  return head + (isChanged ? " with changes" : "");
}

const git = (...words: string[]) =>
  Bun.spawnSync(["git", ...words], { cwd: ROOT, stdin: "ignore", stderr: "ignore" });

/** The setting as lines for a terminal. */
export const settingText = (setting: Setting): string =>
  Object.entries(setting)
    .map(([name, value]) => `${name.padEnd(8)} ${value}`)
    .join("\n");

/** The differences between two settings that may explain other values, one phrase each. */
export function differences(then: Setting, now: Setting): string[] {
  const compared = [
    "machine",
    "kernel",
    "bun",
    "oha",
    "sqld",
    "nginx",
    "node",
    "insole",
    "commit",
    "pinning",
  ];
  return (compared as (keyof Setting)[])
    .filter((name) => then[name] !== now[name])
    .map((name) => `${name}: ${then[name]}, now ${now[name]}`);
}
