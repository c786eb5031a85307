// What a bench is asked for: its arguments, its usage, and which of them go together.
import { parseArgs } from "node:util";
import type { Scenario } from "./scenario.ts";

/** What to do. `names` is empty when no scenario was named. */
export type Args =
  | { kind: "help" }
  | { kind: "print"; names: string[]; rerun: string | null }
  | {
      kind: "measure";
      names: string[];
      isQuick: boolean;
      /** `null`: 1, or that of the result that is run again. */
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

/** Options that cannot stand together, with the reason. */
const APART = [
  ["rerun", "quick", "the result says whether it was quick"],
  ["rerun", "seed", "the result has its seed"],
  ["rerun", "url", "the result says which shop it asked"],
  ["rerun", "compare", "each sets other figures beside the new ones"],
  ["compare", "url", "it boots both shops itself"],
  ["json", "out", "each says where the results go"],
  ["print", "quick", "nothing is run"],
  ["print", "seed", "nothing is run"],
  ["print", "url", "nothing is run"],
  ["print", "compare", "nothing is run"],
  ["print", "json", "nothing is run"],
  ["print", "out", "nothing is run"],
] as const;

/** Reads the arguments. Throws one sentence about a bad one. */
export function readArgs(args: readonly string[], scenarios: readonly Scenario[]): Args {
  const { values, names } = parse(args);
  if (values.help) return { kind: "help" };
  for (const [one, other, why] of APART)
    if (isGiven(values[one]) && isGiven(values[other]))
      throw new Error(`--${one} and --${other} do not go together: ${why}`);
  const unknown = names.find((name) => !scenarios.some((each) => each.name === name));
  if (unknown !== undefined)
    throw new Error(`${unknown} is no scenario; there are ${scenarios.map(({ name }) => name).join(", ")}`);
  const { rerun = null, compare = null, json = null, out = null } = values;
  if (values.print) return { kind: "print", names, rerun };
  const url = values.url === undefined ? null : readUrl(values.url);
  const refused = scenarios.find(({ name, canUrl }) => url !== null && names.includes(name) && !canUrl);
  if (refused)
    throw new Error(`${refused.name} boots what it measures, so it cannot take --url${able(scenarios)}`);
  const seed = values.seed === undefined ? null : readSeed(values.seed);
  return { kind: "measure", names, isQuick: values.quick, seed, url, rerun, compare, json, out };
}

const isGiven = (value: string | boolean | undefined): boolean => value !== undefined && value !== false;

function able(scenarios: readonly Scenario[]): string {
  const names = scenarios.filter(({ canUrl }) => canUrl).map(({ name }) => name);
  return names.length === 0 ? "; no scenario can" : `; ${names.join(", ")} can`;
}

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
    return { values, names: positionals };
  } catch (thrown) {
    // What Node adds to its first sentence is about other programs.
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    const [, option] = /Unknown option '([^']+)'/.exec(said) ?? [];
    throw new Error(
      option === undefined
        ? said.split(/\.\s/, 1)[0]
        : `there is no option ${option}; bun run bench -h names them all`,
    );
  }
}

function readSeed(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new Error(`--seed takes a whole number from 0 to 999999999, not ${text}`);
  return Number(text);
}

/** The address without a last slash. */
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

Measures the shop against its lines. Without names every scenario is run, which takes about 45 minutes, and
longer the first time, when catalogues of up to 1,000,000 shoes are built in the temporary folder.

What is run
  --quick            small and short: shows that the harness works, judges no speed
  --seed <number>    what is drawn by chance (default: 1)
  --url <base>       measure this running shop instead of one of its own${able(scenarios)}

Beside other figures
  --rerun <result>   run again what made a result (its folder or its JSON), and compare
  --compare <ref>    take turns with another version: a commit, a branch, a tag
  --print            print the exact commands of the newest result, or of --rerun's, and run nothing

Where results go
  --out <folder>     report, charts and JSON (default: bench/results/<time>; with --quick nowhere)
  --json <file>      only the JSON, there
  -h, --help         this text

Examples
  bun run bench cached-related likes
  bun run bench cached-related --print
  bun run bench --rerun bench/results/published
  bun run bench uncached-related --compare HEAD~1

Scenarios
${scenarios.map(({ name, measures }) => `  ${name.padEnd(18)} ${measures}`).join("\n")}

Exit code: 0 measured (whatever was missed), 1 something failed or a run was invalid, 130 interrupted.`;
