#!/usr/bin/env bun
// The command `bun run bench`: runs scenarios one after the other, says what was reached, and ends all it started.
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { cachedRelated } from "./cached-related.ts";
import { type Children, openChildren, ROOT } from "./children.ts";
import { clusterHot } from "./cluster-hot.ts";
import { clusterIdle } from "./cluster-idle.ts";
import { clusterLag } from "./cluster-lag.ts";
import { clusterZipf } from "./cluster-zipf.ts";
import { edge } from "./edge.ts";
import { importing } from "./import.ts";
import { likes } from "./likes.ts";
import { logins } from "./logins.ts";
import { findOha, OHA_VERSION, type Oha, openOha } from "./oha.ts";
import { allowedCores } from "./proc.ts";
import { jsonOf, lookAround, type Outcome, settingText, tableOf } from "./report.ts";
import { type Bench, type Line, missingNumber, type Scenario, shareCores } from "./scenario.ts";
import { start } from "./start.ts";
import { uncachedRelated } from "./uncached-related.ts";
import { wide } from "./wide.ts";

const SCENARIOS: readonly Scenario[] = [
  cachedRelated,
  uncachedRelated,
  wide,
  importing,
  start,
  likes,
  logins,
  edge,
  clusterHot,
  clusterZipf,
  clusterLag,
  clusterIdle,
];
const ROUNDS = 5;
const INTERRUPTED = 130;

const USAGE = `usage: bun run bench [scenario ...] [--quick] [--json file] [-h]

Measures the shop against its lines. Without names every scenario is run, which takes about 45 minutes, and
longer the first time, when catalogues of up to 1,000,000 shoes are built in the temporary folder.

  --quick        small and short: shows that the harness works, judges no speed
  --json <file>  where the results go as JSON (default: bench/results/<time>.json; none with --quick)
  -h, --help     this text

Scenarios:
${SCENARIOS.map(({ name, boot, load, measures }) => `  ${name}\n    boots     ${boot}\n    sends     ${load}\n    measures  ${measures}`).join("\n")}

Exit code: 0 measured (whatever was missed), 1 something failed or a run was invalid, ${INTERRUPTED} interrupted.`;

type Args = { scenarios: readonly Scenario[]; isQuick: boolean; jsonPath: string | undefined };

/** Reads the arguments; `null` when the usage is asked for. Throws one sentence about a bad one. */
function readArgs(args: readonly string[]): Args | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const unknown = positionals.find((name) => !SCENARIOS.some((each) => each.name === name));
  if (unknown !== undefined)
    throw new Error(`${unknown} is no scenario; there are ${SCENARIOS.map(({ name }) => name).join(", ")}`);
  const chosen = SCENARIOS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  return { scenarios: chosen, isQuick: values.quick, jsonPath: values.json };
}

/** The load generator, where it is there; without it only a quick run goes on. */
async function prepareOha(
  isQuick: boolean,
  needed: boolean,
  children: Children,
  say: Bench["say"],
): Promise<Oha | null> {
  const path = findOha();
  if (path !== null) return openOha(path, children, { mustKeepRate: !isQuick, say });
  if (!isQuick && needed)
    throw new Error(
      `oha is not installed: run bench/install-oha, which runs cargo install --locked oha --version ${OHA_VERSION}`,
    );
  if (needed) console.log("oha is not installed: skipped the load scenarios");
  return null;
}

async function measure(
  { scenarios, isQuick, jsonPath }: Args,
  args: readonly string[],
  children: Children,
): Promise<number> {
  if (process.platform !== "linux") throw new Error("the bench reads /proc, so it needs Linux");
  let prefix = "";
  const say = (line: string) => console.error(`${prefix}${line}`);
  const needed = scenarios.some(({ needsOha }) => needsOha);
  const oha = await prepareOha(isQuick, needed, children, say);
  const cores = shareCores(Bun.which("taskset") === null ? [] : allowedCores());
  const startedAt = new Date().toISOString();
  const command = ["bun run bench", ...args].join(" ");
  const setting = lookAround(startedAt, oha?.version ?? "not installed", cores, command);
  console.log(`${settingText(setting)}\n`);

  const bench: Bench = { isQuick, rounds: isQuick ? 1 : ROUNDS, children, oha, cores, say };
  const outcomes: Outcome[] = [];
  for (const scenario of scenarios) {
    if (scenario.needsOha && oha === null) continue;
    prefix = `${scenario.name}: `;
    outcomes.push(await runOne(scenario, bench));
    if (!isQuick) console.log(`${tableOf(outcomes.slice(-1), isQuick)}\n`);
  }
  if (isQuick) console.log(tableOf(outcomes, isQuick));
  const target =
    jsonPath ?? (isQuick ? null : join(ROOT, "bench", "results", `${startedAt.replaceAll(":", "-")}.json`));
  if (target !== null) {
    mkdirSync(dirname(resolve(target)), { recursive: true });
    await Bun.write(target, jsonOf(setting, outcomes, oha?.commands() ?? [], isQuick));
    console.log(`\nresults: ${target}`);
  }
  return outcomes.every(({ fault }) => fault === null) ? 0 : 1;
}

/** Runs a scenario; what fails in it makes it invalid and lets the others go on. */
async function runOne(scenario: Scenario, bench: Bench): Promise<Outcome> {
  const { name } = scenario;
  const lines: Line[] = [];
  try {
    for await (const some of scenario.run(bench)) lines.push(...some);
    return {
      scenario: name,
      lines,
      fault: lines.length === 0 ? "it measured nothing" : missingNumber(lines),
    };
  } catch (thrown) {
    return { scenario: name, lines, fault: thrown instanceof Error ? thrown.message : String(thrown) };
  } finally {
    await bench.children.endAll();
  }
}

if (import.meta.main) {
  const children = openChildren();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, async () => {
      await children.close();
      process.exit(INTERRUPTED);
    });
  try {
    const given = process.argv.slice(2);
    const args = readArgs(given);
    if (args === null) console.log(USAGE);
    else process.exitCode = await measure(args, given, children);
  } catch (thrown) {
    console.error(`bench: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    process.exitCode = 1;
  } finally {
    await children.close();
  }
}
