// Zipf-distributed requests: which layer answers, and whether the memories of twelve nodes hold as much as one.
import { bootCluster, type Cluster, endCluster } from "../boot/cluster.ts";
import { eachRound } from "../harness/rounds.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { median, written } from "../harness/stats.ts";
import type { Load, Run } from "../load/oha.ts";
import { writeUrls, zipfPaths } from "../load/urls.ts";
import { howOfRounds, type LayeredRun, type Layers, runWithLayers } from "../metrics/layers.ts";

const MIB = 1024 * 1024;
const FROM_MEMORY_MIN = 0.85;
/** The shares of one memory of 96 MiB and of twelve of 8 MiB may differ by this much. */
const APART_MAX = 0.05;
const WANTED_RATE = 10_000;
/** Latencies at a rate near the capacity only measure the queue. */
const HEADROOM = 1.1;
/** The rate of both sides, far below either capacity; the edge answers less at lower rates. */
const COMPARED_RATE = 1_000;
const CONNECTIONS = 64;
const URLS_SEED = 12;
/** All responses of the catalogue take about 700 MiB; twelve nodes with 24 MiB hold two fifths of them. */
const FULL = {
  shoes: 100_000,
  nodes: 12,
  roomyMib: 24,
  nodeMib: 8,
  seconds: 10,
  fillAnswers: 200_000,
  slowdown: 1,
};
const QUICK = {
  shoes: 1_000,
  nodes: 2,
  roomyMib: 2,
  nodeMib: 1,
  seconds: 1,
  fillAnswers: 2_000,
  slowdown: 10,
};

export const clusterZipf: Scenario = {
  name: "cluster-zipf",
  boot: "a cluster of twelve nodes with 24 MiB of cache each and its edge, 100,000 shoes; then with 8 MiB each, and one node with 96; nothing is pinned",
  load: "oha, Zipf-distributed related shoes (exponent 1) through the edge, 64 connections, gzip: full speed, 10,000/s or half of capacity, 1,000/s",
  measures:
    "the shares of the edge, of nodes' memories and of computed answers; latencies; twelve memories beside one",
  needsOha: true,
  async *run(bench) {
    const { shoes, nodes, nodeMib, roomyMib } = settingsOf(bench);
    const roomy = await bootCluster(bench, { nodes, shoes, cacheBytes: roomyMib * MIB });
    const loadOfRoomy = loadOn(bench, roomy);
    const capacity = await fill(bench, loadOfRoomy);
    const rate = rateFor(capacity) / settingsOf(bench).slowdown;
    const held = { ...loadOfRoomy, rate };
    yield linesOf(held, capacity, await sendRounds(bench, roomy, held));
    await endCluster(bench, roomy);
    const many = await bootCluster(bench, { nodes, shoes, cacheBytes: nodeMib * MIB });
    const load = loadOn(bench, many);
    await fill(bench, load);
    const ofMany = await sendRounds(bench, many, { ...load, rate: comparedRate(bench) });
    await endCluster(bench, many);
    const one = await bootCluster(bench, { nodes: 1, shoes, cacheBytes: nodes * nodeMib * MIB });
    const loadOfOne = loadOn(bench, one);
    await fill(bench, loadOfOne);
    const ofOne = await sendRounds(bench, one, { ...loadOfOne, rate: comparedRate(bench) });
    yield comparison(`${nodes} x ${nodeMib} MiB`, ofMany, `1 x ${nodes * nodeMib} MiB`, ofOne);
    await endCluster(bench, one);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);
const comparedRate = (bench: Bench): number => COMPARED_RATE / settingsOf(bench).slowdown;

/** The wanted rate where the capacity has room for it, otherwise half of the capacity. */
export const rateFor = (capacity: number): number =>
  capacity >= WANTED_RATE * HEADROOM ? WANTED_RATE : Math.round(capacity / 2);

function loadOn(bench: Bench, { edge }: Cluster): Load {
  const { shoes, seconds } = settingsOf(bench);
  const paths = zipfPaths(shoes, URLS_SEED);
  return {
    target: { urlsPath: writeUrls(bench.children.folder, "zipf", edge, paths, URLS_SEED) },
    connections: CONNECTIONS,
    seconds,
    rate: null,
    encoding: "gzip",
    cores: null,
  };
}

/** Sends the load until the memories are full, and returns the answers per second of the last run. */
async function fill(bench: Bench, load: Load): Promise<number> {
  const { fillAnswers } = settingsOf(bench);
  bench.log("filling the memories");
  for (let answers = 0; ; ) {
    const run = await ohaOf(bench).send(load);
    answers += run.answers;
    if (answers >= fillAnswers) return run.perSecond;
  }
}

const sendRounds = (bench: Bench, { nodes }: Cluster, load: Load): Promise<LayeredRun[]> =>
  eachRound(bench, `${nodes.length} nodes at ${load.rate}/s`, () => runWithLayers(bench, nodes, load));

function linesOf(load: Load & { rate: number }, capacity: number, seen: readonly LayeredRun[]): Line[] {
  const { rate } = load;
  const how = howOfRounds(
    load,
    seen.map(({ layers }) => layers),
  );
  const at = `${written(rate)}/s`;
  const latency = (what: string, atMost: number, of: (run: Run) => number): Line => ({
    what: `  ${what} at ${at}`,
    unit: "ms",
    values: seen.map(({ run }) => of(run)),
    how,
    // The limits hold for the wanted rate; at any other rate latencies are not judged.
    ...(rate === WANTED_RATE ? { target: { atMost } } : {}),
  });
  const share = (what: string, of: (layers: Layers) => number): Line => ({
    what,
    unit: "",
    values: seen.map(({ layers }) => of(layers)),
    how,
  });
  return [
    {
      ...share(`Zipf: share from the edge's or a node's memory, ${at}`, ({ edge, memory }) => edge + memory),
      target: { atLeast: FROM_MEMORY_MIN },
    },
    share("  the edge", ({ edge }) => edge),
    share("  a node's memory", ({ memory }) => memory),
    share("  computed", ({ computed }) => computed),
    latency("p50", 5, ({ p50Ms }) => p50Ms),
    latency("p95", 15, ({ p95Ms }) => p95Ms),
    latency("p99", 40, ({ p99Ms }) => p99Ms),
    { what: "  as fast as it goes", unit: "/s", values: [capacity], how: { ...how, rate: null } },
  ];
}

/** The share among requests that reached nodes; the equal share of the edge on both sides would hide the difference. */
const memoryShare = ({ layers: { memory, computed } }: LayeredRun): number => memory / (memory + computed);

/** The difference between one large memory and many small ones. */
export function comparison(
  nameOfMany: string,
  ofMany: readonly LayeredRun[],
  nameOfOne: string,
  ofOne: readonly LayeredRun[],
): Line[] {
  const [many, one] = [ofMany.map(memoryShare), ofOne.map(memoryShare)];
  const medianOfOne = median(one);
  return [
    {
      what: `of what reaches nodes, from memory: ${nameOfMany} and ${nameOfOne} apart by`,
      unit: "",
      values: many.map((share) => Math.abs(share - medianOfOne)),
      target: { atMost: APART_MAX },
    },
    { what: `  ${nameOfMany}`, unit: "", values: many },
    { what: `  ${nameOfOne}`, unit: "", values: one },
  ];
}
