// Whether every node's replica holds what the primary holds, and how long that takes.
import type { Cluster, ClusterNode } from "../cluster.ts";
import { differences, digestOfFile, digestOfServer } from "./digest.ts";

/** How long it took, and per node the tables that still differ; nothing differs when all are equal. */
export type Equality = { ms: number; differing: string[]; tables: number; rows: number };

const PAUSE_MS = 100;

/** Compares table by table until all are equal or the time is up; whatever is still written there begins it anew. */
export async function untilEqual(cluster: Cluster, msMax: number): Promise<Equality> {
  const startedAt = performance.now();
  let wanted = await digestOfServer(cluster.database);
  let open = cluster.nodes;
  for (;;) {
    const differing: string[] = [];
    const stillOpen: ClusterNode[] = [];
    for (const node of open) {
      const different = differences(wanted, await digestOfFile(cluster.replicaOf(node.name)));
      if (different.length === 0) continue;
      differing.push(`${node.name}: ${different.join(", ")}`);
      stillOpen.push(node);
    }
    const now = await digestOfServer(cluster.database);
    const isStill = differences(wanted, now).length === 0;
    const ms = performance.now() - startedAt;
    const rows = [...now.values()].reduce((sum, table) => sum + table.rows, 0);
    if ((isStill && differing.length === 0) || ms > msMax) return { ms, differing, tables: now.size, rows };
    open = isStill ? stillOpen : cluster.nodes;
    wanted = now;
    await Bun.sleep(PAUSE_MS);
  }
}
