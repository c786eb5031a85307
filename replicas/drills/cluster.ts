// The cluster of one drill: started by the command of clusters, on data that is removed with the drill.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { openRemote } from "../../db/server/remote.ts";
import { sendControl } from "../cluster/control.ts";
import { openFolder, ROOT } from "../cluster/folder.ts";
import { readOptions } from "../cluster/options.ts";
import type { Child, Children } from "../primary/children.ts";
import { databaseFile } from "../primary/dataset.ts";
import { type Grant, makeToken, readKeys } from "../primary/keys.ts";
import { ADMIN } from "./traffic/client.ts";

/** A node; started again by `startNodes` it has another pid, and keeps its name and URL. */
export type ClusterNode = { name: string; url: string; pid: number };

export type Cluster = {
  /** The URL where NGINX listens. */
  edge: string;
  primary: { url: string };
  nodes: ClusterNode[];
  /** The folder of the cluster. */
  data: string;
  /** The file with the output of the cluster's command and of the primary. */
  log: string;
  /** The folder of the dataset's keys. */
  keys: string;
  /** The primary's database file, which sqld has open. */
  primaryFile: string;
  /** The process id of sqld; `null` while its supervisor starts it again. */
  primaryPid(): number | null;
  /** The process id of the door; `null` while the supervisor starts another. */
  doorPid(): number | null;
  /** Makes a token that is valid for a day. */
  makeToken(kind: Grant["kind"]): string;
  /** The primary's database over HTTP. */
  database: Database;
  /** The path of a node's replica. */
  replicaOf(name: string): string;
  /** Runs the cluster's command with these options, such as `control("--kill", "3")`; throws when it fails. */
  control(...options: string[]): Promise<string[]>;
  /** Kills these nodes at once, with SIGKILL. */
  killNodes(nodes: readonly ClusterNode[]): void;
  /** Starts nodes that were killed; resolves when they are ready. */
  startNodes(nodes: readonly ClusterNode[]): Promise<void>;
};

type BootOptions = {
  nodes: number;
  data: string;
  children: Children;
  /** The PATH on which programs are found. */
  path: string;
};

const COMMAND = "replicas/cluster/command.ts";
const READY_MS_MAX = 90_000;
const POLL_MS = 20;
const OUTPUT_SHOWN = 1_500;

type Started = { edge: string; primary: { url: string }; nodes: ClusterNode[] };

/** Starts a cluster with the drills' admin; resolves when it is ready. */
export async function bootCluster({ nodes, data, children, path }: BootOptions): Promise<Cluster> {
  const env = { PATH: path, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password };
  const command = [process.execPath, COMMAND, "--data", data, "--nodes", String(nodes), "--json"];
  const outPath = `${data}.log`;
  const child = children.start(command, { cwd: ROOT, env, outPath });
  const started = await readStart(child, outPath);
  const folder = openFolder(data);
  const tokenOf = (kind: Grant["kind"]) =>
    makeToken(readKeys(folder.primary.keys), { kind, days: 1 }, Date.now());
  const control = async (...options: string[]): Promise<string[]> => {
    const command = readOptions(["--data", data, ...options]);
    if (command.kind !== "control") throw new Error(`${options.join(" ")} changes no cluster`);
    return sendControl(folder, command.control);
  };
  return {
    ...started,
    data,
    log: outPath,
    keys: folder.primary.keys,
    primaryFile: databaseFile(folder.primary.data),
    database: openRemote({ url: started.primary.url, authToken: tokenOf("write") }),
    primaryPid: () => readPid(join(folder.primary.data, "sqld.pid")),
    doorPid: () => readPid(join(folder.primary.data, "door.pid")),
    makeToken: tokenOf,
    replicaOf: (name) => join(folder.nodeFolder(name), "replica.db"),
    control,
    killNodes(killed) {
      for (const { pid } of killed) process.kill(pid, "SIGKILL");
    },
    async startNodes(down) {
      await control("--start", down.map(({ name }) => name).join(","));
      const [status] = await control("--status", "--json");
      const { nodes: running } = JSON.parse(must(status, "the cluster's status")) as Started;
      for (const node of started.nodes)
        node.pid = must(
          running.find(({ name }) => name === node.name),
          node.name,
        ).pid;
    },
  };
}

/** Polls the output of the command for the line of JSON that says where everything listens. */
async function readStart(child: Child, outPath: string): Promise<Started> {
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    const output = readFileSync(outPath, "utf8");
    const line = output
      .split("\n")
      .slice(0, -1)
      .find((each) => each.startsWith("{"));
    if (line !== undefined) return JSON.parse(line) as Started;
    if (!child.isRunning() || performance.now() > deadline)
      throw new Error(`the cluster did not start: ${output.slice(-OUTPUT_SHOWN)}`);
    await Bun.sleep(POLL_MS);
  }
}

function readPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return pid > 1 ? pid : null;
  } catch {
    return null;
  }
}
