// Runs a cluster until it is told to end, and controls one that runs; the command hands in the world around it.
import { sentenceOf } from "../../db/message.ts";
import { openChildren } from "../primary/children.ts";
import { lockFolder } from "../primary/lock.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { askCluster, openControl } from "./control.ts";
import { openFolder } from "./folder.ts";
import { type ClusterCommand, readOptions, USAGE } from "./options.ts";
import { perform } from "./perform.ts";
import { openTable } from "./table.ts";

/** What the command needs of the world around it. */
export type ClusterWorld = {
  /** The environment that nodes may see a part of. */
  env: Record<string, string | undefined>;
  /** What runs as a node. */
  program: readonly string[];
  isTerminal: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Calls back whenever the process is asked to end. */
  onEnd(stop: () => void): void;
};

type Run = ClusterCommand & { kind: "run" };

const PASSED_ON = ["PATH", "HOME", "ADMIN_EMAIL", "ADMIN_PASSWORD", "CURRENCY", "BUN_JSC_forceRAMSize"];

/** Signals that may come for one wish to end. */
const ENDS_MAX = 2;

/** Runs the command and returns its exit code. */
export async function clusterCommand(args: readonly string[], world: ClusterWorld): Promise<number> {
  try {
    const command = readOptions(args);
    if (command.kind === "help") world.out(`${USAGE}\n`);
    else if (command.kind === "control")
      for (const line of await askCluster(openFolder(command.data), command.control)) world.out(`${line}\n`);
    else await run(command, world);
    return 0;
  } catch (thrown) {
    world.err(`cluster: ${sentenceOf(thrown)}\n`);
    return 1;
  }
}

async function run(command: Run, world: ClusterWorld): Promise<void> {
  const folder = openFolder(command.data);
  const lock = lockFolder(folder.root);
  if (!lock)
    throw new Error(
      `a cluster runs in ${folder.root} already: end it first, or name another folder with --data`,
    );
  const children = openChildren();
  const ended = Promise.withResolvers<void>();
  let asked = 0;
  world.onEnd(() => {
    asked += 1;
    ended.resolve();
    // A second time means at once; a terminal may deliver its first one twice.
    if (asked > ENDS_MAX) void children.close();
  });
  const view: { say(line: string): void } = { say: (line) => world.err(`${line}\n`) };
  try {
    const opening = openCluster({
      ...command,
      folder,
      children,
      program: world.program,
      env: passedOn(world.env),
      say: (line) => view.say(line),
    });
    // Asked to end before it was open: what was started by then is killed, which fails the rest.
    const cluster = await Promise.race([opening, ended.promise]);
    if (cluster) await serve(cluster, command, world, view, ended.promise);
    else opening.catch(() => {});
  } finally {
    await children.close();
    lock.release();
  }
}

async function serve(
  cluster: Cluster,
  command: Run,
  world: ClusterWorld,
  view: { say(line: string): void },
  ended: Promise<void>,
): Promise<void> {
  const control = openControl(cluster.folder, (each) => perform(cluster, each));
  if (command.json) world.out(`${JSON.stringify(cluster.describe())}\n`);
  else world.out(`${cluster.nodes().length} nodes are ready behind ${cluster.edge?.url ?? "no edge"}\n`);
  const table = world.isTerminal && !command.json ? openTable(cluster, world.out) : undefined;
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

const passedOn = (env: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as [string, string]])),
  );
