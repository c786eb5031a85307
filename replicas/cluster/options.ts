// What `bun run cluster` was asked for: to be a cluster, or to change one that runs.
import { parseArgs } from "node:util";

export const USAGE = `usage: bun run cluster [--nodes 12] [--port 8000] [--data DIR] [--from FILE] [--cache-bytes N] [--no-edge] [--json]
       bun run cluster --kill 3 | --pause [3] | --resume [3] | --stop 3 | --start 3 | --drain 5 [--restart] | --add | --status

Runs a whole cluster on this machine: a libSQL primary, its nodes, and NGINX in front. Ctrl-C ends everything.
  --nodes N         how many, 1 to 48                                             (12)
  --port P          the edge's                                                    (8000, or a free one)
  --data DIR        its folder; what is there is kept                             (data/cluster)
  --from FILE       begin with one machine's file (data/insole.db) instead of demo shoes
  --cache-bytes N   memory cache of each node                                     (8388608)
  --no-edge         without NGINX
  --json            print one line when all is ready: {"edge","primary":{"url","pid"},"nodes":[{"name","url","pid"}]}

From another terminal, on the cluster in --data; a target is a node's number, several by comma, or primary or edge:
  --kill T          kill -9; a node stays down until --start, the primary is started again at once
  --pause [T]       freeze (SIGSTOP), the primary unless told otherwise, until --resume
  --stop T          end it in order; it stays down until --start
  --drain T         the same for nodes, and leave them out of the edge's list; --restart starts each again before the next
  --add             one more node, put behind the edge
  --status          who runs where; with --json the line of above, as it is now`;

/** What can be done to a running cluster. */
export const VERBS = ["kill", "pause", "resume", "stop", "start", "drain", "add", "status"] as const;

/** One such thing; targets are as typed. */
export type Control = { verb: (typeof VERBS)[number]; targets: string[]; restart: boolean; json: boolean };

/** A command line, understood. */
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

/** Reads the words; throws one sentence when they make no sense. */
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
  if (more.length > 0) throw new Error(`--${verb} and --${more[0]} are two things: ask for one at a time`);
  if (values.restart && verb !== "drain") throw new Error("--restart goes with --drain");
  const named = values[verb];
  const targets = typeof named === "string" ? named.split(",").map((each) => each.trim()) : [];
  for (const target of targets)
    if (!/^((node-)?\d{1,2}|primary|edge)$/.test(target))
      throw new Error(`--${verb} ${target}: a target is a node's number, primary or edge`);
  return {
    kind: "control",
    data: values.data,
    control: { verb, targets, restart: values.restart, json: values.json },
  };
}

/** `--pause` and `--resume` may stand alone: they mean the primary. */
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
