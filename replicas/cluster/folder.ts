// The folder of a cluster: the primary's data and keys, the secret of the sessions, and a folder for each node.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Children } from "../primary/children.ts";
import { initDataset } from "../primary/dataset.ts";
import { hasKeys, makeToken, readKeys, TOKEN_DAYS_MAX } from "../primary/keys.ts";

/** The absolute paths of a cluster. */
export type ClusterFolder = {
  root: string;
  primary: { data: string; keys: string };
  edge: string;
  nodesFile: string;
  exemptFile: string;
  controlFile: string;
  nodeFolder(name: string): string;
};

/** The folder of the repository. */
export const ROOT = join(import.meta.dir, "../..");

const SECRET_FILE = "jwt-secret";
const DEMO_MS_MAX = 60_000;
/** Clients without limits: a load generator on this machine. */
const LOOPBACK = "127.0.0.0/8\n::1\n";

/** Creates the folder where it is missing, and returns its paths. */
export function openFolder(data: string): ClusterFolder {
  const root = resolve(data);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  return {
    root,
    primary: { data: join(root, "primary"), keys: join(root, "primary-keys") },
    edge: join(root, "edge"),
    nodesFile: join(root, "nodes.txt"),
    exemptFile: join(root, "exempt.txt"),
    controlFile: join(root, "control.json"),
    nodeFolder: (name) => join(root, "nodes", name),
  };
}

/**
 * Prepares the dataset: keeps an existing one, else copies `from`, else creates the demo catalogue. Throws one sentence when
 * `from` is given although there is a dataset.
 */
export async function prepareData(
  { root, primary, exemptFile }: ClusterFolder,
  from: string | undefined,
  children: Children,
): Promise<"kept" | "created"> {
  writeFileSync(exemptFile, LOOPBACK);
  if (hasKeys(primary.keys)) {
    if (from === undefined) return "kept";
    throw new Error(`${root} holds a shop already: --from needs a new folder, so name another with --data`);
  }
  if (from !== undefined) {
    initDataset(primary, from);
    return "created";
  }
  const demo = join(root, "demo");
  rmSync(demo, { recursive: true, force: true });
  await fillDemo(demo, join(root, "demo.log"), children);
  initDataset(primary, join(demo, "insole.db"));
  rmSync(demo, { recursive: true });
  return "created";
}

async function fillDemo(folder: string, outPath: string, children: Children): Promise<void> {
  mkdirSync(folder, { mode: 0o700 });
  const child = children.start([process.execPath, "app/import/demo/command.ts"], {
    cwd: ROOT,
    env: { DATA_DIR: folder },
    outPath,
  });
  const killing = setTimeout(() => child.signal("SIGKILL"), DEMO_MS_MAX);
  const code = await child.exited;
  clearTimeout(killing);
  if (code !== 0) throw new Error(`the demo catalogue could not be created: see ${outPath}`);
}

/**
 * The tokens of a node for the primary: one to write, and one to sync its replica. They stay in the memory of this machine's
 * processes, and a cluster that runs for months must not end with them.
 */
export function nodeTokens({ primary }: ClusterFolder, nowMs: number): string {
  const keys = readKeys(primary.keys);
  const [write, read] = (["write", "read"] as const).map((kind) =>
    makeToken(keys, { kind, days: TOKEN_DAYS_MAX }, nowMs),
  );
  return `${write},${read}`;
}

/** The secret that all nodes sign sessions with; created at the first call. */
export function readSecret({ root }: ClusterFolder): string {
  const path = join(root, SECRET_FILE);
  if (!existsSync(path))
    writeFileSync(path, Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex"), {
      mode: 0o600,
      flag: "wx",
    });
  return readFileSync(path, "utf8");
}
