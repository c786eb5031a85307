// The drill of changed prices: how soon each node and the edge serve them, for popular responses and for idle ones.
import { checkResponses } from "./checks/responses.ts";
import type { Cluster, ClusterNode } from "./cluster.ts";
import { type Checks, type Drill, secondsOf, sizeOf, textOf } from "./drill.ts";
import { type Account, demoId, expectStatus, request, signInAdmin } from "./traffic/client.ts";
import { openLoad } from "./traffic/load.ts";
import { pick } from "./traffic/random.ts";
import { changePrice, priceIn, relate } from "./traffic/shoes.ts";
import { openTimes, type Times } from "./traffic/times.ts";

/** Shoes that clients read all the time, and how often the price of each changes. */
const HOT = 8;
const CHANGES_EACH = { full: 25, short: 5 };
/** Shoes that no client reads from their first read until their price has changed. */
const IDLE = { full: 24, short: 8 };
const IDLE_SECONDS = { full: 60, short: 5 };
const FIRST_IDLE = 500;
const FIRST_HOLDER = 300;
const BROWSING_RATE = 300;
const BROWSING_CONCURRENCY = 16;

const NODE_MS_MAX = 300;
/** The short form runs where other programs take the cores. */
const EDGE_MS_MAX = { full: 1_500, short: 2_000 };
/** The changes of popular prices begin within this time. */
const SPREAD_MS = 2_000;
const NODE_POLL_MS = 5;
const EDGE_POLL_MS = 20;
const GIVE_UP_MS = 10_000;
const FIRST_PRICE = 1_000;

/** A shoe, and three reads whose responses have its price. */
type PricedShoe = { id: string; paths: string[] };
/** `late`: reads through the edge that still had the old price after `edgeMsMax`. */
type PriceTimes = { nodes: Map<string, Times>; edge: Times; edgeMsMax: number; late: string[] };

export const priceChange: Drill = {
  name: "price-change",
  about:
    "a price changes: every node serves it within 300 ms (p99), the edge within 1.5 s, whether clients read the shoe all the time or not for a minute",
  async run({ options, checks, progress, boot }) {
    const cluster = await boot();
    const admin = await signInAdmin(cluster.edge);
    const hot = await prepareShoes(cluster, admin, 1, HOT);
    const idle = await prepareShoes(cluster, admin, FIRST_IDLE, sizeOf(options, IDLE));
    await Promise.all(pathsOf(idle).map((path) => readEverywhere(cluster, path)));
    const idleSince = performance.now();

    const bases = cluster.nodes.flatMap(({ url }) => [cluster.edge, url]);
    const browsing = openLoad({
      rate: BROWSING_RATE,
      concurrency: BROWSING_CONCURRENCY,
      send: (number) => request(pick(bases, number, 1), { path: pick(pathsOf(hot), number, 2) }),
    });
    const changes = sizeOf(options, CHANGES_EACH);
    progress(`${HOT * changes} changes of prices that clients read all the time`);
    const hotTimes = openPriceTimes(cluster, sizeOf(options, EDGE_MS_MAX));
    const changeOften = async (shoe: PricedShoe, number: number) => {
      // Spread in time: this drill is not about bursts of changes.
      await Bun.sleep((number * SPREAD_MS) / HOT);
      for (let at = 0; at < changes; at += 1)
        await change(cluster, admin, shoe, FIRST_PRICE + at, { times: hotTimes, readsLate: false });
    };
    await Promise.all(hot.map(changeOften));
    checkTimes(checks, "hot", hotTimes);

    const idleMs = secondsOf(options, IDLE_SECONDS) * 1_000;
    await Bun.sleep(Math.max(0, idleSince + idleMs - performance.now()));
    progress(
      `${idle.length} changes of prices without a read for ${textOf(performance.now() - idleSince, "ms")}`,
    );
    const idleTimes = openPriceTimes(cluster, sizeOf(options, EDGE_MS_MAX));
    for (const [at, shoe] of idle.entries())
      await change(cluster, admin, shoe, FIRST_PRICE, { times: idleTimes, readsLate: at % 2 === 1 });
    checkTimes(checks, "idle", idleTimes);
    checkResponses(checks, "reads meanwhile", await browsing.stop());
  },
};

const pathsOf = (shoes: readonly PricedShoe[]): string[] => shoes.flatMap(({ paths }) => paths);

async function prepareShoes(
  { edge }: Cluster,
  admin: Account,
  from: number,
  size: number,
): Promise<PricedShoe[]> {
  const shoes: PricedShoe[] = [];
  for (let number = from; number < from + size; number += 1) {
    const [id, holder] = [demoId(number), demoId(FIRST_HOLDER + number)];
    await relate(edge, admin, holder, id);
    const paths = [`/api/shoes/${id}`, `/api/shoes/${holder}/relatedproducts`, `/api/shoes?ids=${id}`];
    shoes.push({ id, paths });
  }
  return shoes;
}

/** After this the caches of all nodes and of the edge have the response. */
async function readEverywhere({ edge, nodes }: Cluster, path: string): Promise<void> {
  for (const base of [edge, ...nodes.map(({ url }) => url)]) expectStatus(await request(base, { path }), 200);
}

const openPriceTimes = ({ nodes }: Cluster, edgeMsMax: number): PriceTimes => ({
  nodes: new Map(nodes.map(({ name }) => [name, openTimes()])),
  edge: openTimes(),
  edgeMsMax,
  late: [],
});

/**
 * Changes a price and polls until every node and the edge serve it. With `readsLate` the edge gets its first read when the
 * bound is over, so an idle response cannot be refreshed by an earlier one.
 */
async function change(
  cluster: Cluster,
  admin: Account,
  { id, paths }: PricedShoe,
  price: number,
  { times, readsLate }: { times: PriceTimes; readsLate: boolean },
): Promise<void> {
  const writer = pick(cluster.nodes, price, id.length + Number(id.slice(-3)));
  await changePrice(writer.url, admin, id, price);
  const changedAt = performance.now();
  const since = () => performance.now() - changedAt;
  const isNew = async (base: string, path: string): Promise<boolean> => {
    const { status, text } = await request(base, { path });
    return status === 200 && priceIn(text, id) === price;
  };
  const pollUntilNew = async (base: string, path: string, pollMs: number): Promise<number> => {
    while (!(await isNew(base, path))) {
      if (since() > GIVE_UP_MS) return GIVE_UP_MS;
      await Bun.sleep(pollMs);
    }
    return since();
  };
  const readNode = async ({ name, url }: ClusterNode, number: number) =>
    times.nodes.get(name)?.add(await pollUntilNew(url, pick(paths, number, price), NODE_POLL_MS));
  const readEdge = async (path: string) => {
    if (!readsLate) times.edge.add(await pollUntilNew(cluster.edge, path, EDGE_POLL_MS));
    await Bun.sleep(Math.max(0, times.edgeMsMax - since()));
    if (!(await isNew(cluster.edge, path))) times.late.push(path);
  };
  await Promise.all([...cluster.nodes.map(readNode), ...paths.map(readEdge)]);
}

function checkTimes(checks: Checks, kind: string, { nodes, edge, edgeMsMax, late }: PriceTimes): void {
  const all = openTimes();
  for (const times of nodes.values()) all.merge(times);
  const slowestMs = Math.max(...[...nodes.values()].map((times) => times.percentile(0.99)));
  checks.measure(`${kind}: changes seen at nodes`, all.count());
  checks.measure("p50", all.percentile(0.5), "ms");
  checks.measure("p99", all.percentile(0.99), "ms");
  checks.atMost(`${kind}: p99 of the slowest node`, slowestMs, NODE_MS_MAX, "ms");
  checks.atMost(`${kind}: longest through the edge`, edge.max(), edgeMsMax, "ms");
  checks.none(`${kind}: old prices at the edge after that time`, late);
}
