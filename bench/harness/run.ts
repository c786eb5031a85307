// Carries out what was asked for: runs scenarios one after the other, tells of them, and writes what came of them.
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { findOha, OHA_VERSION, type Oha, openOha } from "../load/oha.ts";
import { allowedCores } from "../metrics/proc.ts";
import type { Children } from "./children.ts";
import { plainText } from "./command-text.ts";
import { compareScenario } from "./compare.ts";
import { pageOf } from "./markdown.ts";
import { besideText, tableOf } from "./report.ts";
import { besideEarlier } from "./rerun.ts";
import { type Beside, type Found, type Options, type Outcome, type Result, resultOf } from "./results.ts";
import { type Bench, type Line, missingNumber, type Scenario, shareCores } from "./scenario.ts";
import { lookAround, type Setting, settingText } from "./setting.ts";
import { openTree, type Tree } from "./tree.ts";

const QUICK_COMPARE_ROUNDS = 2;

/** Where a result goes: everything into a folder, or only the JSON into a file. */
export type Place = { folder: string } | { json: string };

/** What is to be done. */
export type Order = {
  scenarios: readonly Scenario[];
  options: Options;
  /** The whole command as it was typed. */
  command: string;
  /** When it began, in ISO 8601. */
  at: string;
  /** A result that these scenarios are run again from. */
  earlier: Found | null;
  /** Another version of the shop. */
  compare: string | null;
  place: Place | null;
};

/** Does it; whether all went well, whatever was missed. Throws a sentence when it cannot begin. */
export async function carryOut(order: Order, children: Children): Promise<boolean> {
  const { options, earlier } = order;
  const progress = openProgress(order.scenarios.length);
  const oha = await prepareOha(order, children, progress.say);
  const scenarios = order.scenarios.filter(({ needsOha }) => !needsOha || oha !== null);
  const cores = shareCores(Bun.which("taskset") === null ? [] : allowedCores());
  const setting = lookAround(order.at, oha?.version ?? null, cores, order.command, options.seed);
  console.log(`${settingText(setting)}\n`);
  const tree = order.compare === null ? null : await openTree(order.compare, children, progress.say);

  const { isQuick, rounds, seed, url } = options;
  const bench: Bench = { isQuick, rounds, children, oha, cores, url, seed, say: progress.say };
  const outcomes: Outcome[] = [];
  const compared: Beside["scenarios"] = [];
  const besideNow = (): Beside | null => {
    if (tree) return besideTree(tree, setting, compared);
    return earlier ? besideEarlier(earlier, setting, outcomes) : null;
  };
  for (const scenario of scenarios) {
    progress.next(scenario.name);
    if (tree) {
      const { outcome, pairs } = await compareScenario(scenario, bench, tree, roundsOf(options), runOne);
      outcomes.push(outcome);
      compared.push({ scenario: scenario.name, pairs });
    } else outcomes.push(await runOne(scenario, bench));
    if (!isQuick) console.log(`${tableOf(outcomes.slice(-1), isQuick)}\n`);
    // After each one, so that what was measured stays when a long run is broken off.
    await write(order.place, resultOf(setting, options, outcomes, scenarios, besideNow()));
  }
  if (isQuick) console.log(tableOf(outcomes, isQuick));
  const beside = besideNow();
  if (beside) console.log(`\n${besideText(beside)}`);
  if (order.place && outcomes.length > 0) console.log(`\nresults: ${Object.values(order.place)[0]}`);
  return outcomes.every(({ fault }) => fault === null);
}

const roundsOf = ({ isQuick, rounds }: Options): number => (isQuick ? QUICK_COMPARE_ROUNDS : rounds);

const besideTree = (
  { ref, commit }: Tree,
  { commit: here }: Setting,
  scenarios: Beside["scenarios"],
): Beside => ({
  kind: "compare",
  other: `${ref}, commit ${commit}`,
  differences: [`commit: ${commit}, here ${here}`],
  scenarios,
});

/** Lines on stderr: the time since the start, which scenario of how many, and what it does. */
function openProgress(count: number) {
  const startedAt = performance.now();
  let [at, name] = [0, ""];
  return {
    say(line: string): void {
      const seconds = Math.floor((performance.now() - startedAt) / 1_000);
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      console.error(`${time} ${at === 0 ? "" : `${at}/${count} ${name}: `}${line}`);
    },
    next(scenario: string): void {
      [at, name] = [at + 1, scenario];
    },
  };
}

/** The load generator, where it is there; without it only a quick run goes on. */
async function prepareOha(
  { scenarios, options: { isQuick } }: Order,
  children: Children,
  say: Bench["say"],
): Promise<Oha | null> {
  const needed = scenarios.some(({ needsOha }) => needsOha);
  const path = findOha();
  if (path !== null) return openOha(path, children, { mustKeepRate: !isQuick, say });
  if (!isQuick && needed)
    throw new Error(
      `oha is not installed: run bench/install-oha, which runs cargo install --locked oha --version ${OHA_VERSION}`,
    );
  if (needed) console.log("oha is not installed: skipped the load scenarios");
  return null;
}

/** Runs a scenario; what fails in it makes it invalid, keeps what was measured before, and lets the others go on. */
export async function runOne(scenario: Scenario, bench: Bench): Promise<Outcome> {
  const { name } = scenario;
  const lines: Line[] = [];
  let fault: string | null;
  bench.children.takeCommands();
  try {
    for await (const some of scenario.run(bench)) lines.push(...some);
    fault = lines.length === 0 ? "it measured nothing" : missingNumber(lines);
  } catch (thrown) {
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    fault = plainText(said, bench.children.folder, bench.children.tree);
  } finally {
    await bench.children.endAll();
  }
  return { scenario: name, lines, fault, commands: bench.children.takeCommands() };
}

/** Writes a result to its place. */
export async function write(place: Place | null, result: Result): Promise<void> {
  if (place === null) return;
  const json = `${JSON.stringify(result, null, 2)}\n`;
  if ("json" in place) {
    mkdirSync(dirname(resolve(place.json)), { recursive: true });
    await Bun.write(place.json, json);
    return;
  }
  mkdirSync(place.folder, { recursive: true });
  const { text, charts } = pageOf(result);
  await Bun.write(join(place.folder, "result.json"), json);
  await Bun.write(join(place.folder, "report.md"), text);
  for (const { name, svg } of charts) await Bun.write(join(place.folder, `${name}.svg`), svg);
}
