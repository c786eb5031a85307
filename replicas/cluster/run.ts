// Runs a cluster until a signal ends it, or controls one that runs; the command provides environment, output and signals.
import { sentenceOf } from "../../db/message.ts";
import { openChildren } from "../primary/children.ts";
import { lockFolder } from "../primary/lock.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { openControl, sendControl } from "./control.ts";
import { openFolder } from "./folder.ts";
import { type ClusterCommand, readOptions, USAGE } from "./options.ts";
import { perform } from "./perform.ts";
import { openTable } from "./table.ts";

/** The environment, output and signals of the process. */
type ClusterIo = {
  /** The process's environment; nodes get a part of it. */
  env: Record<string, string | undefined>;
  /** The program that runs as a node. */
  program: readonly string[];
  isTerminal: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Calls back at every signal to end. */
  onEnd(stop: () => void): void;
};

type Run = ClusterCommand & { kind: "run" };

/** What nodes have of the environment of the command, all the same. */
const NODE_VARIABLES = [
  "PATH",
  "HOME",
  "ADMIN_EMAIL",
  "ADMIN_PASSWORD",
  "CURRENCY",
  "SMTP_URL",
  "MAIL_FROM",
  "ADMIN_ALERT_EMAIL",
  "SHOP_NAME",
  "LOCALE",
  "LOW_STOCK",
  "REPORT_TIMEZONE",
  "PUBLIC_URL",
  "ORDER_URL",
  "RESET_URL",
  "BUN_JSC_forceRAMSize",
];

/** A terminal can deliver one Ctrl-C as two signals. */
const END_SIGNALS_MAX = 2;

/** Runs the command and returns its exit code. */
export async function clusterCommand(args: readonly string[], io: ClusterIo): Promise<number> {
  try {
    const command = readOptions(args);
    if (command.kind === "help") io.out(`${USAGE}\n`);
    else if (command.kind === "control")
      for (const line of await sendControl(openFolder(command.data), command.control)) io.out(`${line}\n`);
    else await run(command, io);
    return 0;
  } catch (thrown) {
    io.err(`cluster: ${sentenceOf(thrown)}\n`);
    return 1;
  }
}

async function run(command: Run, io: ClusterIo): Promise<void> {
  const folder = openFolder(command.data);
  const lock = lockFolder(folder.root);
  if (!lock)
    throw new Error(
      `a cluster runs in ${folder.root} already: end it first, or name another folder with --data`,
    );
  const children = openChildren();
  const ended = Promise.withResolvers<void>();
  let endSignals = 0;
  io.onEnd(() => {
    endSignals += 1;
    ended.resolve();
    // A second Ctrl-C ends everything at once.
    if (endSignals > END_SIGNALS_MAX) void children.close();
  });
  const view: { say(line: string): void } = { say: (line) => io.err(`${line}\n`) };
  try {
    const opening = openCluster({
      ...command,
      folder,
      children,
      program: io.program,
      env: nodeEnvironment(io.env),
      say: (line) => view.say(line),
    });
    // A signal during the start: the children are killed, which fails the rest of the start.
    const cluster = await Promise.race([opening, ended.promise]);
    if (cluster) await serve(cluster, command, io, view, ended.promise);
    else opening.catch(() => {});
  } finally {
    await children.close();
    lock.release();
  }
}

async function serve(
  cluster: Cluster,
  command: Run,
  io: ClusterIo,
  view: { say(line: string): void },
  ended: Promise<void>,
): Promise<void> {
  const control = openControl(cluster.folder, (each) => perform(cluster, each));
  if (command.json) io.out(`${JSON.stringify(cluster.describe())}\n`);
  else io.out(`${cluster.nodes().length} nodes are ready behind ${cluster.edge?.url ?? "no edge"}\n`);
  const table = io.isTerminal && !command.json ? openTable(cluster, io.out) : undefined;
  if (table) view.say = table.say;
  try {
    await ended;
  } finally {
    table?.close();
    control.close();
    view.say = () => {};
    await cluster.close();
  }
}

export const nodeEnvironment = (env: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    NODE_VARIABLES.flatMap((name) =>
      env[name] === undefined ? [] : [[name, env[name]] as [string, string]],
    ),
  );
