// What a bench says at its end: the machine, the table, the JSON.
import { cpus, loadavg, release, totalmem } from "node:os";
import { version } from "../package.json";
import { ROOT } from "./children.ts";
import { type Cores, type Line, type Target, verdictOf } from "./scenario.ts";
import { median, spread, written } from "./stats.ts";

/** What came of a scenario; `fault` says why it is worth nothing. */
export type Outcome = { scenario: string; lines: Line[]; fault: string | null };

/** Where and with what it was measured. */
export type Setting = {
  at: string;
  machine: string;
  /** What else ran at the start. */
  load: string;
  kernel: string;
  bun: string;
  oha: string;
  insole: string;
  commit: string;
  pinning: string;
  command: string;
};

const NOT_JUDGED = "-";
/** Others at work on so much of the cores disturb the figures. */
const BUSY_SHARE = 0.25;

/** Looks around; `at` is the time in ISO 8601. */
export function lookAround(at: string, oha: string, cores: Cores, command: string): Setting {
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  return {
    at,
    machine: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores, ${memoryGib} GiB`,
    load: loadText(loadavg()[0] ?? 0, cpus().length),
    kernel: `${process.platform} ${release()}`,
    bun: Bun.version,
    oha,
    insole: version,
    commit: commit(),
    pinning: pinningText(cores),
    command,
  };
}

/** The load average at the start, and what it means for the figures. */
export function loadText(average: number, cores: number): string {
  const isBusy = average > cores * BUSY_SHARE;
  return `${written(average)}${isBusy ? ": BUSY, so throughput, latencies and start times are worse than on a quiet machine" : ""}`;
}

/** Who runs where, for people. */
export function pinningText({ server, load, wide }: Cores): string {
  if (server === null || load === null) return "none: there is one core";
  const others = wide === null ? "all cores" : `cores ${wide.join(",")}`;
  return `oha on core ${load.join(",")}, server on core ${server.join(",")} (wide and start: ${others}; import and clusters: all cores)`;
}

function commit(): string {
  const git = (...words: string[]) => Bun.spawnSync(["git", ...words], { cwd: ROOT, stderr: "ignore" });
  const head = git("rev-parse", "--short", "HEAD");
  if (head.exitCode !== 0) return "unknown";
  const isChanged = git("status", "--porcelain").stdout.length > 0;
  return head.stdout.toString().trim() + (isChanged ? " with changes" : "");
}

const targetText = (target: Target, unit: string): string => {
  const [words, value] = "atMost" in target ? ["at most", target.atMost] : ["at least", target.atLeast];
  return `${words} ${written(value)}${unit === "" ? "" : ` ${unit}`}`;
};

/** The table: what, target, reached, met or missed. A quick run is not judged. */
export function tableOf(outcomes: readonly Outcome[], isQuick: boolean): string {
  const rows = [["", "target", "reached: median (least to greatest)", ""]];
  for (const { scenario, lines, fault } of outcomes) {
    rows.push([scenario, "", "", fault === null ? "" : "invalid"]);
    for (const line of lines) {
      const { what, target, values, unit } = line;
      const verdict = isQuick && target ? NOT_JUDGED : verdictOf(line);
      rows.push([`  ${what}`, target ? targetText(target, unit) : "", spread(values, unit), verdict]);
    }
  }
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const text = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const notes = outcomes.flatMap(({ scenario, lines, fault }) => [
    ...(fault === null ? [] : [`${scenario}: ${fault}`]),
    ...lines.flatMap(({ what, note }) =>
      note === undefined ? [] : [`${scenario}, ${what.trim()}: ${note}`],
    ),
  ]);
  return [...text, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

export const settingText = (setting: Setting): string =>
  Object.entries(setting)
    .map(([name, value]) => `${name.padEnd(8)} ${value}`)
    .join("\n");

/** Everything as JSON, medians and verdicts beside the values they come from. */
export function jsonOf(
  setting: Setting,
  outcomes: readonly Outcome[],
  commands: readonly string[],
  isQuick: boolean,
): string {
  const results = outcomes.map(({ scenario, fault, lines }) => ({
    scenario,
    fault,
    lines: lines.map((line) => ({
      ...line,
      what: line.what.trim(),
      median: median(line.values),
      verdict: isQuick ? "" : verdictOf(line),
    })),
  }));
  return `${JSON.stringify({ setting, isQuick, results, commands }, null, 2)}\n`;
}
