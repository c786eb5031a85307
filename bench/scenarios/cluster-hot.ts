// A hundred hot addresses through the edge of a cluster: capacity, and latencies at the rates of earlier services.
import { bootCluster, type Cluster, endCluster } from "../boot/cluster.ts";
import { eachRound } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { written } from "../harness/stats.ts";
import type { Load, Run } from "../load/oha.ts";
import { relatedPaths, writeUrls } from "../load/urls.ts";
import { howOfRounds, runWithLayers } from "../metrics/layers.ts";

/** Ten times the rate of the earlier Node/Mongo service on twelve machines. */
const PER_SECOND_MIN = 31_000;
/** The rates of that service, and of the earlier Node/Postgres service on three machines, which answered in 20 ms. */
const TWELVE_RATE = 3_100;
const THREE_RATE = 1_200;
const TWELVE_P99_MS_MAX = 10;
const THREE_MEAN_MS_MAX = 2;
const HOT_SHOES = 100;
const CONNECTIONS = 64;
const URLS_SEED = 11;
const FULL = { shoes: 1_000, big: 12, small: 3, seconds: 8, warmUpSeconds: 3, slowdown: 1 };
const QUICK = { shoes: 1_000, big: 2, small: 1, seconds: 1, warmUpSeconds: 1, slowdown: 10 };

export const clusterHot: Scenario = {
  name: "cluster-hot",
  boot: "a cluster of twelve nodes with its edge, then one of three; nothing is pinned",
  load: "oha, 100 random addresses of related shoes through the edge, 64 connections, gzip: as fast as it goes, at 3,100/s, at 1,200/s",
  measures: "answers per second; p99 and mean at the fixed rates; the edge's share",
  needsOha: true,
  async *run(bench) {
    const { shoes, big, small, slowdown } = settingsOf(bench);
    const twelve = await bootCluster(bench, { nodes: big, shoes });
    yield await atFullSpeed(bench, twelve);
    const held = await roundsAt(bench, twelve, TWELVE_RATE / slowdown);
    yield [
      {
        what: `hot, ${big} nodes, held to ${written(TWELVE_RATE / slowdown)}/s: p99`,
        unit: "ms",
        values: held.runs.map(({ p99Ms }) => p99Ms),
        target: { atMost: TWELVE_P99_MS_MAX },
        how: held.how,
      },
      { what: "  p50", unit: "ms", values: held.runs.map(({ p50Ms }) => p50Ms), how: held.how },
    ];
    await endCluster(bench, twelve);
    const three = await bootCluster(bench, { nodes: small, shoes });
    const calm = await roundsAt(bench, three, THREE_RATE / slowdown);
    yield [
      {
        what: `hot, ${small} nodes, held to ${written(THREE_RATE / slowdown)}/s: mean`,
        unit: "ms",
        values: calm.runs.map(({ meanMs }) => meanMs),
        target: { atMost: THREE_MEAN_MS_MAX },
        how: calm.how,
      },
      { what: "  p99", unit: "ms", values: calm.runs.map(({ p99Ms }) => p99Ms), how: calm.how },
    ];
    await endCluster(bench, three);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** The generator shares the machine with the cluster, so nothing is pinned. */
function loadOn(bench: Bench, { edge }: Cluster, rate: number | null): Load {
  const urlsPath = writeUrls(bench.children.folder, "hot", edge, relatedPaths(HOT_SHOES), URLS_SEED);
  return {
    target: { urlsPath },
    connections: CONNECTIONS,
    seconds: settingsOf(bench).seconds,
    rate,
    encoding: "gzip",
    cores: null,
  };
}

/** All rounds at this rate, or at full speed, and their load. */
async function roundsAt(
  bench: Bench,
  cluster: Cluster,
  rate: number | null,
): Promise<{ runs: Run[]; how: How }> {
  const load = loadOn(bench, cluster, rate);
  await ohaOf(bench).send({ ...load, seconds: settingsOf(bench).warmUpSeconds });
  const title = `${cluster.nodes.length} nodes, ${rate === null ? "full speed" : `${rate}/s`}`;
  const seen = await eachRound(bench, title, () => runWithLayers(bench, cluster.nodes, load));
  return {
    runs: seen.map(({ run }) => run),
    how: howOfRounds(
      load,
      seen.map(({ layers }) => layers),
    ),
  };
}

async function atFullSpeed(bench: Bench, cluster: Cluster): Promise<Line[]> {
  const { runs, how } = await roundsAt(bench, cluster, null);
  return [
    {
      what: `hot, ${cluster.nodes.length} nodes: answers through the edge`,
      unit: "/s",
      values: runs.map(({ perSecond }) => perSecond),
      target: { atLeast: PER_SECOND_MIN },
      how,
    },
    { what: "  p99 at full load", unit: "ms", values: runs.map(({ p99Ms }) => p99Ms), how },
  ];
}
