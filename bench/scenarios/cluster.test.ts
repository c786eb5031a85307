// Clusters as the bench sees them: booted by their own command, taken apart, and the sums over what was measured.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { findNginx } from "../../replicas/cluster/edge.ts";
import { bootCluster, endCluster } from "../boot/cluster.ts";
import { openChildren } from "../harness/children.ts";
import { type Bench, shareCores } from "../harness/scenario.ts";
import { relatedPath } from "../load/urls.ts";
import { between, readNodes } from "../metrics/layers.ts";
import { treeOf } from "../metrics/proc.ts";
import { sortOut } from "./cluster-idle.ts";
import { lagsOf, openPrices } from "./cluster-lag.ts";
import { comparison, rateFor } from "./cluster-zipf.ts";

const BOOT_MS_MAX = 120_000;
const children = openChildren();

afterAll(() => children.close());

const hasNginx = findNginx(process.env.PATH ?? "") !== null;

// On a machine that has no NGINX there is nothing to try; CI installs it.
test.skipIf(!hasNginx)(
  "a cluster answers through its edge, its parts are told apart, and nothing of it is left",
  async () => {
    const bench: Bench = {
      isQuick: true,
      rounds: 1,
      children,
      oha: null,
      cores: shareCores([]),
      url: null,
      seed: 1,
      say: () => {},
    };
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
    const parts = sortOut(processes, cluster);
    expect(parts.nodes).toHaveLength(2);
    expect(parts.primary).toEqual([cluster.primary.pid]);
    expect(parts.edge.length).toBeGreaterThanOrEqual(2);
    expect(parts.command).toContain(cluster.child.pid);

    await endCluster(bench, cluster);
    expect(processes.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(existsSync(cluster.folder)).toBe(false);
  },
  BOOT_MS_MAX,
);

test("a cluster that gives up says why", async () => {
  const bench: Bench = {
    isQuick: true,
    rounds: 1,
    children,
    oha: null,
    cores: shareCores([]),
    url: null,
    seed: 1,
    say: () => {},
  };
  await expect(bootCluster(bench, { nodes: 0, shoes: 1_000 })).rejects.toThrow(
    /no cluster: .*\n.*--nodes is 0/,
  );
});

test("processes are sorted by what they do", () => {
  const nodes = [
    { name: "node-1", url: "", pid: 3 },
    { name: "node-2", url: "", pid: 4 },
  ];
  const named = (pid: number, name: string) => ({ pid, name });
  const processes = [named(1, "bun"), named(2, "sqld"), named(3, "bun"), named(4, "bun"), named(5, "nginx")];
  expect(sortOut(processes, { nodes, primary: { url: "", pid: 2 } })).toEqual({
    nodes: [3, 4],
    primary: [2],
    edge: [5],
    command: [1],
  });
});

describe("lag", () => {
  const seen = [
    { seq: 1, atMs: 90 },
    { seq: 3, atMs: 130 },
    { seq: 4, atMs: 150 },
  ];
  test("from the acknowledgement to the first sight of it or of something newer", () => {
    expect(
      lagsOf(
        [
          { seq: 2, atMs: 100 },
          { seq: 4, atMs: 110 },
        ],
        seen,
      ),
    ).toEqual([30, 40]);
  });
  test("what was there before its acknowledgement took no time", () => {
    expect(lagsOf([{ seq: 1, atMs: 100 }], seen)).toEqual([0]);
  });
  test("every write changes something: no shoe gets the price it has", () => {
    const next = openPrices(1_000);
    const prices = new Map<number, number>();
    for (let count = 0; count < 5_000; count += 1) {
      const { shoe, price } = next();
      expect(prices.get(shoe)).not.toBe(price);
      prices.set(shoe, price);
    }
    expect(prices.size).toBe(1_000);
    expect(Math.max(...prices.values())).toBeLessThan(10);
  });
  test("what was never seen is no lag", () => {
    expect(() => lagsOf([{ seq: 5, atMs: 100 }], seen)).toThrow("the change 5 was never seen");
  });
});

describe("the Zipf mix", () => {
  test("10,000 a second where there is room above, else half of the capacity", () => {
    expect([20_000, 11_000, 10_999, 8_000].map(rateFor)).toEqual([10_000, 10_000, 5_500, 4_000]);
  });
  test("memories are compared by what reached them, whatever the edge had", () => {
    const run = {
      answers: 1,
      perSecond: 1,
      meanMs: 1,
      p50Ms: 1,
      p95Ms: 1,
      p99Ms: 1,
      statuses: {},
      errors: {},
    };
    const many = [{ run, layers: { edge: 0.5, memory: 0.4, computed: 0.1 } }];
    const one = [{ run, layers: { edge: 0.9, memory: 0.09, computed: 0.01 } }];
    const [apart, ...sides] = comparison("many", many, "one", one);
    expect(apart?.values[0]).toBeCloseTo(0.1);
    expect(apart?.target).toEqual({ atMost: 0.05 });
    expect(sides.map(({ values }) => values[0]?.toFixed(2))).toEqual(["0.80", "0.90"]);
  });
});
