// Replica lag: the time from the acknowledgement of a write until each node shows it, under a constant load of writes.
import { must } from "../../db/must.ts";
import { bootCluster, type Cluster, endCluster, type Part } from "../boot/cluster.ts";
import type { Bench, Scenario } from "../harness/scenario.ts";
import { quantile } from "../harness/stats.ts";
import { ADMIN_SETTINGS, signIn } from "../load/people.ts";
import { demoId } from "../load/urls.ts";

const P50_MS_MAX = 60;
const P99_MS_MAX = 250;
/** Every node is polled this often, so a lag is up to this much too long, half of it on average. */
const POLL_MS = 20;
/** A change that a node does not show for this long is lost. */
const SHOWN_MS_MAX = 10_000;
/** Prices in cents, below every list price, which a price must not exceed; a prime, so that every change differs. */
const PRICES = 997;
const FULL = { shoes: 1_000, nodes: 12, seconds: 10, warmUpSeconds: 3, rate: 100 };
const QUICK = { shoes: 1_000, nodes: 2, seconds: 1, warmUpSeconds: 1, rate: 10 };
/** Shares of the judged rate: half of it, and for price changes what twelve nodes on one machine keep up with. */
const RATE_SHARES = { half: 0.5, prices: 0.2 };

export const clusterLag: Scenario = {
  name: "cluster-lag",
  boot: "a cluster of twelve nodes, 1,000 shoes; nothing is pinned",
  load: "likes at 100/s and 50/s, price changes at 20/s, at each node in turn; every node's newest change read each 20 ms",
  measures: "from the acknowledgement of a write to the moment a node shows it, over all writes and nodes",
  needsOha: false,
  async *run(bench) {
    const { shoes, nodes, seconds, warmUpSeconds, rate } = settingsOf(bench);
    const cluster = await bootCluster(bench, { nodes, shoes, env: ADMIN_SETTINGS });
    const token = await signIn({ base: must(cluster.nodes[0], "the first node").url });
    const likes = likesOf(shoes);
    const loads = [
      { what: "price changes", send: priceChanges(shoes), rate: rate * RATE_SHARES.prices, isJudged: false },
      { what: "likes", send: likes, rate: rate * RATE_SHARES.half, isJudged: false },
      { what: "likes", send: likes, rate, isJudged: true },
    ];
    for (const { what, isJudged, ...load } of loads) {
      const writing = { token, ...load };
      await lagsWhile(cluster, { ...writing, count: warmUpSeconds * load.rate });
      const lags = { p50: [] as number[], p99: [] as number[], longest: [] as number[] };
      for (let round = 0; round < bench.rounds; round += 1) {
        bench.log(`round ${round + 1} of ${bench.rounds}: ${load.rate} ${what} a second`);
        const measured = await lagsWhile(cluster, { ...writing, count: seconds * load.rate });
        lags.p50.push(quantile(measured, 0.5));
        lags.p99.push(quantile(measured, 0.99));
        lags.longest.push(quantile(measured, 1));
      }
      const target = (atMost: number) => (isJudged ? { target: { atMost } } : {});
      yield [
        {
          what: `replica lag at ${load.rate} ${what} a second, ${nodes} nodes: p50`,
          unit: "ms",
          values: lags.p50,
          ...target(P50_MS_MAX),
        },
        { what: "  p99", unit: "ms", values: lags.p99, ...target(P99_MS_MAX) },
        { what: "  longest", unit: "ms", values: lags.longest },
      ];
    }
    await endCluster(bench, cluster);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** A change, and when it was acknowledged or first seen, in ms of `performance.now`. */
type Sighting = { seq: number; atMs: number };

type Price = { shoe: number; price: number };
/** Returns the next request to a node. */
type Send = () => { path: string; method: "POST" | "DELETE" | "PUT"; body?: string };

/** Likes one shoe after the other, then unlikes all, and so on without end. */
function likesOf(shoes: number): Send {
  let given = 0;
  return () => {
    const [number, round] = [given % shoes, Math.floor(given / shoes)];
    given += 1;
    return { path: `/api/shoes/${demoId(1 + number)}/likes/me`, method: round % 2 === 0 ? "POST" : "DELETE" };
  };
}

function priceChanges(shoes: number): Send {
  const next = priceSequence(shoes);
  return () => {
    const { shoe, price } = next();
    return { path: `/api/products/${demoId(shoe)}`, method: "PUT", body: JSON.stringify({ price }) };
  };
}

/** New prices for one shoe after the other, without end; each differs from the one before. */
export function priceSequence(shoes: number): () => Price {
  let given = 0;
  return () => {
    const number = given;
    given += 1;
    return { shoe: 1 + (number % shoes), price: (1 + (number % PRICES)) / 100 };
  };
}

/** Writes at a rate while it polls every node; returns a lag in ms for each write at each node. */
async function lagsWhile(cluster: Cluster, writing: Writing): Promise<number[]> {
  const before = await newestOf(cluster.nodes[0]);
  const watches = cluster.nodes.map(watch);
  try {
    const written = await write(cluster, writing);
    const last = Math.max(...written.map(({ seq }) => seq));
    // A write that changes nothing has no lag.
    if (last - before < writing.count)
      throw new Error(`${writing.count} writes made ${last - before} changes`);
    await Promise.all(watches.map(({ until }) => until(last)));
    return watches.flatMap(({ seen }) => lagsOf(written, seen));
  } finally {
    await Promise.all(watches.map(({ stop }) => stop()));
  }
}

/** The time from the acknowledgement of each change until it was seen; 0 if it was seen before. */
export function lagsOf(written: readonly Sighting[], seen: readonly Sighting[]): number[] {
  return written.map(({ seq, atMs }) => {
    const first = seen.find((each) => each.seq >= seq);
    if (first === undefined) throw new Error(`the change ${seq} was not seen`);
    return Math.max(0, first.atMs - atMs);
  });
}

type Writing = { token: string; rate: number; count: number; send: Send };

/** Writes at the rate, each at the next node; returns the acknowledgements. */
async function write({ nodes }: Cluster, { token, rate, count, send }: Writing): Promise<Sighting[]> {
  const startedAt = performance.now();
  const underway: Promise<Sighting>[] = [];
  for (let number = 0; number < count; number += 1) {
    const dueAt = startedAt + (number * 1_000) / rate;
    if (performance.now() < dueAt) await Bun.sleep(dueAt - performance.now());
    const base = must(nodes[number % nodes.length], "the node").url;
    const one = acknowledged(base, token, send());
    // The failure is reported by Promise.all at the end.
    one.catch(() => {});
    underway.push(one);
  }
  return Promise.all(underway);
}

async function acknowledged(
  base: string,
  token: string,
  { path, method, body }: ReturnType<Send>,
): Promise<Sighting> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const atMs = performance.now();
  const text = await response.text();
  const seq = Number(response.headers.get("insole-version")?.split(".")[1]);
  if (!response.ok || !Number.isInteger(seq))
    throw new Error(`${method} ${path} answers ${response.status}: ${text}`);
  return { seq, atMs };
}

/** Polls a node for its newest change, and records each new one. */
function watch({ url }: Pick<Part, "url">) {
  const seen: Sighting[] = [];
  let isStopping = false;
  const newest = () => seen.at(-1)?.seq ?? -1;
  const polling = (async () => {
    while (!isStopping) {
      const seq = await newestOf({ url });
      if (seq > newest()) seen.push({ seq, atMs: performance.now() });
      await Bun.sleep(POLL_MS);
    }
  })();
  return {
    seen,
    async until(seq: number): Promise<void> {
      const deadline = performance.now() + SHOWN_MS_MAX;
      while (newest() < seq) {
        if (performance.now() > deadline) throw new Error(`${url} does not show the change ${seq}`);
        await Promise.race([polling, Bun.sleep(POLL_MS)]);
      }
    },
    async stop(): Promise<void> {
      isStopping = true;
      await polling;
    },
  };
}

/** The newest change of a node. */
async function newestOf(node: Pick<Part, "url"> | undefined): Promise<number> {
  const response = await fetch(`${node?.url}/health`);
  const { seq } = (await response.json()) as { seq: number };
  return seq;
}
