// A cluster of a drill's own: started by the cluster's command as anybody would, on data that goes with the drill.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { openRemote } from "../../db/server/remote.ts";
import { sendControl } from "../cluster/control.ts";
import { openFolder, ROOT } from "../cluster/folder.ts";
import { readOptions } from "../cluster/options.ts";
import type { Child, Children } from "../primary/children.ts";
import { makeToken, readKeys } from "../primary/keys.ts";
import { ADMIN } from "./traffic/client.ts";

export type ClusterNode = { name: string; url: string; pid: number };

export type Cluster = {
  /** Where NGINX listens. */
  edge: string;
  primary: { url: string };
  /** As they were at the start: one that is started again keeps name and URL. */
  nodes: ClusterNode[];
  /** The folder of the cluster. */
  data: string;
  /** The sqld that runs now; `null` between two lives. */
  primaryPid(): number | null;
  /** What may write at the primary. */
  primaryToken: string;
  /** The primary's database over HTTP. */
  database: Database;
  /** The replica's file of a node. */
  replicaOf(name: string): string;
  /** Does what the cluster's command would do with these words, such as `control("--kill", "3")`; throws when it fails. */
  control(...words: string[]): Promise<string[]>;
};

export type BootOptions = {
  nodes: number;
  data: string;
  children: Children;
  /** Where programs are looked for. */
  path: string;
  /** Gets what ends the cluster as soon as there is something to end. */
  onStart(end: () => Promise<void>): void;
};

const COMMAND = "replicas/cluster/command.ts";
const READY_MS_MAX = 90_000;
const END_MS = 40_000;
const SHOWN = 1_500;

type Started = { edge: string; primary: { url: string }; nodes: ClusterNode[] };

/** Starts it, with the drills' admin; resolves when it is ready. `path` is where programs are looked for. */
export async function bootCluster({ nodes, data, children, path, onStart }: BootOptions): Promise<Cluster> {
  const env = { PATH: path, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password };
  const command = [process.execPath, COMMAND, "--data", data];
  const child = children.start([...command, "--nodes", String(nodes), "--json"], { cwd: ROOT, env });
  onStart(() => children.end(child, END_MS));
  const { edge, primary, nodes: started } = await readStart(child);
  const folder = openFolder(data);
  const primaryToken = makeToken(readKeys(folder.primary.keys), { kind: "write" }, Date.now());
  const database = openRemote({ url: primary.url, authToken: primaryToken });
  return {
    edge,
    primary,
    nodes: started,
    data,
    primaryToken,
    database,
    primaryPid: () => pidIn(join(folder.primary.data, "sqld.pid")),
    replicaOf: (name) => join(folder.nodeFolder(name), "replica.db"),
    async control(...words) {
      const asked = readOptions(["--data", data, ...words]);
      if (asked.kind !== "control") throw new Error(`${words.join(" ")} changes no cluster`);
      return sendControl(folder, asked.control);
    },
  };
}

/** Waits for the line that says where everything is; goes on reading, so that nobody waits for a full pipe. */
async function readStart(child: Child): Promise<Started> {
  const started = Promise.withResolvers<Started>();
  const timer = setTimeout(() => started.reject(new Error("the cluster is not ready")), READY_MS_MAX);
  let said = "";
  const [out, err] = child.output;
  const reading = [
    readLines(out, (line) => (line.startsWith("{") ? started.resolve(JSON.parse(line)) : undefined)),
    readLines(err, (line) => {
      said = `${said}${line}\n`.slice(-SHOWN);
    }),
  ];
  void Promise.all([child.exited, ...reading]).then(([code]) =>
    started.reject(new Error(`the cluster ended with code ${code}: ${said}`)),
  );
  try {
    return await started.promise;
  } finally {
    clearTimeout(timer);
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array> | undefined,
  onLine: (line: string) => void,
): Promise<void> {
  if (!stream) return;
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
}

function pidIn(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return pid > 1 ? pid : null;
  } catch {
    return null;
  }
}
