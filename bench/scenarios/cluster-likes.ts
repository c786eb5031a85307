// Likes at all nodes of a cluster, and what one like costs each part of it.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { bootCluster, type Cluster, endCluster } from "../boot/cluster.ts";
import { addCustomersTo, bootSqld, type Primary, primaryOf } from "../boot/sqld.ts";
import { pairAt } from "../ceilings/sqld-raw.ts";
import { inRounds } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { median, written } from "../harness/stats.ts";
import type { Load, Run } from "../load/oha.ts";
import { ADMIN_SETTINGS, signIn } from "../load/people.ts";
import { fastest, rawLine } from "../load/raw-rate.ts";
import { errorsIn, faultsOf } from "../load/traffic.ts";
import { writeUrls } from "../load/urls.ts";
import { allNodesUs, primaryUs, type Spent, spentIn } from "../metrics/cluster-cpu.ts";
import { faultOfLikes, readAcknowledged, readLikes } from "../metrics/exactly-once.ts";
import { readMetrics, sumOfMetric } from "../metrics/metrics.ts";

const SHOES = 1_000;
const CUSTOMERS = 4_000;
/** A node is one writer; with twelve writers, the next group always waits at the server. */
const WRITERS = [1, 2, 12];
/** A connection keeps the node of its first request, so only many connections reach all nodes evenly. */
const CONNECTIONS = 768;
const CONNECTIONS_AT_RATE = 8;
const BATCH = 100;
const FULL = {
  nodes: 12,
  addresses: 300_000,
  rate: 100,
  seconds: 5,
  secondsAtRate: 10,
  trySeconds: 2,
  warmUpSeconds: 2,
  writers: WRITERS,
};
const QUICK = {
  nodes: 2,
  addresses: 50_000,
  rate: 20,
  seconds: 1,
  secondsAtRate: 1,
  trySeconds: 1,
  warmUpSeconds: 1,
  writers: [1],
};

export const clusterLikes: Scenario = {
  name: "cluster-likes",
  boot: "a cluster of twelve nodes, 1,000 shoes, 4,000 customers; then sqld alone; nothing is pinned",
  load: "POST random likes: 100/s at the first node, while the others only follow; at all nodes directly, 768 connections, as fast as it goes; groups of the same size straight to sqld from the best number of writers",
  measures:
    "CPU per like of each part: the node that takes it, a node that only follows, the door, sqld; acknowledged likes per second; sqld's raw write rate",
  needsOha: true,
  async *run(bench) {
    const { seconds, trySeconds, writers } = settingsOf(bench);
    const { atRate, through } = await onCluster(bench);
    yield costLines(bench, atRate);
    const group = Math.max(1, Math.round(median(through.map((round) => round.group))));
    const sqld = await bootSqld(bench, SHOES);
    await addCustomersTo(sqld, CUSTOMERS);
    const raw = {
      group,
      shoes: SHOES,
      customers: { from: 0, count: CUSTOMERS },
      seconds,
      trySeconds,
    };
    const alone = await fastest(bench, sqld, { ...raw, what: "likes", writers });
    yield [
      ...throughLines(bench, through),
      rawLine(`  ceiling: straight to sqld alone, groups of ${group}`, alone),
    ];
    // More writers of such groups make sqld slower, or let it hang.
    const rows = { ...raw, what: "rows", writers: [1] } as const;
    yield [
      rawLine(
        "ceiling: sqld's raw write rate, one row a transaction",
        await fastest(bench, sqld, { ...rows, group: 1 }),
      ),
      rawLine(`  ${BATCH} rows a transaction`, await fastest(bench, sqld, { ...rows, group: BATCH })),
    ];
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** One round: the run, its acknowledged likes, and the CPU time of each part. */
type Round = Spent & { run: Run; likes: number };
/** One round at all nodes; `group`: likes in a commit of a node; `least`: likes of the slowest node / of the mean node. */
type Through = Round & { perSecond: number; group: number; least: number };

/** Rounds at a rate and rounds at full speed, in turns. */
async function onCluster(bench: Bench): Promise<{ atRate: Round[]; through: Through[] }> {
  const { children } = bench;
  const { nodes, rate, warmUpSeconds, seconds, secondsAtRate } = settingsOf(bench);
  const cluster = await bootCluster(bench, { nodes, shoes: SHOES, env: ADMIN_SETTINGS });
  const { folder } = cluster;
  const [data, keys] = [join(folder, "primary"), join(folder, "primary-keys")];
  const primary = primaryOf({ url: cluster.primary.url, data, keys, folder });
  await addCustomersTo(primary, CUSTOMERS);
  const token = await signIn({ base: must(cluster.nodes[0], "the first node").url });
  const records: string[] = [];
  const nextLoad = (urls: string[], more: Pick<Load, "rate" | "connections" | "seconds">): Load => {
    const recordPath = join(children.folder, `likes-${records.length}.answers`);
    records.push(recordPath);
    return { ...loadOn(bench, urls, records.length), ...more, post: { token }, recordPath };
  };
  const urls = cluster.nodes.map(({ url }) => url);
  const toAll = (seconds: number) => nextLoad(urls, { rate: null, connections: CONNECTIONS, seconds });
  const toFirst = () =>
    nextLoad(urls.slice(0, 1), { rate, connections: CONNECTIONS_AT_RATE, seconds: secondsAtRate });
  await sendRound(bench, cluster, toAll(warmUpSeconds));
  const through: Through[] = [];
  const atRate: Round[] = [];
  await inRounds(
    bench,
    ["first", "all"] as const,
    (side) => (side === "all" ? `likes at ${nodes} nodes` : `${rate} likes a second at the first node`),
    async (side) => {
      if (side === "all") through.push(await sendThrough(bench, cluster, toAll(seconds)));
      else atRate.push(await sendRound(bench, cluster, toFirst()));
    },
  );
  await children.end(cluster.child);
  expectExactlyOnce(primary, records);
  await endCluster(bench, cluster);
  return { atRate, through };
}

/** New likes each time, because for a stored like the node asks the primary whether the account exists. */
function loadOn(
  bench: Bench,
  urls: readonly string[],
  round: number,
): Pick<Load, "target" | "encoding" | "cores"> {
  const { addresses } = settingsOf(bench);
  const paths = Array.from({ length: addresses }, (_, at) => {
    const { shoeId, userId } = pairAt(round * addresses + at, SHOES, { from: 0, count: CUSTOMERS });
    return `${urls[at % urls.length]}/api/shoes/${shoeId}/likes/${userId}`;
  });
  const urlsPath = writeUrls(bench.children.folder, "cluster-likes", "", paths, bench.seed);
  return { target: { urlsPath }, encoding: "identity", cores: null };
}

async function sendRound(bench: Bench, cluster: Cluster, load: Load): Promise<Round> {
  const { seen, ...spent } = await spentIn(cluster, () => ohaOf(bench).together([load]));
  const [run] = seen;
  const likes = run?.statuses["201"] ?? 0;
  if (run === undefined || likes === 0) throw new Error("no like was acknowledged");
  return { ...spent, run, likes };
}

async function sendThrough(bench: Bench, cluster: Cluster, load: Load): Promise<Through> {
  const read = () => Promise.all(cluster.nodes.map(({ url }) => readMetrics(url)));
  const before = await read();
  const round = await sendRound(bench, cluster, load);
  const after = await read();
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const growthOf = (name: string) =>
    after.map(
      (text, at) => sumOfMetric(text, name) - sumOfMetric(must(before[at], "the metrics before"), name),
    );
  const likesOfNodes = growthOf("insole_likes_total");
  return {
    ...round,
    perSecond: (round.run.perSecond * round.likes) / round.run.answers,
    group: sum(likesOfNodes) / sum(growthOf("insole_write_door_commits_total")),
    least: Math.min(...likesOfNodes) / (sum(likesOfNodes) / likesOfNodes.length),
  };
}

/** Throws unless every acknowledged like is stored once, and few others. */
function expectExactlyOnce({ filePath }: Primary, records: readonly string[]): void {
  const acknowledged = new Set(records.flatMap((path) => [...readAcknowledged(path)]));
  for (const path of records) rmSync(path);
  const fault = faultOfLikes(readLikes(filePath), acknowledged, records.length * CONNECTIONS);
  if (fault !== null) throw new Error(fault);
}

/** What one like costs each part, for the capacity model: the first node takes all likes, the others only follow. */
function costLines(bench: Bench, rounds: readonly Round[]): Line[] {
  const { rate } = settingsOf(bench);
  const how: How = { connections: CONNECTIONS_AT_RATE, rate, encoding: "identity", layers: { primary: 1 } };
  const line = (what: string, of: (round: Round) => number): Line => ({
    what,
    unit: "us",
    values: rounds.map((round) => of(round) / round.likes),
    how,
  });
  const taker = ({ nodesUs: [us = Number.NaN] }: Round) => us;
  const follower = (round: Round) => (allNodesUs(round) - taker(round)) / (round.nodesUs.length - 1);
  const runs = rounds.map(({ run }) => run);
  return [
    line(`CPU per like at ${rate}/s: a node that only follows`, follower),
    line("  the node that takes it", taker),
    line("  the primary: its door and sqld", primaryUs),
    line("    the door", ({ doorUs }) => doorUs),
    line("    sqld", ({ sqldUs }) => sqldUs),
    {
      what: "  errors",
      unit: "",
      values: [errorsIn(runs)],
      target: { atMost: 0 },
      how,
      note: faultsOf(runs) || "every like was acknowledged",
    },
  ];
}

function throughLines(bench: Bench, rounds: readonly Through[]): Line[] {
  const { nodes } = settingsOf(bench);
  const how: How = { connections: CONNECTIONS, rate: null, encoding: "identity", layers: { primary: 1 } };
  const line = (what: string, unit: string, of: (round: Through) => number): Line => ({
    what,
    unit,
    values: rounds.map(of),
    how,
  });
  const runs = rounds.map(({ run }) => run);
  return [
    {
      ...line(`likes acknowledged through ${nodes} nodes`, "/s", ({ perSecond }) => perSecond),
      note: limitOf(rounds),
    },
    {
      what: "  errors in all",
      unit: "",
      values: [errorsIn(runs)],
      target: { atMost: 0 },
      how,
      note: faultsOf(runs) || "every acknowledged like is stored once in the primary's file",
    },
    line("  likes in a commit of a node", "", ({ group }) => group),
    line("  CPU per like, nodes together", "us", (round) => allNodesUs(round) / round.likes),
    line("  CPU per like, the door", "us", ({ doorUs, likes }) => doorUs / likes),
    line("  CPU per like, sqld", "us", ({ sqldUs, likes }) => sqldUs / likes),
    line("  cores that the nodes took", "", (round) => allNodesUs(round) / round.wallUs),
    line("  cores that the primary took", "", (round) => primaryUs(round) / round.wallUs),
    line("  likes of the node with the fewest / of the mean node", "", ({ least }) => least),
  ];
}

/** The cores that each part used, in a phrase. */
function limitOf(rounds: readonly Through[]): string {
  const cores = (of: (round: Through) => number) => median(rounds.map((round) => of(round) / round.wallUs));
  return `of ${navigator.hardwareConcurrency} cores the nodes took ${written(cores(allNodesUs))}, the primary ${written(cores(primaryUs))} and the generator what was left`;
}
