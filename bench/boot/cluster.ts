// Whole clusters to be measured: started by the cluster's own command as anybody would, ready when they are handed out.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Child, waitFor } from "../harness/children.ts";
import type { Bench } from "../harness/scenario.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { freePort } from "./shop.ts";

/** A node, or the primary; neither has a last slash. */
export type Part = { url: string; pid: number };

/** What the command tells of itself in its one line. */
export type Described = { edge: string; primary: Part; nodes: (Part & { name: string })[] };

/** A running cluster; `edge` is where NGINX listens, `child` the command that watches over all of it. */
export type Cluster = Described & { child: Child; folder: string };

export type ClusterOptions = {
  nodes: number;
  /** How many demo shoes it begins with. */
  shoes: number;
  /** The memory cache of each node; the command's own choice when left out. */
  cacheBytes?: number;
  /** Further settings of the nodes. */
  env?: Record<string, string>;
};

/** Twelve first copies of a big catalogue take their time on two cores. */
const READY = { everyMs: 20, msMax: 180_000 };

/** Starts a cluster on a copy of a kept catalogue, with free ports and a folder of its own; throws its last words when it gives up. */
export async function bootCluster(bench: Bench, options: ClusterOptions): Promise<Cluster> {
  const { children, log } = bench;
  const catalogue = await catalogueOf(options.shoes, children, log);
  const folder = mkdtempSync(join(children.folder, "cluster-"));
  log(`starting ${options.nodes} nodes`);
  const child = children.startCommand(
    "cluster",
    [
      "--json",
      "--nodes",
      String(options.nodes),
      "--data",
      folder,
      "--port",
      String(freePort()),
      "--from",
      join(catalogue, "insole.db"),
      ...(options.cacheBytes === undefined ? [] : ["--cache-bytes", String(options.cacheBytes)]),
    ],
    { env: options.env ?? {}, cores: null },
  );
  return { ...(await described(child)), child, folder };
}

const described = (child: Child): Promise<Described> =>
  waitFor(child, "no cluster", READY, () => {
    const line = readFileSync(child.outPath, "utf8")
      .split("\n")
      .slice(0, -1)
      .find((each) => each.startsWith("{"));
    return line === undefined ? null : (JSON.parse(line) as Described);
  });

/** Ends a cluster and removes its folder: twelve copies of a big catalogue take room. */
export async function endCluster({ children }: Bench, { child, folder }: Cluster): Promise<void> {
  await children.end(child);
  rmSync(folder, { recursive: true, force: true });
}
