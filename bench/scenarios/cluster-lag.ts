// Replica lag: the time from the acknowledgement of a write until each node shows it, under a constant load of writes.
import { must } from "../../db/must.ts";
import { bootCluster, type Cluster, endCluster, type Part } from "../boot/cluster.ts";
import { eachRound } from "../harness/rounds.ts";
import type { Bench, Line, Scenario } from "../harness/scenario.ts";
import { quantile } from "../harness/stats.ts";
import { ADMIN_SETTINGS, signIn } from "../load/people.ts";
import { demoId } from "../load/urls.ts";

/** Every node is polled this often, so a lag is up to this much too long, half of it on average. */
const POLL_MS = 20;
/** One node is polled all the time, because its lag is shorter than that. */
const QUIET_POLL_MS = 1;
/** A change that a node does not show for this long is lost. */
const SHOWN_MS_MAX = 10_000;
/** Prices in cents, below every list price, which a price must not exceed; a prime, so that every change differs. */
const PRICES = 997;
const REFUSED = [503, 504];
const FULL = { shoes: 1_000, nodes: 12, seconds: 10, warmUpSeconds: 3, slowdown: 1 };
const QUICK = { shoes: 1_000, nodes: 2, seconds: 1, warmUpSeconds: 1, slowdown: 10 };

/** Bounds in ms; a load without them is not judged. */
type Bounds = { p50: number; p99: number };
type LagLoad = { what: "price changes" | "likes"; rate: number; bounds: Bounds | null };

const LOADS: LagLoad[] = [
  { what: "price changes", rate: 20, bounds: { p50: 120, p99: 450 } },
  { what: "likes", rate: 50, bounds: null },
  { what: "likes", rate: 100, bounds: { p50: 150, p99: 500 } },
];
const QUIET: LagLoad = { what: "price changes", rate: 5, bounds: { p50: 5, p99: 20 } };

export const clusterLag: Scenario = {
  name: "cluster-lag",
  boot: "a cluster of twelve nodes, then one of a single node, 1,000 shoes; nothing is pinned",
  load: "price changes at 20/s, likes at 50/s and 100/s, at each node in turn; every node's newest change read each 20 ms; then price changes at 5/s at the single node, its newest change read all the time",
  measures: "from the acknowledgement of a write to the moment a node shows it, over all writes and nodes",
  needsOha: false,
  async *run(bench) {
    const { nodes } = settingsOf(bench);
    yield* lagsOn(bench, nodes, LOADS, POLL_MS);
    yield* lagsOn(bench, 1, [QUIET], QUIET_POLL_MS);
  },
};

/** Boots a cluster of so many nodes, and measures each load. */
async function* lagsOn(
  bench: Bench,
  nodes: number,
  loads: readonly LagLoad[],
  pollMs: number,
): AsyncGenerator<Line[]> {
  const { shoes, seconds, warmUpSeconds, slowdown } = settingsOf(bench);
  const cluster = await bootCluster(bench, { nodes, shoes, env: ADMIN_SETTINGS });
  const token = await signIn({ base: must(cluster.nodes[0], "the first node").url });
  const sends = { "price changes": priceChanges(shoes), likes: likesOf(shoes) };
  for (const { what, rate: fullRate, bounds } of loads) {
    const rate = fullRate / slowdown;
    const writing = { token, rate, send: sends[what], pollMs };
    await lagsWhile(cluster, { ...writing, count: Math.ceil(warmUpSeconds * rate) });
    const seen = await eachRound(bench, `${rate} ${what} a second at ${nodes} nodes`, () =>
      lagsWhile(cluster, { ...writing, count: Math.ceil(seconds * rate) }),
    );
    yield linesOf(`replica lag at ${rate} ${what} a second, ${nodes === 1 ? "one node" : `${nodes} nodes`}`, {
      seen,
      bounds,
    });
  }
  await endCluster(bench, cluster);
}

function linesOf(what: string, { seen, bounds }: { seen: Seen[]; bounds: Bounds | null }): Line[] {
  const at = (share: number) => seen.map(({ lags }) => quantile(lags, share));
  const target = (atMost: number | undefined) => (atMost === undefined ? {} : { target: { atMost } });
  return [
    { what: `${what}: p50`, unit: "ms", values: at(0.5), ...target(bounds?.p50) },
    { what: "  p99", unit: "ms", values: at(0.99), ...target(bounds?.p99) },
    { what: "  longest", unit: "ms", values: at(1) },
    {
      what: "  writes refused",
      unit: "",
      values: [seen.reduce((sum, { refused }) => sum + refused, 0)],
      ...target(bounds === null ? undefined : 0),
    },
  ];
}

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

/** A lag in ms for each write at each node, and the number of writes that were refused. */
type Seen = { lags: number[]; refused: number };

/** Writes at a rate while it polls every node. */
async function lagsWhile(cluster: Cluster, writing: Writing): Promise<Seen> {
  const before = await newestOf(cluster.nodes[0]);
  const watches = cluster.nodes.map((node) => watch(node, writing.pollMs));
  try {
    const answers = await write(cluster, writing);
    const written = answers.filter((answer) => answer !== null);
    const last = Math.max(...written.map(({ seq }) => seq));
    // A write that changes nothing has no lag.
    if (last - before < written.length)
      throw new Error(`${written.length} writes made ${last - before} changes`);
    await Promise.all(watches.map(({ until }) => until(last)));
    const lags = watches.flatMap(({ seen }) => lagsOf(written, seen));
    return { lags, refused: answers.length - written.length };
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

type Writing = { token: string; rate: number; count: number; send: Send; pollMs: number };

/** Writes at the rate, each at the next node; returns the acknowledgements, `null` for a write that was refused. */
async function write(
  { nodes }: Cluster,
  { token, rate, count, send }: Writing,
): Promise<(Sighting | null)[]> {
  const startedAt = performance.now();
  const underway: Promise<Sighting | null>[] = [];
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
): Promise<Sighting | null> {
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
  if (REFUSED.includes(response.status)) return null;
  const seq = Number(response.headers.get("insole-version")?.split(".")[1]);
  if (!response.ok || !Number.isInteger(seq))
    throw new Error(`${method} ${path} answers ${response.status}: ${text}`);
  return { seq, atMs };
}

/** Polls a node for its newest change, and records each new one. */
function watch({ url }: Pick<Part, "url">, pollMs: number) {
  const seen: Sighting[] = [];
  let isStopping = false;
  const newest = () => seen.at(-1)?.seq ?? -1;
  const polling = (async () => {
    while (!isStopping) {
      const seq = await newestOf({ url });
      if (seq > newest()) seen.push({ seq, atMs: performance.now() });
      await Bun.sleep(pollMs);
    }
  })();
  return {
    seen,
    async until(seq: number): Promise<void> {
      const deadline = performance.now() + SHOWN_MS_MAX;
      while (newest() < seq) {
        if (performance.now() > deadline) throw new Error(`${url} does not show the change ${seq}`);
        await Promise.race([polling, Bun.sleep(pollMs)]);
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
