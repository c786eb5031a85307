// What a bench leaves: one result as JSON, and how an earlier one is found and read again.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Pair } from "./pairs.ts";
import { RESULTS, ROOT } from "./paths.ts";
import { type Line, type Scenario, type Verdict, verdictOf } from "./scenario.ts";
import type { Setting } from "./setting.ts";
import { median } from "./stats.ts";

const RESULT_FILE = "result.json";

/** What came of a scenario; `fault` says why it is worth nothing, or not all of it. */
export type Outcome = {
  scenario: string;
  lines: Line[];
  fault: string | null;
  /** Every program that was started, as one would type it. */
  commands: string[];
};

/** What was asked for, so that it can be asked for again. */
export type Options = {
  scenarios: string[];
  isQuick: boolean;
  rounds: number;
  seed: number;
  url: string | null;
};

/** The lines of a run beside those of another one: `other` names that one. */
export type Beside = {
  kind: "compare" | "rerun";
  other: string;
  /** What else is not alike, one sentence each. */
  differences: string[];
  scenarios: { scenario: string; pairs: Pair[] }[];
};

/** A line with what is worked out of its values; `median` is `null` where there are none. */
export type ResultLine = Line & { median: number | null; verdict: Verdict };

/** A whole result. */
export type Result = {
  setting: Setting;
  options: Options;
  results: (Omit<Outcome, "lines"> &
    Pick<Scenario, "boot" | "load" | "measures"> & { lines: ResultLine[] })[];
  beside: Beside | null;
};

/** Puts a result together; a quick run is not judged. */
export function resultOf(
  setting: Setting,
  options: Options,
  outcomes: readonly Outcome[],
  scenarios: readonly Scenario[],
  beside: Beside | null = null,
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

/** An earlier result and where it was found, written from the root of the repository where it lies there. */
export type Found = { result: Result; path: string };

/** Reads a result; the path is that of its folder or its JSON file. Throws a sentence when it is none. */
export function readResult(path: string): Found {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, RESULT_FILE) : path;
  if (!existsSync(file)) throw new Error(`there is no result at ${path}`);
  let result: Result;
  try {
    // JSON has no word for "no number".
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

/** All results in a folder and the folders in it, newest first; what cannot be read is passed over. */
export function findResults(folder = RESULTS): Found[] {
  const found: Found[] = [];
  const paths = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  for (const path of paths.filter((each) => each.endsWith(RESULT_FILE))) {
    try {
      found.push(readResult(join(folder, path)));
    } catch {
      // An unfinished or older one: others may do.
    }
  }
  return found.sort((a, b) => b.result.setting.at.localeCompare(a.result.setting.at));
}

/** The commands of scenarios as text for a terminal, out of the newest result that holds each. Throws a sentence when none does. */
export function commandsText(names: readonly string[], found: readonly Found[]): string {
  return names
    .map((name) => {
      for (const { result, path } of found) {
        const held = result.results.find(
          ({ scenario, commands }) => scenario === name && commands.length > 0,
        );
        if (!held) continue;
        const { at, commit } = result.setting;
        return [`# ${name}: ${path}, ${at}, commit ${commit}`, ...held.commands].join("\n");
      }
      const where = found.length === 1 ? `${found[0]?.path} does not hold` : "no result holds";
      throw new Error(`${where} ${name}; bun run bench ${name} makes one`);
    })
    .join("\n\n");
}
