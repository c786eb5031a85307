// What Linux knows of a process: its CPU time and its memory, read from /proc.
import { readFileSync } from "node:fs";

/** Linux reports CPU time to programs in hundredths of a second, whatever its own clock. */
const TICKS_PER_SECOND = 100;
const MICROSECONDS = 1_000_000;
/** Fields of `stat` counted from behind the name, which may itself hold spaces and brackets. */
const UTIME_AT = 11;
const STIME_AT = 12;

/** CPU time that all threads of a process have used, in microseconds. */
export const cpuUs = (pid: number): number => parseCpuUs(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** The same out of the text of `/proc/<pid>/stat`. */
export function parseCpuUs(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[UTIME_AT]) + Number(fields[STIME_AT]);
  if (!Number.isInteger(ticks)) throw new Error("/proc/<pid>/stat has no CPU time");
  return (ticks / TICKS_PER_SECOND) * MICROSECONDS;
}

/** Memory of a process in MiB: now, and the most it ever had. */
export type Memory = { nowMib: number; peakMib: number };

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

/** The cores that this process may run on. */
export const allowedCores = (): number[] =>
  parseCores(/^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0");

/** Core numbers out of a list such as `0-3,8`. */
export const parseCores = (list: string): number[] =>
  list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, step) => first + step);
  });
