// The arguments of the command, which of them go together, and the usage.
import { parseArgs } from "node:util";
import type { Scenario } from "./scenario.ts";

/** The parsed arguments; `names` is empty when no scenario was named. */
export type Args =
  | { kind: "help" }
  | { kind: "print"; names: string[]; rerun: string | null }
  | {
      kind: "measure";
      names: string[];
      isQuick: boolean;
      /** `null`: 1, or the seed of the result that is run again. */
      seed: number | null;
      url: string | null;
      rerun: string | null;
      compare: string | null;
      json: string | null;
      out: string | null;
    };

const OPTIONS = {
  quick: { type: "boolean", default: false },
  seed: { type: "string" },
  url: { type: "string" },
  rerun: { type: "string" },
  compare: { type: "string" },
  print: { type: "boolean", default: false },
  json: { type: "string" },
  out: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Options that exclude each other, with the reason. */
const EXCLUSIVE = [
  ["rerun", "quick", "the result says whether it was quick"],
  ["rerun", "seed", "the result has its seed"],
  ["rerun", "url", "the result names the shop that it measured"],
  ["rerun", "compare", "each compares with other values"],
  ["compare", "url", "it boots both shops"],
  ["json", "out", "each names the output"],
  ["print", "quick", "nothing is run"],
  ["print", "seed", "nothing is run"],
  ["print", "url", "nothing is run"],
  ["print", "compare", "nothing is run"],
  ["print", "json", "nothing is run"],
  ["print", "out", "nothing is run"],
] as const;

/** Parses the arguments. Throws about a wrong one; `sentenceOf` makes one sentence of it. */
export function readArgs(args: readonly string[], scenarios: readonly Scenario[]): Args {
  const { values, positionals: names } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: OPTIONS,
  });
  if (values.help) return { kind: "help" };
  for (const [one, other, why] of EXCLUSIVE)
    if (isGiven(values[one]) && isGiven(values[other]))
      throw new Error(`--${one} and --${other} do not go together: ${why}`);
  const unknown = names.find((name) => !scenarios.some((each) => each.name === name));
  if (unknown !== undefined)
    throw new Error(
      `there is no scenario ${unknown}; there are ${scenarios.map(({ name }) => name).join(", ")}`,
    );
  const { rerun = null, compare = null, json = null, out = null } = values;
  if (values.print) return { kind: "print", names, rerun };
  const url = values.url === undefined ? null : readUrl(values.url);
  const refused = scenarios.find(({ name, canUrl }) => url !== null && names.includes(name) && !canUrl);
  if (refused)
    throw new Error(`${refused.name} boots its own servers, so it cannot take --url${withUrl(scenarios)}`);
  const seed = values.seed === undefined ? null : readSeed(values.seed);
  return { kind: "measure", names, isQuick: values.quick, seed, url, rerun, compare, json, out };
}

const isGiven = (value: string | boolean | undefined): boolean => value !== undefined && value !== false;

function withUrl(scenarios: readonly Scenario[]): string {
  const names = scenarios.filter(({ canUrl }) => canUrl).map(({ name }) => name);
  return names.length === 0 ? "; no scenario can" : `; ${names.join(", ")} can`;
}

function readSeed(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new Error(`--seed takes a whole number from 0 to 999999999, not ${text}`);
  return Number(text);
}

/** The address without a trailing slash. */
function readUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "")
    throw new Error(`--url takes the address of a running shop, such as http://10.0.0.5:3000, not ${text}`);
  return url.href.replace(/\/+$/, "");
}

/** The text of `-h`. */
export const usageOf = (
  scenarios: readonly Scenario[],
): string => `usage: bun run bench [scenario ...] [options]

Measures the shop against its targets. Without names it runs every scenario, which takes about an hour and twenty
minutes, and longer the first time, when it builds catalogues of up to 1,000,000 shoes in the temporary folder.

What to run
  --quick            small and short: tests the harness and judges no line
  --seed <number>    seed of random choices (default: 1)
  --url <base>       measure this running shop instead of a new one${withUrl(scenarios)}

Compare
  --rerun <result>   run a result again (its folder or its JSON), and print both
  --compare <ref>    take turns with another version: a commit, a branch, a tag
  --print            print the exact commands of the newest result, or of that of --rerun, and run nothing

Where results go
  --out <folder>     report, charts and JSON (default: bench/results/<time>; with --quick nowhere)
  --json <file>      only the JSON, into this file
  -h, --help         this text

Examples
  bun run bench cached-related likes
  bun run bench cached-related --print
  bun run bench --rerun bench/results/published
  bun run bench uncached-related --compare HEAD~1

Scenarios
${scenarios.map(({ name, measures }) => `  ${name.padEnd(18)} ${measures}`).join("\n")}

Exit code: 0 measured (even if a target was missed), 1 a scenario failed or was invalid, 130 interrupted.`;
