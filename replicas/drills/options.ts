// The options of `bun run drill`, and its usage text.
import { parseArgs } from "node:util";
import type { Drill, DrillOptions } from "./drill.ts";

/** Exit code after SIGINT or SIGTERM. */
export const INTERRUPTED = 130;

const NODES_MAX = 48;
const REPEAT_MAX = 1_000;
const SECONDS_MAX = 86_400;

/** A command line: which drills run, and how. */
export type DrillCommand = DrillOptions & {
  drills: readonly Drill[];
  isAll: boolean;
  repeat: number;
  isJson: boolean;
};

export const usageOf = (drills: readonly Drill[]): string =>
  `usage: bun run drill <name> | --all  [--short] [--nodes N] [--seconds S] [--repeat R] [--json] [-h]

Starts a cluster of its own on this machine, causes a failure under load, and checks what must hold.

  --all        every drill, one after the other, and a table of the results
  --short      fewer nodes and seconds, for continuous integration
  --nodes N    nodes of the cluster, 1 to ${NODES_MAX} (12, with --short 4)
  --seconds S  how long the failure or the load lasts (the drill's own default)
  --repeat R   run R times, each on a new cluster, until one fails (1)
  --json       print one JSON object for each run instead of a line
  -h, --help   print this text

Drills:
${drills.map(({ name, about }) => `  ${name}\n      ${about}`).join("\n")}

Exit code: 0 all passed, 1 one failed, ${INTERRUPTED} interrupted.`;

/** Reads the command line; `null` for `--help`. Throws one sentence when it is wrong. */
export function readOptions(args: readonly string[], drills: readonly Drill[]): DrillCommand | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      all: { type: "boolean", default: false },
      short: { type: "boolean", default: false },
      nodes: { type: "string" },
      seconds: { type: "string" },
      repeat: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const [name, ...more] = positionals;
  const named = drills.filter((drill) => drill.name === name);
  if (!values.all && (named.length === 0 || more.length > 0))
    throw new Error(
      `name one drill of ${drills.map((drill) => drill.name).join(", ")}, or --all (-h shows more)`,
    );
  return {
    drills: values.all ? drills : named,
    isAll: values.all,
    isShort: values.short,
    nodes: readWhole("--nodes", values.nodes, NODES_MAX),
    seconds: readWhole("--seconds", values.seconds, SECONDS_MAX),
    repeat: readWhole("--repeat", values.repeat, REPEAT_MAX) ?? 1,
    isJson: values.json,
  };
}

function readWhole(name: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new Error(`${name} is ${text}: it must be a whole number from 1 to ${max}`);
  return value;
}
