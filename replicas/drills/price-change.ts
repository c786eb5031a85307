// The drill of changed prices: how soon each node and the edge tell them, on hot answers and on long forgotten ones.

import type { Cluster, ClusterNode } from "./cluster.ts";
import { type Checks, count, type Drill, type DrillOptions, inSeconds } from "./drill.ts";
import { type Account, demoId, expectJson, request, signInAdmin } from "./traffic/client.ts";
import { type Histogram, openHistogram } from "./traffic/histogram.ts";
import { openLoad, statusesText } from "./traffic/load.ts";
import { pick, random } from "./traffic/random.ts";
import { priceIn, relate } from "./traffic/shoes.ts";

const NODES = { full: 12, short: 4 };
/** Shoes that everybody asks for all the time, and how often the price of each changes. */
const HOT = 8;
const CHANGES_EACH = { full: 25, short: 5 };
/** Shoes that nobody asks for until their price has changed. */
const COLD = { full: 24, short: 8 };
const FORGOTTEN_SECONDS = { full: 60, short: 5 };
const BROWSING_RATE = 300;
const LANES = 16;
const FIRST_COLD = 500;
const HOLDERS_FROM = 300;

const NODE_MS_MAX = 300;
const EDGE_MS_MAX = 2_000;
const NODE_POLL_MS = 5;
const EDGE_POLL_MS = 20;
const GIVEN_UP_MS = 10_000;
const FIRST_PRICE = 1_000;

/** A shoe and the three kinds of answers that show its price. */
type Watched = { id: string; paths: string[] };
type Times = { nodes: Map<string, Histogram>; edge: Histogram; late: string[] };

const sizeOf = ({ isShort }: DrillOptions, sizes: { full: number; short: number }): number =>
  isShort ? sizes.short : sizes.full;

/** Prices change; every node must tell the new one soon, the edge within two seconds, whoever asked when. */
export const priceChange: Drill = {
  name: "price-change",
  about:
    "a price changes: at every node p99 within 300 ms, through the edge within 2 s, hot or long not asked for",
  secondsMax: (options) => 200 + (options.seconds ?? sizeOf(options, FORGOTTEN_SECONDS)) * 3,
  async run(ground) {
    const { options, checks, progress } = ground;
    const cluster = await ground.boot(options.nodes ?? sizeOf(options, NODES));
    const admin = await signInAdmin(cluster.edge);
    const hot = await watched(cluster, admin, 1, HOT);
    const cold = await watched(cluster, admin, FIRST_COLD, sizeOf(options, COLD));
    await Promise.all(cold.flatMap(({ paths }) => paths).map((path) => askEverywhere(cluster, path)));
    const forgottenAt = performance.now();

    const browsing = openLoad({
      rate: BROWSING_RATE,
      concurrency: LANES,
      send: (number) => request(pick(places(cluster), number, 1), { path: pick(pathsOf(hot), number, 2) }),
    });
    const changes = sizeOf(options, CHANGES_EACH);
    progress(`${count(HOT * changes)} changes of hot prices`);
    const hotTimes = timesOf(cluster);
    const perShoe = hot.map(async (shoe, number) => {
      // One after the other: a burst of changes is another question.
      await Bun.sleep((number * EDGE_MS_MAX) / HOT);
      for (let at = 0; at < changes; at += 1)
        await change(cluster, admin, shoe, FIRST_PRICE + at, { times: hotTimes, isAskedLate: false });
    });
    await Promise.all(perShoe);
    judgeTimes(checks, "hot", hotTimes);

    const forgottenMs = (options.seconds ?? sizeOf(options, FORGOTTEN_SECONDS)) * 1_000;
    await Bun.sleep(Math.max(0, forgottenAt + forgottenMs - performance.now()));
    progress(
      `${cold.length} changes of prices that nobody asked for in ${inSeconds(performance.now() - forgottenAt)}`,
    );
    const coldTimes = timesOf(cluster);
    for (const [at, shoe] of cold.entries())
      await change(cluster, admin, shoe, FIRST_PRICE, { times: coldTimes, isAskedLate: at % 2 === 1 });
    judgeTimes(checks, "forgotten", coldTimes);
    const { statuses, failed } = await browsing.stop();
    checks.require(failed === 0, `browsers saw failures: ${statusesText(statuses)}`);
  },
};

const places = ({ edge, nodes }: Cluster): string[] => nodes.flatMap(({ url }) => [edge, url]);
const pathsOf = (shoes: readonly Watched[]): string[] => shoes.flatMap(({ paths }) => paths);

async function watched(cluster: Cluster, admin: Account, from: number, size: number): Promise<Watched[]> {
  const shoes: Watched[] = [];
  for (let number = from; number < from + size; number += 1) {
    const [id, holder] = [demoId(number), demoId(HOLDERS_FROM + number)];
    await relate(cluster.edge, admin, holder, id);
    const paths = [`/api/shoes/${id}`, `/api/shoes/${holder}/relatedproducts`, `/api/shoes?ids=${id}`];
    shoes.push({ id, paths });
  }
  return shoes;
}

/** Now every node and the edge have the answer. */
async function askEverywhere({ edge, nodes }: Cluster, path: string): Promise<void> {
  for (const base of [edge, ...nodes.map(({ url }) => url)]) expectJson(await request(base, { path }), 200);
}

const timesOf = ({ nodes }: Cluster): Times => ({
  nodes: new Map(nodes.map(({ name }) => [name, openHistogram()])),
  edge: openHistogram(),
  late: [],
});

/**
 * Changes a price and looks until everybody tells the new one. `isAskedLate`: the edge is asked for the first time when the
 * bound is over, and has no second try.
 */
async function change(
  cluster: Cluster,
  { token }: Account,
  { id, paths }: Watched,
  price: number,
  { times, isAskedLate }: { times: Times; isAskedLate: boolean },
): Promise<void> {
  const writer = pick(cluster.nodes, price, id.length + Number(id.slice(-3)));
  const path = `/api/products/${id}`;
  expectJson(await request(writer.url, { path, method: "PUT", token, body: { price } }), 200);
  const at = performance.now();
  const shows = async (base: string, question: string): Promise<boolean> => {
    const answer = await request(base, { path: question });
    return answer.status === 200 && priceIn(answer.text, id) === price;
  };
  const until = async (base: string, question: string, pollMs: number): Promise<number> => {
    while (!(await shows(base, question))) {
      if (performance.now() - at > GIVEN_UP_MS) return GIVEN_UP_MS;
      await Bun.sleep(pollMs);
    }
    return performance.now() - at;
  };
  const atNode = async ({ name, url }: ClusterNode, number: number) => {
    const question = paths[Math.floor(random(number, price) * paths.length)] ?? path;
    times.nodes.get(name)?.add(await until(url, question, NODE_POLL_MS));
  };
  const atEdge = async (question: string) => {
    if (isAskedLate) await Bun.sleep(EDGE_MS_MAX);
    else {
      times.edge.add(await until(cluster.edge, question, EDGE_POLL_MS));
      await Bun.sleep(Math.max(0, EDGE_MS_MAX - (performance.now() - at)));
    }
    if (!(await shows(cluster.edge, question))) times.late.push(question);
  };
  await Promise.all([...cluster.nodes.map(atNode), ...paths.map(atEdge)]);
}

function judgeTimes(judge: Checks, kind: string, { nodes, edge, late }: Times): void {
  const all = openHistogram();
  for (const times of nodes.values()) all.merge(times);
  const slowest = Math.max(...[...nodes.values()].map((times) => times.percentile(0.99)));
  const figures = `p50 ${all.percentile(0.5).toFixed(0)} ms, p99 ${all.percentile(0.99).toFixed(0)} ms (at the slowest node ${slowest.toFixed(0)} ms)`;
  judge.measure(`${kind}NodesP99Ms`, slowest, `${kind}: ${count(all.count())} looks at nodes ${figures}`);
  judge.measure(`${kind}EdgeMaxMs`, edge.max(), `through the edge ${inSeconds(edge.max())} (at most)`);
  judge.require(slowest <= NODE_MS_MAX, `${kind}: p99 at a node was ${slowest.toFixed(0)} ms`);
  judge.require(
    edge.max() <= EDGE_MS_MAX && late.length === 0,
    `${kind}: the edge told the old price after ${inSeconds(edge.max())}, ${late.length} times after 2 s (${late.slice(0, 3).join(", ")})`,
  );
}
