// The CPU time of each part of a cluster during some work.
import type { Cluster } from "../boot/cluster.ts";
import { cpuUs } from "./proc.ts";

/** In us; `nodesUs` in the order of the cluster's nodes, `doorUs` 0 where the primary has no door. */
export type Spent = { nodesUs: number[]; doorUs: number; sqldUs: number; wallUs: number };

const MICROSECONDS_PER_MS = 1_000;

/** The CPU time of all nodes, of the door and of sqld, and the elapsed time, while `work` runs; `seen` is its result. */
export async function spentIn<T>(
  { nodes, primary }: Pick<Cluster, "nodes" | "primary">,
  work: () => Promise<T>,
): Promise<Spent & { seen: T }> {
  const read = (): Spent => ({
    nodesUs: nodes.map(({ pid }) => cpuUs(pid)),
    doorUs: primary.door ? cpuUs(primary.door) : 0,
    sqldUs: cpuUs(primary.pid),
    wallUs: performance.now() * MICROSECONDS_PER_MS,
  });
  const before = read();
  const seen = await work();
  const after = read();
  return {
    seen,
    nodesUs: after.nodesUs.map((us, at) => us - (before.nodesUs[at] ?? 0)),
    doorUs: after.doorUs - before.doorUs,
    sqldUs: after.sqldUs - before.sqldUs,
    wallUs: after.wallUs - before.wallUs,
  };
}

/** The CPU time of all nodes together. */
export const allNodesUs = ({ nodesUs }: Spent): number => nodesUs.reduce((sum, us) => sum + us, 0);

/** The CPU time of the primary: its door and sqld. */
export const primaryUs = ({ doorUs, sqldUs }: Spent): number => doorUs + sqldUs;
