// Runs scenarios one after the other, prints their tables, and writes the result.
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { messageOf } from "../../db/message.ts";
import { findOha, OHA_VERSION, type Oha, openOha } from "../load/oha.ts";
import { allowedCores } from "../metrics/proc.ts";
import type { Children } from "./children.ts";
import { anonymised } from "./command-text.ts";
import { compareScenario } from "./compare.ts";
import { pageOf } from "./markdown.ts";
import { comparisonText, tableOf } from "./report.ts";
import { compareWithEarlier } from "./rerun.ts";
import {
  type Comparison,
  type Options,
  type Outcome,
  type Result,
  resultOf,
  type StoredResult,
} from "./results.ts";
import { type Bench, type Line, missingNumber, type Scenario, shareCores } from "./scenario.ts";
import { readSetting, type Setting, settingText } from "./setting.ts";
import { openTree, type Tree } from "./tree.ts";

const QUICK_COMPARE_ROUNDS = 2;

/** Where a result is written: everything into a folder, or only the JSON into a file. */
type Output = { folder: string } | { json: string };

/** Which scenarios to run, and how. */
export type Plan = {
  scenarios: readonly Scenario[];
  options: Options;
  /** The whole command line. */
  command: string;
  /** The start time in ISO 8601. */
  at: string;
  /** The result that is run again. */
  earlier: StoredResult | null;
  /** The version of the shop to compare with. */
  compare: string | null;
  output: Output | null;
};

/**
 * Runs the scenarios one after the other, and writes the result after each. Returns whether all were valid, whatever
 * target was missed; throws one sentence when it cannot start.
 */
export async function runPlan(plan: Plan, children: Children): Promise<boolean> {
  const { options, earlier } = plan;
  const progress = openProgress(plan.scenarios.length);
  const oha = await prepareOha(plan, children, progress.log);
  const scenarios = plan.scenarios.filter(({ needsOha }) => !needsOha || oha !== null);
  const cores = shareCores(Bun.which("taskset") === null ? [] : allowedCores());
  const setting = readSetting(plan.at, oha?.version ?? null, cores, plan.command, options.seed);
  console.log(`${settingText(setting)}\n`);
  const tree = plan.compare === null ? null : await openTree(plan.compare, children, progress.log);

  const { isQuick, rounds, seed, url } = options;
  const bench: Bench = { isQuick, rounds, children, oha, cores, url, seed, log: progress.log };
  const outcomes: Outcome[] = [];
  const compared: Comparison["scenarios"] = [];
  const comparisonNow = (): Comparison | null => {
    if (tree) return comparisonWithTree(tree, setting, compared);
    return earlier ? compareWithEarlier(earlier, setting, outcomes) : null;
  };
  for (const scenario of scenarios) {
    progress.next(scenario.name);
    if (tree) {
      const { outcome, pairs } = await compareScenario(scenario, bench, tree, roundsOf(options), runOne);
      outcomes.push(outcome);
      compared.push({ scenario: scenario.name, pairs });
    } else outcomes.push(await runOne(scenario, bench));
    if (!isQuick) console.log(`${tableOf(outcomes.slice(-1), isQuick)}\n`);
    // After each scenario, so that an interrupted run keeps what it measured.
    await write(plan.output, resultOf(setting, options, outcomes, scenarios, comparisonNow()));
  }
  if (isQuick) console.log(tableOf(outcomes, isQuick));
  const comparison = comparisonNow();
  if (comparison) console.log(`\n${comparisonText(comparison)}`);
  if (plan.output && outcomes.length > 0) console.log(`\nresults: ${Object.values(plan.output)[0]}`);
  return outcomes.every(({ fault }) => fault === null);
}

const roundsOf = ({ isQuick, rounds }: Options): number => (isQuick ? QUICK_COMPARE_ROUNDS : rounds);

const comparisonWithTree = (
  { ref, commit }: Tree,
  setting: Setting,
  scenarios: Comparison["scenarios"],
): Comparison => ({
  kind: "compare",
  other: `${ref}, commit ${commit}`,
  differences: [`commit: ${commit}, this version ${setting.commit}`],
  scenarios,
});

/** Progress on stderr: the time since the start, the number and the name of the scenario, and what it does. */
function openProgress(count: number) {
  const startedAt = performance.now();
  let [at, name] = [0, ""];
  return {
    log(line: string): void {
      const seconds = Math.floor((performance.now() - startedAt) / 1_000);
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      console.error(`${time} ${at === 0 ? "" : `${at}/${count} ${name}: `}${line}`);
    },
    next(scenario: string): void {
      [at, name] = [at + 1, scenario];
    },
  };
}

/** The load generator; `null` where it is not installed, which only a quick run allows. */
async function prepareOha(
  { scenarios, options: { isQuick } }: Plan,
  children: Children,
  log: Bench["log"],
): Promise<Oha | null> {
  const isNeeded = scenarios.some(({ needsOha }) => needsOha);
  const path = findOha();
  if (path !== null) return openOha(path, children, { mustKeepRate: !isQuick, log });
  if (!isQuick && isNeeded)
    throw new Error(
      `oha is not installed: run bench/install-oha, which runs cargo install --locked oha --version ${OHA_VERSION}`,
    );
  if (isNeeded) console.log("oha is not installed: scenarios with load are skipped");
  return null;
}

/** Runs a scenario. A failure makes it invalid, keeps the lines measured before, and does not stop the others. */
export async function runOne(scenario: Scenario, bench: Bench): Promise<Outcome> {
  const { name } = scenario;
  const lines: Line[] = [];
  let fault: string | null;
  bench.children.takeCommands();
  try {
    for await (const some of scenario.run(bench)) lines.push(...some);
    fault = lines.length === 0 ? "it measured nothing" : missingNumber(lines);
  } catch (thrown) {
    const message = messageOf(thrown);
    fault = anonymised(message, bench.children);
  } finally {
    await bench.children.endAll();
  }
  return { scenario: name, lines, fault, commands: bench.children.takeCommands() };
}

/** Writes a result to its folder or its file. */
export async function write(output: Output | null, result: Result): Promise<void> {
  if (output === null) return;
  const json = `${JSON.stringify(result, null, 2)}\n`;
  if ("json" in output) {
    mkdirSync(dirname(resolve(output.json)), { recursive: true });
    await Bun.write(output.json, json);
    return;
  }
  mkdirSync(output.folder, { recursive: true });
  const { text, charts } = pageOf(result);
  await Bun.write(join(output.folder, "result.json"), json);
  await Bun.write(join(output.folder, "report.md"), text);
  for (const { name, svg } of charts) await Bun.write(join(output.folder, `${name}.svg`), svg);
}
