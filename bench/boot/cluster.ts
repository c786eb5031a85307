// Clusters to be measured: started by their own command, and ready when they are returned.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../db/ports.ts";
import { type Child, waitFor } from "../harness/children.ts";
import type { Bench } from "../harness/scenario.ts";
import { catalogueOf } from "../load/catalogue.ts";

/** A node or the primary; `url` has no trailing slash. */
export type Part = { url: string; pid: number };

/**
 * The line of JSON that the command prints. The primary's `pid` is that of sqld, `door` that of its door, which older versions
 * do not have.
 */
type Described = {
  edge: string;
  primary: Part & { door?: number | null };
  nodes: (Part & { name: string })[];
};

/** A running cluster; `edge` is the address of NGINX, `child` the command that supervises all processes. */
export type Cluster = Described & { child: Child; folder: string };

type ClusterOptions = {
  nodes: number;
  /** How many demo shoes it begins with. */
  shoes: number;
  /** The memory cache of each node; the command's default when left out. */
  cacheBytes?: number;
  /** Further settings of the nodes. */
  env?: Record<string, string>;
};

/** Twelve first copies of a large catalogue take minutes on two cores. */
const READY = { everyMs: 20, msMax: 180_000 };

/**
 * Starts a cluster on a copy of a kept catalogue, with free ports and a folder of its own. Throws the command's last
 * output when the cluster does not start.
 */
export async function bootCluster(bench: Bench, options: ClusterOptions): Promise<Cluster> {
  const { children, log } = bench;
  const catalogue = await catalogueOf(bench, options.shoes);
  const folder = children.makeFolder("cluster");
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
  return { ...(await describedBy(child)), child, folder };
}

const describedBy = (child: Child): Promise<Described> =>
  waitFor(child, "no cluster", READY, () => {
    const line = readFileSync(child.outPath, "utf8")
      .split("\n")
      .slice(0, -1)
      .find((each) => each.startsWith("{"));
    return line === undefined ? null : (JSON.parse(line) as Described);
  });

/** Ends a cluster and removes its folder, because twelve copies of a large catalogue fill a disk. */
export async function endCluster({ children }: Bench, { child, folder }: Cluster): Promise<void> {
  await children.end(child);
  rmSync(folder, { recursive: true, force: true });
}
