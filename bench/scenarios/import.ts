// The import of a CSV file: rows per second with and without writing, and peak memory.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Children } from "../harness/children.ts";
import type { Bench, Line, Scenario } from "../harness/scenario.ts";
import { written } from "../harness/stats.ts";
import { csvOf } from "../load/catalogue.ts";
import { MICROSECONDS, memoryOf } from "../metrics/proc.ts";

const DRY_ROWS_PER_SECOND = 20_000;
const MEMORY_MIB_MAX = 300;
const POLL_MS = 50;
const IMPORT_MS_MAX = 20 * 60_000;
/** A million rows take minutes, so they are imported once. */
const FULL = [
  { rows: 100_000, shoesPerSecond: 8_000, rounds: 3 },
  { rows: 1_000_000, shoesPerSecond: 5_000, rounds: 1 },
];
const QUICK = [{ rows: 2_000, shoesPerSecond: 8_000, rounds: 1 }];

export const importing: Scenario = {
  name: "import",
  boot: "bun run import on an empty data folder, with --dry-run and without",
  load: "a CSV file of 100,000 rows, three times, and one of 1,000,000 rows, once",
  measures: "rows per second from start to exit, peak memory",
  needsOha: false,
  async *run(bench) {
    for (const size of bench.isQuick ? QUICK : FULL) yield await importRows(bench, size);
  },
};

async function importRows(
  bench: Bench,
  { rows, shoesPerSecond, rounds }: (typeof FULL)[number],
): Promise<Line[]> {
  const path = await csvOf(bench, rows);
  const values = { dry: noValues(), real: noValues() };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of ["dry", "real"] as const) {
      bench.log(
        `${written(rows)} rows, round ${round + 1} of ${rounds}: ${kind === "dry" ? "--dry-run" : "with writing"}`,
      );
      const { seconds, cpuSeconds, peakMib } = await importOnce(bench.children, path, rows, kind === "dry");
      values[kind].perSecond.push(rows / seconds);
      values[kind].perCpuSecond.push(rows / cpuSeconds);
      values[kind].peakMib.push(peakMib);
    }
  }
  const size = written(rows);
  return [
    ...linesOf(`import --dry-run, ${size} rows`, "rows/s", values.dry, DRY_ROWS_PER_SECOND),
    ...linesOf(`import into an empty catalogue, ${size} shoes`, "shoes/s", values.real, shoesPerSecond),
  ];
}

type Values = { perSecond: number[]; perCpuSecond: number[]; peakMib: number[] };

const noValues = (): Values => ({ perSecond: [], perCpuSecond: [], peakMib: [] });

const linesOf = (
  what: string,
  unit: string,
  { perSecond, perCpuSecond, peakMib }: Values,
  atLeast: number,
): Line[] => [
  { what, unit, values: perSecond, target: { atLeast } },
  { what: "  per second of CPU time, all threads", unit, values: perCpuSecond },
  { what: "  peak memory", unit: "MiB", values: peakMib, target: { atMost: MEMORY_MIB_MAX } },
];

async function importOnce(children: Children, path: string, rows: number, isDry: boolean) {
  const dataDir = children.makeFolder("import");
  try {
    const startedAt = performance.now();
    const args = [path, ...(isDry ? ["--dry-run"] : [])];
    const env = { DATA_DIR: dataDir, DEMO: "false" };
    const child = children.startCommand("import", args, { env, cores: null });
    const ending = children.expectEnd(child, IMPORT_MS_MAX);
    const peak = pollPeak(child.pid, ending);
    const summary = await ending;
    const seconds = (performance.now() - startedAt) / 1_000;
    const cpuSeconds = Number(child.process.resourceUsage()?.cpuTime.total ?? Number.NaN) / MICROSECONDS;
    expectAllAdded(summary, rows);
    if (!isDry && !existsSync(join(dataDir, "insole.db"))) throw new Error("the import left no database");
    return { seconds, cpuSeconds, peakMib: await peak };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The peak memory of a process, polled until it ends; the kernel keeps the peak, so the last reading has it. */
async function pollPeak(pid: number, ending: Promise<unknown>): Promise<number> {
  let isOver = false;
  const over = ending.finally(() => {
    isOver = true;
  });
  // The caller awaits the end and reports its failure.
  over.catch(() => undefined);
  let peakMib = 0;
  while (!isOver) {
    try {
      peakMib = Math.max(peakMib, memoryOf(pid).peakMib);
    } catch {
      // It ended between two readings.
      break;
    }
    await Promise.race([Bun.sleep(POLL_MS), over.catch(() => undefined)]);
  }
  if (peakMib === 0) throw new Error("the import was over before its memory could be read");
  return peakMib;
}

/** Throws unless the printed summary says that every row was added. */
export function expectAllAdded(summary: string, rows: number): void {
  const [, read, added] = /[Rr]ead ([\d,]+) = ([\d,]+) added/.exec(summary) ?? [];
  const number = (text = "") => Number(text.replaceAll(",", ""));
  if (read === undefined || number(read) !== rows || number(added) !== rows)
    throw new Error(`invalid run, the import did not add ${rows} shoes: ${summary.trim()}`);
}
