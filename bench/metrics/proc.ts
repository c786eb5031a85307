// CPU time, memory and cores of a process, read from /proc.
import { readdirSync, readFileSync } from "node:fs";

/** The unit of CPU time in /proc, whatever the clock of the kernel. */
const TICKS_PER_SECOND = 100;
/** Microseconds in a second. */
export const MICROSECONDS = 1_000_000;
/** Fields of `stat` after the name, which may itself contain spaces and brackets. */
const PARENT_AT = 1;
const UTIME_AT = 11;
const STIME_AT = 12;

/** CPU time of all threads of a process, in microseconds. */
export const cpuUs = (pid: number): number => parseCpuUs(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** The same out of the text of `/proc/<pid>/stat`. */
export function parseCpuUs(stat: string): number {
  const fields = fieldsOf(stat);
  const ticks = Number(fields[UTIME_AT]) + Number(fields[STIME_AT]);
  if (!Number.isInteger(ticks)) throw new Error("/proc/<pid>/stat has no CPU time");
  return (ticks / TICKS_PER_SECOND) * MICROSECONDS;
}

const fieldsOf = (stat: string): string[] => stat.slice(stat.lastIndexOf(")") + 2).split(" ");

/** A process and its parent; the kernel cuts `name` after 15 characters. */
export type Process = { pid: number; parent: number; name: string };

/** The same out of the text of `/proc/<pid>/stat`. */
export const parseProcess = (stat: string): Process => ({
  pid: Number.parseInt(stat, 10),
  parent: Number(fieldsOf(stat)[PARENT_AT]),
  name: stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")),
});

/** A process and all its descendants that are running. */
export function treeOf(pid: number): Process[] {
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (processOf(name) ?? []) : []));
  const tree = all.filter((each) => each.pid === pid);
  for (const each of tree) tree.push(...all.filter(({ parent }) => parent === each.pid));
  return tree;
}

/** `null` for a process that ended while the others were read. */
function processOf(pid: string): Process | null {
  try {
    return parseProcess(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return null;
  }
}

/** Resident memory of a process in MiB: now, and its peak. */
type Memory = { nowMib: number; peakMib: number };

export const memoryOf = (pid: number): Memory => parseMemory(readFileSync(`/proc/${pid}/status`, "utf8"));

/** The same out of the text of `/proc/<pid>/status`. */
export function parseMemory(status: string): Memory {
  const mib = (name: string): number => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kib === undefined) throw new Error(`/proc/<pid>/status has no ${name}`);
    return Number(kib) / 1024;
  };
  return { nowMib: mib("VmRSS"), peakMib: mib("VmHWM") };
}

/** The proportional set size of a process in MiB: shared pages are divided among the processes that share them. */
export const shareMib = (pid: number): number =>
  parseShareMib(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));

/** The same out of the text of `/proc/<pid>/smaps_rollup`. */
export function parseShareMib(rollup: string): number {
  const kib = /^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1];
  if (kib === undefined) throw new Error("/proc/<pid>/smaps_rollup has no Pss");
  return Number(kib) / 1024;
}

/** The cores that this process may run on. */
export const allowedCores = (): number[] =>
  parseCores(/^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0");

/** Core numbers out of a list such as `0-3,8`. */
export const parseCores = (list: string): number[] =>
  list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, step) => first + step);
  });
