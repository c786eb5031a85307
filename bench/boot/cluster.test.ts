// Clusters, booted by their own command and ended again.
import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { findNginx } from "../../replicas/cluster/edge.ts";
import { openChildren } from "../harness/children.ts";
import { relatedPath } from "../load/urls.ts";
import { between, readNodes } from "../metrics/layers.ts";
import { treeOf } from "../metrics/proc.ts";
import { groupByRole } from "../scenarios/cluster-idle.ts";
import { quickBench } from "../testing/bench.ts";
import { bootCluster, endCluster } from "./cluster.ts";

const BOOT_MS_MAX = 120_000;
const children = openChildren();

afterAll(() => children.close());

const hasNginx = findNginx(process.env.PATH ?? "") !== null;

// CI installs NGINX.
test.skipIf(!hasNginx)(
  "a cluster answers through its edge, its processes are grouped, and none of them is left",
  async () => {
    const bench = quickBench(children);
    const cluster = await bootCluster(bench, { nodes: 2, shoes: 1_000, cacheBytes: 1024 * 1024 });
    const before = await readNodes(cluster.nodes);
    for (const status of ["insole-edge; fwd=miss", "insole-edge; hit"]) {
      const response = await fetch(cluster.edge + relatedPath(7));
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-status")).toEndWith(status);
      await response.arrayBuffer();
    }
    expect(between(before, await readNodes(cluster.nodes))).toEqual({ fromMemory: 0, all: 1 });
    const processes = treeOf(cluster.child.pid);
    const parts = groupByRole(processes, cluster);
    expect(parts.nodes).toHaveLength(2);
    expect(parts.sqld).toEqual([cluster.primary.pid]);
    expect(parts.door).toHaveLength(1);
    expect(parts.edge.length).toBeGreaterThanOrEqual(2);
    expect(parts.command).toContain(cluster.child.pid);

    await endCluster(bench, cluster);
    expect(processes.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(existsSync(cluster.folder)).toBe(false);
  },
  BOOT_MS_MAX,
);

test("a cluster that does not start throws its last output", async () => {
  const bench = quickBench(children);
  await expect(bootCluster(bench, { nodes: 0, shoes: 1_000 })).rejects.toThrow(
    /no cluster: .*\n.*--nodes is 0/,
  );
});
