// The command line of `bun run cluster`: to run a cluster, or to control one that runs.
import { parseArgs } from "node:util";

export const USAGE = `usage: bun run cluster [--nodes 12] [--port 8000] [--data DIR] [--from FILE] [--cache-bytes N] [--no-edge] [--json]
       bun run cluster --kill 3 | --pause [3] | --resume [3] | --stop 3 | --start 3 | --drain 5 [--restart] | --add | --status

Runs a whole cluster on this machine: a libSQL primary, its nodes, and NGINX in front. Ctrl-C ends all of it.
  --nodes N         number of nodes, 1 to 48                                      (12)
  --port P          port of the edge                                              (8000, or a free one)
  --data DIR        folder of the cluster; an existing shop is kept               (data/cluster)
  --from FILE       start with a copy of a single machine's file (data/insole.db), not with demo shoes
  --cache-bytes N   memory cache of each node                                     (8388608)
  --no-edge         without NGINX
  --json            print one line when all is ready: {"edge","primary":{"url","pid","door"},"nodes":[{"name","url","pid"}]}

From another terminal, for the cluster in --data; T is a node's number, primary, edge, or several by comma:
  --kill T          kill -9; a node stays down until --start, the primary (its sqld) is restarted at once,
                    and so is its door (T is door)
  --pause [T]       freeze (SIGSTOP) until --resume; without T the primary
  --stop T          end in order; stays down until --start
  --drain T         --stop for nodes, which also leave the edge's list; --restart restarts each before the next
  --add             start one more node behind the edge
  --status          print each part's address, pid and state; with --json the line of above`;

/** The actions on a running cluster. */
const VERBS = ["kill", "pause", "resume", "stop", "start", "drain", "add", "status"] as const;

/** One action on its targets, which are as typed. */
export type Control = { verb: (typeof VERBS)[number]; targets: string[]; restart: boolean; json: boolean };

/** A parsed command line. */
export type ClusterCommand =
  | { kind: "help" }
  | { kind: "control"; data: string; control: Control }
  | {
      kind: "run";
      data: string;
      nodes: number;
      port: number | undefined;
      from: string | undefined;
      withEdge: boolean;
      cacheBytes: number;
      json: boolean;
    };

const NODES_MAX = 48;
const PORT_MAX = 65_535;
const CACHE_BYTES = 8 * 1024 * 1024;
const CACHE_BYTES_LIMIT = 64 * 1024 ** 3;

/** Parses the arguments. Throws one sentence, or the parser's own error, when they are not valid. */
export function readOptions(args: readonly string[]): ClusterCommand {
  const { values } = parseArgs({
    args: withDefaultTarget(args),
    options: {
      nodes: { type: "string" },
      port: { type: "string" },
      data: { type: "string", default: "data/cluster" },
      from: { type: "string" },
      "cache-bytes": { type: "string" },
      "no-edge": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      kill: { type: "string" },
      pause: { type: "string" },
      resume: { type: "string" },
      stop: { type: "string" },
      start: { type: "string" },
      drain: { type: "string" },
      restart: { type: "boolean", default: false },
      add: { type: "boolean" },
      status: { type: "boolean" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return { kind: "help" };
  const [verb, ...more] = VERBS.filter((each) => values[each] !== undefined);
  if (verb === undefined) {
    if (values.restart) throw new Error("--restart goes with --drain");
    return {
      kind: "run",
      data: values.data,
      nodes: wholeNumber("--nodes", values.nodes, 1, NODES_MAX) ?? 12,
      port: wholeNumber("--port", values.port, 1, PORT_MAX),
      from: values.from,
      withEdge: !values["no-edge"],
      cacheBytes: wholeNumber("--cache-bytes", values["cache-bytes"], 0, CACHE_BYTES_LIMIT) ?? CACHE_BYTES,
      json: values.json,
    };
  }
  if (more.length > 0) throw new Error(`--${verb} and --${more[0]} exclude each other`);
  if (values.restart && verb !== "drain") throw new Error("--restart goes with --drain");
  const named = values[verb];
  const targets = typeof named === "string" ? named.split(",").map((each) => each.trim()) : [];
  for (const target of targets)
    if (!/^((node-)?\d{1,2}|primary|edge)$/.test(target) && !(verb === "kill" && target === "door"))
      throw new Error(`--${verb} ${target}: a target is a node's number, primary or edge`);
  return {
    kind: "control",
    data: values.data,
    control: { verb, targets, restart: values.restart, json: values.json },
  };
}

/** Adds the target `primary` to a `--pause` or `--resume` without one. */
const withDefaultTarget = (args: readonly string[]): string[] =>
  args.flatMap((word, index) => {
    const next = args[index + 1];
    const isAlone = next === undefined || next.startsWith("-");
    return (word === "--pause" || word === "--resume") && isAlone ? [word, "primary"] : [word];
  });

function wholeNumber(name: string, value: string | undefined, min: number, max: number): number | undefined {
  if (value === undefined) return undefined;
  const isGood = /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max;
  if (!isGood) throw new Error(`${name} is ${value}: it must be a whole number from ${min} to ${max}`);
  return Number(value);
}
