// Whether the replica of every node holds the same rows as the primary, and how long that takes.
import type { Cluster, ClusterNode } from "../cluster.ts";
import type { Checks } from "../drill.ts";
import { differences, digestOfFile, digestOfPrimary } from "./digest.ts";
import { damagesOf } from "./integrity.ts";

const EQUAL_MS_MAX = 30_000;
const PAUSE_MS = 100;

/** Compares all tables until every replica is equal or 30 s are over; a write meanwhile begins it anew. */
export async function checkReplicasEqual(checks: Checks, cluster: Cluster): Promise<void> {
  const startedAt = performance.now();
  let expected = await digestOfPrimary(cluster.primaryFile);
  let open = cluster.nodes;
  for (;;) {
    const differing: string[] = [];
    const stillOpen: ClusterNode[] = [];
    for (const node of open) {
      const tables = differences(expected, digestOfFile(cluster.replicaOf(node.name)));
      if (tables.length === 0) continue;
      differing.push(`${node.name}: ${tables.join(", ")}`);
      stillOpen.push(node);
    }
    const now = await digestOfPrimary(cluster.primaryFile);
    const isUnchanged = differences(expected, now).length === 0;
    const ms = performance.now() - startedAt;
    if ((isUnchanged && differing.length === 0) || ms > EQUAL_MS_MAX) {
      const rows = [...now.values()].reduce((sum, table) => sum + table.rows, 0);
      checks.measure("rows on each replica", rows);
      checks.measure("replicas equal after", ms, "ms");
      checks.none("replicas that differ", differing);
      return checks.none("damaged replicas", damagesIn(cluster));
    }
    open = isUnchanged ? stillOpen : cluster.nodes;
    expected = now;
    await Bun.sleep(PAUSE_MS);
  }
}

const damagesIn = ({ nodes, replicaOf }: Cluster): string[] =>
  nodes.flatMap(({ name }) => damagesOf(replicaOf(name)).map((damage) => `${name}: ${damage}`));
