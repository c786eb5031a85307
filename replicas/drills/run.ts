// Runs drills: one, once or several times, or all of them; whatever a run started is ended and removed after it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../db/message.ts";
import { type Children, openChildren } from "../primary/children.ts";
import { checkBooks } from "./checks/books.ts";
import { bootCluster, type Cluster } from "./cluster.ts";
import {
  type Drill,
  type DrillContext,
  type DrillOptions,
  type Measurement,
  nodesOf,
  openChecks,
  type Result,
  sizeOf,
  textOf,
} from "./drill.ts";
import { type DrillCommand, INTERRUPTED } from "./options.ts";

/** A run that takes longer has failed; what --seconds sets happens in so many phases at most. */
const SECONDS_MAX = { full: 900, short: 300 };
const PHASES_MAX = 6;
const REMOVE_TRIES = 20;
const REMOVE_PAUSE_MS = 100;

/** One run of a drill, as `--json` prints it. */
type Run = Result & { drill: string; pass: boolean; seconds: number };

/** The programs that a run has started, and its folder. */
type Resources = { children: Children; folder: string };

/** Runs the only drill of the command until it fails; prints each run. `path` is the PATH of its programs. */
export async function runOne(
  { drills, repeat, isJson, ...options }: DrillCommand,
  path: string,
): Promise<boolean> {
  const [drill] = drills;
  if (drill === undefined) return false;
  let resources: Resources | null = null;
  const stopping = onInterrupt(async () => {
    if (resources) await release(resources);
  });
  for (let number = 1; number <= repeat; number += 1) {
    resources = openResources();
    const { run, isOver } = await runOnce(drill, options, resources, path);
    // The process ends by itself, and an interrupted run has no result.
    if (stopping()) return new Promise(() => {});
    resources = null;
    process.stdout.write(`${isJson ? JSON.stringify(run) : lineOf(run)}\n`);
    if (!run.pass || !isOver) return false;
  }
  return true;
}

/** Runs each drill in a process of its own, so that none is affected by another; prints a table. */
export async function runAll(args: readonly string[], { drills, isJson }: DrillCommand): Promise<boolean> {
  const rest = args.filter((arg) => arg !== "--all" && arg !== "--json");
  const command = join(import.meta.dir, "command.ts");
  let child: Bun.Subprocess | undefined;
  const stopping = onInterrupt(async () => {
    child?.kill("SIGTERM");
    await child?.exited;
  });
  const runs: Run[] = [];
  for (const { name } of drills) {
    if (stopping()) break;
    const running = Bun.spawn([process.execPath, command, name, "--json", ...rest], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    child = running;
    const output = await new Response(running.stdout).text();
    await running.exited;
    const lines = output.split("\n").filter((line) => line.startsWith("{"));
    for (const line of lines) runs.push(JSON.parse(line));
    if (lines.length === 0) runs.push(brokenRun(name));
    if (isJson) for (const line of lines) process.stdout.write(`${line}\n`);
  }
  if (!isJson) process.stdout.write(`${tableOf(runs)}\n`);
  return runs.every(({ pass }) => pass);
}

const brokenRun = (drill: string): Run => ({
  drill,
  pass: false,
  seconds: 0,
  failures: ["it ended without a result"],
  measurements: [],
});

/** At the first SIGINT or SIGTERM ends what runs, and then the process; returns whether that has begun. */
function onInterrupt(end: () => Promise<void>): () => boolean {
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, async () => {
      if (isStopping) return;
      isStopping = true;
      await end();
      process.exit(INTERRUPTED);
    });
  return () => isStopping;
}

const openResources = (): Resources => ({
  children: openChildren(),
  folder: mkdtempSync(join(tmpdir(), "insole-drill-")),
});

/** `isOver` is false after a timeout: the drill may still be running in this process. */
async function runOnce(
  drill: Drill,
  options: DrillOptions,
  resources: Resources,
  path: string,
): Promise<{ run: Run; isOver: boolean }> {
  const startedAt = performance.now();
  const { children, folder } = resources;
  const checks = openChecks();
  let cluster: Cluster | undefined;
  const runAndCheck = async (context: DrillContext) => {
    await drill.run(context);
    if (cluster) await checkBooks(checks, cluster);
  };
  const running = runAndCheck({
    options,
    checks,
    folder,
    children,
    progress: (line) => void process.stderr.write(`${drill.name}: ${line}\n`),
    async boot() {
      cluster = await bootCluster({ nodes: nodesOf(options), data: join(folder, "cluster"), children, path });
      return cluster;
    },
  });
  const secondsMax = sizeOf(options, SECONDS_MAX) + PHASES_MAX * (options.seconds ?? 0);
  const timeout = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => timeout.resolve("timeout"), secondsMax * 1_000);
  let isOver = true;
  try {
    if ((await Promise.race([running, timeout.promise])) === "timeout") {
      isOver = false;
      checks.require(false, `not done after ${secondsMax} s`);
      running.catch(() => {});
    }
  } catch (thrown) {
    checks.require(false, messageOf(thrown));
  } finally {
    clearTimeout(timer);
  }
  await release(resources);
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  const result = checks.result();
  return { run: { drill: drill.name, pass: result.failures.length === 0, seconds, ...result }, isOver };
}

/** Kills the programs, and with a cluster's command all that it has started; removes the folder. */
async function release({ children, folder }: Resources): Promise<void> {
  await children.close();
  removeFolder(folder);
}

/** A process that was killed a moment ago may still write into the folder. */
function removeFolder(folder: string, tries = REMOVE_TRIES): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (thrown) {
    if (tries === 1) throw thrown;
    Bun.sleepSync(REMOVE_PAUSE_MS);
    removeFolder(folder, tries - 1);
  }
}

const measurementText = ({ name, value, unit }: Measurement): string => `${name} ${textOf(value, unit)}`;

function lineOf({ drill, pass, failures, measurements }: Run): string {
  const measured = measurements.map(measurementText).join(", ");
  return pass ? `PASS ${drill}: ${measured}` : `FAIL ${drill}: ${failures.join("; ")} (${measured})`;
}

function tableOf(runs: readonly Run[]): string {
  const width = Math.max(...runs.map(({ drill }) => drill.length));
  return runs
    .map(({ drill, pass, seconds, failures, measurements }) => {
      const start = `${pass ? "PASS" : "FAIL"}  ${drill.padEnd(width)}  ${seconds.toFixed(0).padStart(4)} s`;
      return `${start}  ${[...failures, ...measurements.map(measurementText)].join("; ")}`;
    })
    .join("\n");
}
