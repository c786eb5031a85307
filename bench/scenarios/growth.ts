// The CPU of a cached answer as a shop grows: from a thousand shoes to a million, and from one node to twelve.
import { must } from "../../db/must.ts";
import { bootCluster, endCluster } from "../boot/cluster.ts";
import { bootShop, CACHE_BYTES, type Server } from "../boot/shop.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { median, written } from "../harness/stats.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { atFullSpeed, inShortTurns, type Subject } from "../load/steps.ts";
import { relatedPaths, writeUrls } from "../load/urls.ts";
import { cpuUs, treeOf } from "../metrics/proc.ts";

/** The largest may cost this many times the smallest. */
const GROWTH_MAX = 1.25;
const HOT_SHOES = 100;
const URLS_SEED = 1;
const CONNECTIONS = { node: 32, edge: 64 };
const FULL = {
  sizes: [1_000, 100_000, 1_000_000],
  rate: 10_000,
  turnsOfRound: 2,
  nodes: [1, 2, 4, 8, 12],
  nodeShoes: 1_000,
  seconds: 2,
};
/** Long enough for several ticks of CPU time (10 ms). */
const QUICK = { sizes: [1_000], rate: 2_000, turnsOfRound: 1, nodes: [1, 2], nodeShoes: 1_000, seconds: 1 };

export const growth: Scenario = {
  name: "growth",
  boot: "the shop with 1,000, 100,000 and 1,000,000 shoes on one core; then clusters of 1, 2, 4, 8 and 12 nodes with their edge",
  load: "oha, 100 hot addresses of related shoes, gzip: at 10,000/s to each size in turn; through the edges as fast as it goes",
  measures: "CPU per cached answer, of the shop and of edge and nodes together; the largest / the smallest",
  needsOha: true,
  async *run(bench) {
    yield await overSizes(bench);
    yield await overNodes(bench);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

function hotOn(bench: Bench, base: string, name: string, cores: number[] | null): Subject["load"] {
  const urlsPath = writeUrls(bench.children.folder, name, base, relatedPaths(HOT_SHOES), URLS_SEED);
  return { target: { urlsPath }, connections: CONNECTIONS.node, encoding: "gzip", cores };
}

async function overSizes(bench: Bench): Promise<Line[]> {
  const { children, cores, log } = bench;
  const { sizes, rate, seconds, turnsOfRound } = settingsOf(bench);
  const shops: (Subject & { shoes: number; server: Server })[] = [];
  for (const shoes of sizes) {
    const dataDir = await catalogueOf(bench, shoes);
    const server = await bootShop(children, { dataDir, cores: cores.server, cacheBytesMax: CACHE_BYTES });
    const load = hotOn(bench, server.base, `hot-${shoes}`, cores.load);
    await ohaOf(bench).send({ ...load, seconds, rate });
    shops.push({ shoes, server, load, cpuUs: () => cpuUs(server.child.pid), layers: null });
  }
  log(sizes.map((shoes) => `${written(shoes)} shoes`).join(", "));
  const rates = await inShortTurns(bench, shops, { turnsOfRound, seconds, rate });
  await Promise.all(shops.map(({ server }) => children.end(server.child)));
  const lines = [...rates].map(
    ([{ shoes }, { us }]): Line => ({
      what: `  CPU per cached answer, ${written(shoes)} shoes`,
      unit: "us",
      values: us,
      point: { chart: "CPU per cached answer, by shoes", series: "the shop", x: shoes, xUnit: "shoes" },
      how: { connections: CONNECTIONS.node, rate, encoding: "gzip" },
    }),
  );
  return [ratioOf("CPU per cached answer, most shoes / fewest", lines), ...lines];
}

async function overNodes(bench: Bench): Promise<Line[]> {
  const { nodes, nodeShoes, seconds } = settingsOf(bench);
  const lines: Line[] = [];
  const ends: Line[] = [];
  for (const count of nodes) {
    const cluster = await bootCluster(bench, { nodes: count, shoes: nodeShoes });
    const watched = new Set([cluster.primary.pid]);
    // NGINX and the nodes: all processes but the primary and the supervising command.
    const pids = treeOf(cluster.child.pid)
      .map(({ pid }) => pid)
      .filter((pid) => pid !== cluster.child.pid && !watched.has(pid));
    const subject: Subject = {
      load: { ...hotOn(bench, cluster.edge, "hot-edge", null), connections: CONNECTIONS.edge },
      cpuUs: () => pids.reduce((sum, pid) => sum + cpuUs(pid), 0),
      layers: null,
    };
    await ohaOf(bench).send({ ...subject.load, seconds, rate: null });
    bench.log(`${count} nodes`);
    const steps = await atFullSpeed(bench, subject, seconds);
    await endCluster(bench, cluster);
    const at = { series: "edge and nodes", x: count, xUnit: "nodes" };
    const how = { connections: CONNECTIONS.edge, rate: null, encoding: "gzip" as const };
    ends.push({
      what: `  CPU of edge and nodes per cached answer, ${count} nodes`,
      unit: "us",
      values: steps.map(({ us }) => us),
      how,
      point: { chart: "CPU per cached answer, by nodes", ...at },
    });
    lines.push({
      what: `  answers through the edge, ${count} nodes`,
      unit: "/s",
      values: steps.map(({ run }) => run.perSecond),
      how,
      point: { chart: "answers per second through the edge, by nodes", ...at },
    });
  }
  return [ratioOf("CPU per cached answer, most nodes / fewest", ends), ...ends, ...lines];
}

function ratioOf(what: string, lines: readonly Line[]): Line {
  const [first, last] = [
    must(lines.at(0), "the first line").values,
    must(lines.at(-1), "the last line").values,
  ];
  const values = last.map((us, round) => us / (first[round] ?? median(first)));
  return { what, unit: "", values, target: { atMost: GROWTH_MAX } };
}
