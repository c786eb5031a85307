// Orders at all nodes of a cluster, and what one order costs each part of it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openRemote } from "../../db/server/remote.ts";
import { bootCluster, type Cluster, endCluster } from "../boot/cluster.ts";
import { type Primary, primaryOf } from "../boot/sqld.ts";
import { inRounds } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario, type Target } from "../harness/scenario.ts";
import { median, written } from "../harness/stats.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { countingBench } from "../load/counting.ts";
import type { Load, Run } from "../load/oha.ts";
import { ORDER_SETTINGS, ORDERS_PATH, STOCK_UP, sizesIn, writeOrders } from "../load/orders.ts";
import { errorsIn, faultsOf } from "../load/traffic.ts";
import { writeUrls } from "../load/urls.ts";
import { allNodesUs, primaryUs, type Spent, spentIn } from "../metrics/cluster-cpu.ts";
import { readMetrics, sumOfMetric } from "../metrics/metrics.ts";
import { expectOrders } from "../metrics/stored-orders.ts";

const SHOES = 1_000;
/** A connection keeps the node of its first request, so only many connections reach all nodes evenly. */
const CONNECTIONS = 192;
const CONNECTIONS_AT_RATE = 8;
const WRITE_MS_MAX = 60_000;
const FULL = { nodes: 12, rate: 20, seconds: 6, secondsAtRate: 10, warmUpSeconds: 3 };
const QUICK = { nodes: 2, rate: 10, seconds: 1, secondsAtRate: 1, warmUpSeconds: 1 };

export const clusterOrders: Scenario = {
  name: "cluster-orders",
  boot: "a cluster of twelve nodes, 1,000 shoes, the sandbox gateway; nothing is pinned",
  load: `POST /api/orders of two random lines by guests: 20/s through NGINX, and at all nodes directly, ${CONNECTIONS} connections, as fast as it goes`,
  measures: "acknowledged and paid orders per second, CPU per order of each part, and what limits them",
  needsOha: true,
  async *run(given) {
    const { bench, acknowledged } = countingBench(given);
    const { nodes } = settingsOf(bench);
    const cluster = await bootCluster(bench, { nodes, shoes: SHOES, env: ORDER_SETTINGS });
    const primary = primaryIn(cluster);
    await stockUpAt(primary);
    const { edge, all } = await measure(bench, cluster);
    yield [...edgeLines(bench, edge), ...allLines(bench, all)];
    await bench.children.end(cluster.child);
    await expectOrders(bench.children, primary.filePath, acknowledged());
    await endCluster(bench, cluster);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

function primaryIn({ folder, primary }: Cluster): Primary {
  const [data, keys] = [join(folder, "primary"), join(folder, "primary-keys")];
  return primaryOf({ url: primary.url, data, keys, folder });
}

async function stockUpAt({ url, tokenPath }: Primary): Promise<void> {
  const server = { url, authToken: readFileSync(tokenPath, "utf8") };
  const db = openRemote(server, { commitMs: WRITE_MS_MAX, deadlineMs: WRITE_MS_MAX });
  await db.write([...STOCK_UP], crypto.randomUUID());
  await db.close();
}

/** One round: the run, its acknowledged orders, the CPU time of each part; `group`: writes in a commit of a node. */
type Round = Spent & { run: Run; orders: number; group: number };

/** Rounds at a rate through the edge and rounds at full speed at the nodes, in turns. */
async function measure(bench: Bench, cluster: Cluster): Promise<Record<"edge" | "all", Round[]>> {
  const { rate, seconds, secondsAtRate, warmUpSeconds, nodes } = settingsOf(bench);
  const { children, seed } = bench;
  const sizes = sizesIn(join(await catalogueOf(bench, SHOES), "insole.db"));
  const post = { bodiesPath: writeOrders(children.folder, sizes, seed) };
  const urls = cluster.nodes.map(({ url }) => url + ORDERS_PATH);
  const urlsPath = writeUrls(children.folder, "cluster-orders", "", urls, seed);
  const common = { post, encoding: "identity", cores: null } as const;
  const all: Load = { ...common, target: { urlsPath }, connections: CONNECTIONS, seconds, rate: null };
  const edge: Load = {
    ...common,
    target: { url: cluster.edge + ORDERS_PATH },
    connections: CONNECTIONS_AT_RATE,
    seconds: secondsAtRate,
    rate,
  };
  await sendRound(bench, cluster, { ...all, seconds: warmUpSeconds });
  const rounds: Record<"edge" | "all", Round[]> = { edge: [], all: [] };
  await inRounds(
    bench,
    ["edge", "all"] as const,
    (side) => (side === "all" ? `orders at ${nodes} nodes` : `${rate} orders a second through the edge`),
    async (side) => void rounds[side].push(await sendRound(bench, cluster, side === "all" ? all : edge)),
  );
  return rounds;
}

async function sendRound(bench: Bench, cluster: Cluster, load: Load): Promise<Round> {
  const read = () => Promise.all(cluster.nodes.map(({ url }) => readMetrics(url)));
  const before = await read();
  const { seen, ...spent } = await spentIn(cluster, () => ohaOf(bench).together([load]));
  const after = await read();
  const [run] = seen;
  const orders = run?.statuses["201"] ?? 0;
  if (run === undefined || orders === 0) throw new Error("no order was acknowledged");
  const growth = (name: string) => sumIn(after, name) - sumIn(before, name);
  const group = growth("insole_write_door_writes_total") / growth("insole_write_door_commits_total");
  return { ...spent, run, orders, group };
}

const sumIn = (texts: readonly string[], name: string): number =>
  texts.reduce((sum, text) => sum + sumOfMetric(text, name), 0);

const NO_ERRORS: Target = { atMost: 0 };

/** The cost of an order at each part and its latency, at a low rate. */
function edgeLines(bench: Bench, rounds: readonly Round[]): Line[] {
  const { rate, nodes } = settingsOf(bench);
  const how: How = { connections: CONNECTIONS_AT_RATE, rate, encoding: "identity", layers: { primary: 1 } };
  const runs = rounds.map(({ run }) => run);
  return [
    {
      what: `p99 of an order at ${rate}/s through NGINX and ${nodes} nodes`,
      unit: "ms",
      values: runs.map(({ p99Ms }) => p99Ms),
      note: `p50 ${written(median(runs.map(({ p50Ms }) => p50Ms)))} ms: three commits at the primary, one after the other`,
      how,
    },
    ...costLines(rounds),
    errorsLine(runs, how),
  ];
}

function allLines(bench: Bench, rounds: readonly Round[]): Line[] {
  const { nodes } = settingsOf(bench);
  const how: How = { connections: CONNECTIONS, rate: null, encoding: "identity", layers: { primary: 1 } };
  const runs = rounds.map(({ run }) => run);
  const cores = (of: (round: Round) => number) => rounds.map((round) => of(round) / round.wallUs);
  return [
    {
      what: `orders acknowledged through ${nodes} nodes`,
      unit: "/s",
      values: rounds.map(({ run, orders }) => (run.perSecond * orders) / run.answers),
      how,
      note: limitOf(cores(allNodesUs), cores(primaryUs)),
    },
    { what: "  p99 of an order", unit: "ms", values: runs.map(({ p99Ms }) => p99Ms) },
    ...costLines(rounds),
    { what: "  writes in a commit of a node", unit: "", values: rounds.map(({ group }) => group) },
    { what: "  cores that the nodes took", unit: "", values: cores(allNodesUs) },
    { what: "  cores that the primary took", unit: "", values: cores(primaryUs) },
    errorsLine(runs, how),
  ];
}

function costLines(rounds: readonly Round[]): Line[] {
  const line = (what: string, of: (round: Round) => number): Line => ({
    what: `  CPU per order, ${what}`,
    unit: "us",
    values: rounds.map((round) => of(round) / round.orders),
  });
  return [
    line("nodes together", allNodesUs),
    line("the door", ({ doorUs }) => doorUs),
    line("sqld", ({ sqldUs }) => sqldUs),
  ];
}

const errorsLine = (runs: readonly Run[], how: How): Line => ({
  what: "  errors in all",
  unit: "",
  values: [errorsIn(runs)],
  target: NO_ERRORS,
  how,
  note: faultsOf(runs) || "every acknowledged order is stored and paid once in the primary's file",
});

/** The cores that each part used, in a phrase. */
const limitOf = (nodes: readonly number[], primary: readonly number[]): string =>
  `of ${navigator.hardwareConcurrency} cores the nodes took ${written(median(nodes))}, the primary ${written(median(primary))} and the generator what was left`;
