// The result of a bench as JSON, and how earlier results are found and read.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Pair } from "./pairs.ts";
import { RESULTS, ROOT } from "./paths.ts";
import { type Line, type Scenario, type Verdict, verdictOf } from "./scenario.ts";
import type { Setting } from "./setting.ts";
import { median } from "./stats.ts";

const RESULT_FILE = "result.json";

/** The lines of a scenario; `fault` is the reason why it is invalid or incomplete. */
export type Outcome = {
  scenario: string;
  lines: Line[];
  fault: string | null;
  /** Every command that was started, as one would type it. */
  commands: string[];
};

/** The options of a run, with which it can be repeated. */
export type Options = {
  scenarios: string[];
  isQuick: boolean;
  rounds: number;
  seed: number;
  url: string | null;
};

/** The lines of a run beside those of another one, which `other` names. */
export type Comparison = {
  kind: "compare" | "rerun";
  other: string;
  /** Differences of machine, versions and settings, one phrase each. */
  differences: string[];
  scenarios: { scenario: string; pairs: Pair[] }[];
};

/** A line with its median, which is `null` where there are no values, and its verdict. */
type ResultLine = Line & { median: number | null; verdict: Verdict };

/** A whole result. */
export type Result = {
  setting: Setting;
  options: Options;
  results: (Omit<Outcome, "lines"> &
    Pick<Scenario, "boot" | "load" | "measures"> & { lines: ResultLine[] })[];
  beside: Comparison | null;
};

/** Builds a result; a quick run is not judged. */
export function resultOf(
  setting: Setting,
  options: Options,
  outcomes: readonly Outcome[],
  scenarios: readonly Scenario[],
  beside: Comparison | null = null,
): Result {
  const results = outcomes.map(({ scenario, fault, lines, commands }) => {
    const { boot = "", load = "", measures = "" } = scenarios.find(({ name }) => name === scenario) ?? {};
    return {
      scenario,
      boot,
      load,
      measures,
      fault,
      commands,
      lines: lines.map((line) => ({
        ...line,
        what: line.what.trim(),
        median: line.values.length === 0 ? null : median(line.values),
        verdict: options.isQuick ? ("" as const) : verdictOf(line),
      })),
    };
  });
  return { setting, options, results, beside };
}

/** An earlier result and its path, which is relative to the repository when inside it. */
export type StoredResult = { result: Result; path: string };

/** Reads a result from its folder or its JSON file. Throws one sentence when it is none. */
export function readResult(path: string): StoredResult {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, RESULT_FILE) : path;
  if (!existsSync(file)) throw new Error(`there is no result at ${path}`);
  let result: Result;
  try {
    // JSON writes NaN as null.
    result = JSON.parse(readFileSync(file, "utf8"), (key, value) =>
      key === "values" ? value.map((each: unknown) => each ?? Number.NaN) : value,
    );
  } catch {
    throw new Error(`${path} is not JSON`);
  }
  if (!result?.setting || !result.options || !Array.isArray(result.results))
    throw new Error(`${path} is not a result of this bench`);
  const fromRoot = relative(ROOT, file);
  return { result, path: fromRoot.startsWith("..") ? file : fromRoot };
}

/** All results in a folder and its subfolders, newest first; unreadable ones are skipped. */
export function findResults(folder = RESULTS): StoredResult[] {
  const found: StoredResult[] = [];
  const paths = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  for (const path of paths.filter((each) => each.endsWith(RESULT_FILE))) {
    try {
      found.push(readResult(join(folder, path)));
    } catch {
      // Incomplete, or written by an older version.
    }
  }
  return found.sort((a, b) => b.result.setting.at.localeCompare(a.result.setting.at));
}

/** The commands of scenarios, each from the newest result that has it. Throws one sentence when none has it. */
export function commandsText(names: readonly string[], found: readonly StoredResult[]): string {
  return names
    .map((name) => {
      for (const { result, path } of found) {
        const measured = result.results.find(
          ({ scenario, commands }) => scenario === name && commands.length > 0,
        );
        if (!measured) continue;
        const { at, commit } = result.setting;
        return [`# ${name}: ${path}, ${at}, commit ${commit}`, ...measured.commands].join("\n");
      }
      const where = found.length === 1 ? `${found[0]?.path} does not contain` : "no result contains";
      throw new Error(`${where} ${name}; bun run bench ${name} measures it`);
    })
    .join("\n\n");
}
