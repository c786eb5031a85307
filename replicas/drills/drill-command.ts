// Runs drills from the command line: one or all, once or several times, and leaves nothing behind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Children, openChildren } from "../primary/children.ts";
import { bootCluster } from "./cluster.ts";
import { type Drill, type DrillOptions, lineOf, openChecks, type Result } from "./drill.ts";

const INTERRUPTED = 130;
const NODES_MAX = 48;
const REPEAT_MAX = 1_000;
const SECONDS_MAX = 86_400;
const REMOVE_TRIES = 20;
const REMOVE_PAUSE_MS = 100;

const usageOf = (drills: readonly Drill[]): string =>
  `usage: bun run drill <name> | --all  [--short] [--nodes N] [--seconds S] [--repeat R] [--json] [-h]

Lets something go wrong with a cluster of its own on this machine, under load, and checks what must hold then.

  --all        every drill, one after the other, and a table
  --short      fewer nodes and seconds: what a step of continuous integration can afford
  --nodes N    nodes of the cluster (1..${NODES_MAX}; default: the drill's own)
  --seconds S  seconds of what lasts (default: the drill's own)
  --repeat R   so many times, each on a new cluster; ends with the first that fails
  --json       one JSON object a drill instead of a line
  -h, --help   this text

Drills:
${drills.map(({ name, about }) => `  ${name}\n      ${about}`).join("\n")}

Exit code: 0 all passed, 1 one failed, ${INTERRUPTED} interrupted.`;

type Args = DrillOptions & { drills: readonly Drill[]; isAll: boolean; repeat: number; isJson: boolean };

/** Reads the words; `null` when the usage is asked for. Throws one sentence when they make no sense. */
function readArgs(words: readonly string[], drills: readonly Drill[]): Args | null {
  const { values, positionals } = parseArgs({
    args: [...words],
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
  const isOnly = drills.length === 1 && name === undefined;
  const drill = drills.find((each) => isOnly || each.name === name);
  if (!values.all && (drill === undefined || more.length > 0))
    throw new Error(
      `name one drill of ${drills.map((each) => each.name).join(", ")}, or --all (-h shows more)`,
    );
  return {
    drills: values.all || drill === undefined ? drills : [drill],
    isAll: values.all,
    isShort: values.short,
    nodes: wholeOf("--nodes", values.nodes, NODES_MAX),
    seconds: wholeOf("--seconds", values.seconds, SECONDS_MAX),
    repeat: wholeOf("--repeat", values.repeat, REPEAT_MAX) ?? 1,
    isJson: values.json,
  };
}

function wholeOf(name: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new Error(`${name} is ${text}: it must be a whole number from 1 to ${max}`);
  return value;
}

/** What runs now and has to end when the drill does. */
type Held = { children: Children; folder: string; ends: (() => Promise<void>)[] };

async function release({ children, folder, ends }: Held): Promise<void> {
  // In order where it goes; what does not end by itself is killed.
  await Promise.all(ends.map((end) => end()));
  await children.close();
  removeFolder(folder);
}

/** Whoever was killed a moment ago may still write. */
function removeFolder(folder: string, tries = REMOVE_TRIES): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (thrown) {
    if (tries === 1) throw thrown;
    Bun.sleepSync(REMOVE_PAUSE_MS);
    removeFolder(folder, tries - 1);
  }
}

const sentenceOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** Runs a drill once; `isOver` tells that the process may go on with another one. */
async function runOnce(
  drill: Drill,
  options: DrillOptions,
  hold: (held: Held | null) => void,
): Promise<{ verdict: Result; isOver: boolean }> {
  const held: Held = {
    children: openChildren(),
    folder: mkdtempSync(join(tmpdir(), "insole-drill-")),
    ends: [],
  };
  hold(held);
  const checks = openChecks();
  const path = process.env.PATH ?? "";
  const running = drill.run({
    options,
    checks,
    folder: held.folder,
    children: held.children,
    progress: (line) => void process.stderr.write(`${drill.name}: ${line}\n`),
    async boot(nodes) {
      const data = join(held.folder, `cluster-${held.ends.length + 1}`);
      const onStart = (end: () => Promise<void>) => void held.ends.push(end);
      return bootCluster({ nodes, data, children: held.children, path, onStart });
    },
  });
  const seconds = drill.secondsMax(options);
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), seconds * 1_000);
  let isOver = true;
  try {
    if ((await Promise.race([running, late.promise])) === "late") {
      isOver = false;
      checks.require(false, `not done after ${seconds} s`);
      running.catch(() => {});
    }
  } catch (thrown) {
    checks.require(false, sentenceOf(thrown));
  } finally {
    clearTimeout(timer);
  }
  await release(held);
  hold(null);
  return { verdict: checks.result(), isOver };
}

async function runOne({ drills, repeat, isJson, ...options }: Args): Promise<boolean> {
  const [drill] = drills;
  if (drill === undefined) return false;
  let held: Held | null = null;
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, async () => {
      if (isStopping) return;
      isStopping = true;
      if (held) await release(held);
      process.exit(INTERRUPTED);
    });
  for (let time = 1; time <= repeat; time += 1) {
    const startedAt = performance.now();
    const { verdict, isOver } = await runOnce(drill, options, (now) => {
      held = now;
    });
    // Whoever interrupts it knows that it has not passed.
    if (isStopping) return new Promise(() => {});
    const { name } = drill;
    const took = Math.round(performance.now() - startedAt) / 1_000;
    const isPassed = verdict.failures.length === 0;
    const line = isJson
      ? JSON.stringify({ drill: name, pass: isPassed, seconds: took, ...verdict })
      : lineOf(name, verdict);
    process.stdout.write(`${line}\n`);
    if (!isPassed) return false;
    if (!isOver) return false;
  }
  return true;
}

type Line = Result & { drill: string; pass: boolean; seconds: number };

/** Runs each in a process of its own, so that none meets what another left. */
async function runAll(words: readonly string[], { drills, isJson }: Args): Promise<boolean> {
  const rest = words.filter((word) => word !== "--all" && word !== "--json");
  const command = join(import.meta.dir, "command.ts");
  let child: Bun.Subprocess | undefined;
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, async () => {
      isStopping = true;
      child?.kill("SIGTERM");
      await child?.exited;
      process.exit(INTERRUPTED);
    });
  const lines: Line[] = [];
  for (const { name } of drills) {
    if (isStopping) break;
    const running = Bun.spawn([process.execPath, command, name, "--json", ...rest], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    child = running;
    const said = await new Response(running.stdout).text();
    await running.exited;
    const mine = said.split("\n").filter((line) => line.startsWith("{"));
    for (const line of mine) lines.push(JSON.parse(line));
    if (mine.length === 0)
      lines.push({
        drill: name,
        pass: false,
        seconds: 0,
        failures: ["it broke off"],
        measurements: [],
        numbers: {},
      });
    if (isJson) for (const line of mine) process.stdout.write(`${line}\n`);
  }
  if (!isJson) process.stdout.write(`${tableOf(lines)}\n`);
  return lines.every(({ pass }) => pass);
}

function tableOf(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(({ drill }) => drill.length));
  return lines
    .map(({ drill, pass, seconds, failures, measurements }) => {
      const start = `${pass ? "PASS" : "FAIL"}  ${drill.padEnd(width)}  ${seconds.toFixed(0).padStart(4)} s`;
      return `${start}  ${[...failures, ...measurements].join("; ")}`;
    })
    .join("\n");
}

/** Runs what the words of the command line ask for and ends the process. */
export async function runCommand(drills: readonly Drill[]): Promise<never> {
  try {
    const words = process.argv.slice(2);
    const args = readArgs(words, drills);
    if (args === null) process.stdout.write(`${usageOf(drills)}\n`);
    else if (!(await (args.isAll ? runAll(words, args) : runOne(args)))) process.exit(1);
    // A drill that was given up may still wait for something.
    process.exit(0);
  } catch (thrown) {
    process.stderr.write(`drill: ${sentenceOf(thrown)}\n`);
    process.exit(1);
  }
}
