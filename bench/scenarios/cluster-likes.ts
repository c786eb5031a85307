// Likes through all nodes of a cluster to its primary, and the same groups of likes sent to the primary directly.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { bootCluster, type Cluster, endCluster } from "../boot/cluster.ts";
import { addCustomersTo, attachSqld, bootSqld, type Sqld, writeRaw } from "../boot/sqld.ts";
import { pairAt, type RawWrites } from "../ceilings/sqld-raw.ts";
import { eachRound, inRounds } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { median, ratios, written } from "../harness/stats.ts";
import type { Load, Run } from "../load/oha.ts";
import { ADMIN_SETTINGS, signIn } from "../load/people.ts";
import { errorsIn, faultsOf } from "../load/traffic.ts";
import { writeUrls } from "../load/urls.ts";
import { faultOfLikes, readAcknowledged, readLikes } from "../metrics/exactly-once.ts";
import { readMetrics, sumOfMetric } from "../metrics/metrics.ts";
import { cpuUs } from "../metrics/proc.ts";

const SHARE_OF_RAW_MIN = 0.8;
const SHOES = 1_000;
/** Customers who like through the nodes; as many others like at the primary directly. */
const CUSTOMERS = 4_000;
/** A node is one writer; with twelve writers, the next group always waits at the server. */
const WRITERS = [1, 2, 12];
/** A connection keeps the node of its first request, so only many connections reach all nodes evenly. */
const CONNECTIONS = 768;
const BATCH = 100;
const FULL = { nodes: 12, addresses: 500_000, seconds: 5, trySeconds: 2, warmUpSeconds: 2, writers: WRITERS };
const QUICK = { nodes: 2, addresses: 50_000, seconds: 1, trySeconds: 1, warmUpSeconds: 1, writers: [1] };

export const clusterLikes: Scenario = {
  name: "cluster-likes",
  boot: "a cluster of twelve nodes, 1,000 shoes, 8,000 customers; then its primary (sqld) alone; nothing is pinned",
  load: "POST random likes at all nodes directly, 768 connections, as fast as it goes; the same statements in groups of the same size straight to sqld from the best number of writers",
  measures:
    "acknowledged likes per second, nodes / raw; likes in a commit; where the CPU time goes; sqld's raw write rate",
  needsOha: true,
  async *run(bench) {
    const { seconds } = settingsOf(bench);
    const { through, following } = await throughNodes(bench);
    const sqld = await bootSqld(bench, SHOES);
    await addCustomersTo(sqld, 2 * CUSTOMERS);
    const group = groupOf(through);
    const alone = await fastest(bench, sqld, { ...rawLikes(group), seconds }, settingsOf(bench).writers);
    yield linesOf(bench, { through, following, alone, group });
    // More writers of such groups make sqld slower, or let it hang.
    const rows = await fastest(bench, sqld, { ...rawLikes(1), what: "rows", seconds }, [1]);
    const batches = await fastest(bench, sqld, { ...rawLikes(BATCH), what: "rows", seconds }, [1]);
    yield [
      rawLine("ceiling: sqld's raw write rate, one row a transaction", rows),
      rawLine(`  ${BATCH} rows a transaction`, batches),
    ];
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** CPU time of all nodes and of the primary, and the elapsed time, in us. */
type Spent = { nodesUs: number; primaryUs: number; wallUs: number };
/** One round: acknowledged likes, their rate, and their CPU time. */
type Round = Spent & { likes: number; perSecond: number };
/** One round through the nodes; `group`: likes in a commit; `least`: likes of the slowest node / of the mean node. */
type Through = Round & { run: Run; group: number; least: number };

const groupOf = (through: readonly Through[]): number =>
  Math.max(1, Math.round(median(through.map(({ group }) => group))));

const rawLikes = (group: number): RawLoad => ({
  what: "likes",
  group,
  shoes: SHOES,
  customers: { from: CUSTOMERS, count: CUSTOMERS },
});
type RawLoad = Omit<RawWrites, "url" | "tokenPath" | "writers" | "seconds" | "first">;

/** Rounds through the nodes, in turns with rounds straight to the primary while the nodes replicate it. */
async function throughNodes(bench: Bench): Promise<{ through: Through[]; following: Round[] }> {
  const { children } = bench;
  const { nodes, warmUpSeconds, seconds } = settingsOf(bench);
  const cluster = await bootCluster(bench, { nodes, shoes: SHOES, env: ADMIN_SETTINGS });
  const { folder, primary } = cluster;
  const sqld = attachSqld({
    url: primary.url,
    data: join(folder, "primary"),
    keys: join(folder, "primary-keys"),
    folder,
  });
  await addCustomersTo(sqld, 2 * CUSTOMERS);
  const token = await signIn({ base: must(cluster.nodes[0], "the first node").url });
  const records: string[] = [];
  const nextLoad = (forSeconds: number): Load => {
    const recordPath = join(children.folder, `likes-${records.length}.answers`);
    records.push(recordPath);
    return { ...loadOn(bench, cluster, records.length), post: { token }, seconds: forSeconds, recordPath };
  };
  const warmUp = await sendRound(bench, cluster, nextLoad(warmUpSeconds));
  const raw = { ...rawLikes(groupOf([warmUp])), writers: Math.max(...settingsOf(bench).writers), seconds };
  const through: Through[] = [];
  const following: Round[] = [];
  let first = 0;
  await inRounds(
    bench,
    ["nodes", "raw"] as const,
    (side) => (side === "nodes" ? `${nodes} nodes` : "straight to sqld"),
    async (side) => {
      if (side === "nodes") {
        through.push(await sendRound(bench, cluster, nextLoad(seconds)));
        return;
      }
      const { seen, ...spent } = await spentIn(cluster, () => writeRaw(bench, sqld, { ...raw, first }));
      first += seen.done;
      following.push({ ...spent, likes: seen.done, perSecond: seen.perSecond });
    },
  );
  await children.end(cluster.child);
  expectExactlyOnce(sqld, records);
  await endCluster(bench, cluster);
  return { through, following };
}

/** New likes each time, because for a stored like the node asks the primary whether the account exists. */
function loadOn(bench: Bench, { nodes }: Cluster, round: number): Omit<Load, "seconds"> {
  const { children, seed } = bench;
  const { addresses } = settingsOf(bench);
  const paths = Array.from({ length: addresses }, (_, at) => {
    const { shoeId, userId } = pairAt(round * addresses + at, SHOES, { from: 0, count: CUSTOMERS });
    return `${nodes[at % nodes.length]?.url}/api/shoes/${shoeId}/likes/${userId}`;
  });
  return {
    target: { urlsPath: writeUrls(children.folder, "cluster-likes", "", paths, seed) },
    connections: CONNECTIONS,
    rate: null,
    encoding: "identity",
    cores: null,
  };
}

/** The CPU time of a cluster during some work. */
async function spentIn<T>({ nodes, primary }: Cluster, work: () => Promise<T>): Promise<Spent & { seen: T }> {
  const read = () => ({
    nodesUs: nodes.reduce((sum, { pid }) => sum + cpuUs(pid), 0),
    primaryUs: cpuUs(primary.pid),
    wallUs: performance.now() * 1_000,
  });
  const before = read();
  const seen = await work();
  const after = read();
  return {
    seen,
    nodesUs: after.nodesUs - before.nodesUs,
    primaryUs: after.primaryUs - before.primaryUs,
    wallUs: after.wallUs - before.wallUs,
  };
}

async function sendRound(bench: Bench, cluster: Cluster, load: Load): Promise<Through> {
  const read = () => Promise.all(cluster.nodes.map(({ url }) => readMetrics(url)));
  const before = await read();
  const { seen, ...spent } = await spentIn(cluster, () => ohaOf(bench).together([load]));
  const after = await read();
  const [run] = seen;
  if (run === undefined || run.answers === 0) throw new Error("no like was answered");
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const growthOf = (name: string) =>
    after.map(
      (text, at) => sumOfMetric(text, name) - sumOfMetric(must(before[at], "the metrics before"), name),
    );
  const likesOfNodes = growthOf("insole_likes_total");
  const likes = run.statuses["201"] ?? 0;
  return {
    ...spent,
    run,
    likes,
    perSecond: (run.perSecond * likes) / run.answers,
    group: sum(likesOfNodes) / sum(growthOf("insole_write_door_commits_total")),
    least: Math.min(...likesOfNodes) / (sum(likesOfNodes) / likesOfNodes.length),
  };
}

/** Throws unless every acknowledged like is stored once, and few others. */
function expectExactlyOnce({ filePath }: Sqld, records: readonly string[]): void {
  // Likes that were sent straight to the primary are in no record.
  const stored = readLikes(filePath, (userId) => Number(/\d+$/.exec(userId)?.[0]) < CUSTOMERS);
  const acknowledged = new Set(records.flatMap((path) => [...readAcknowledged(path)]));
  for (const path of records) rmSync(path);
  const fault = faultOfLikes(stored, acknowledged, records.length * CONNECTIONS);
  if (fault !== null) throw new Error(fault);
}

/** The rate of the best number of writers; `timedOut`: the numbers of writers for which sqld was too slow. */
type Fastest = { writers: number; perSecond: number[]; refused: number; timedOut: number[] };

async function fastest(
  bench: Bench,
  sqld: Sqld,
  writes: RawLoad & { seconds: number },
  writers: readonly number[],
): Promise<Fastest> {
  const { trySeconds } = settingsOf(bench);
  // Stored likes would cost less, so every run goes on with new ones.
  let [first, refused] = [0, 0];
  const write = async (count: number, seconds: number): Promise<number> => {
    const run = await writeRaw(bench, sqld, { ...writes, writers: count, seconds, first });
    first += run.done;
    refused += run.refused;
    return run.perSecond;
  };
  const tries: { count: number; perSecond: number }[] = [];
  const timedOut: number[] = [];
  for (const count of writers.length > 1 ? writers : []) {
    bench.log(`sqld alone, ${writes.what} in groups of ${writes.group}, ${count} writers`);
    try {
      tries.push({ count, perSecond: await write(count, trySeconds) });
    } catch (thrown) {
      // With many writers sqld may hang: not the best number, and named in the note.
      if (!String(thrown).includes("timed out")) throw thrown;
      timedOut.push(count);
    }
  }
  const [best] = tries.sort((one, other) => other.perSecond - one.perSecond);
  const count = best?.count ?? writers[0] ?? 1;
  const title = `sqld alone, ${writes.what} in groups of ${writes.group}`;
  const perSecond = await eachRound(bench, title, () => write(count, writes.seconds));
  return { writers: count, perSecond, refused, timedOut };
}

const rawLine = (what: string, { writers, perSecond, refused, timedOut }: Fastest): Line => ({
  what,
  unit: "/s",
  values: perSecond,
  note: `${writers} writers did best; ${refused} groups found the server locked for long and went again${timedOut.map((count) => `; ${count} writers got no answer in time`).join("")}`,
  how: { connections: writers, rate: null, encoding: "identity" },
});

type Values = { through: Through[]; following: Round[]; alone: Fastest; group: number };

function linesOf(bench: Bench, { through, following, alone, group }: Values): Line[] {
  const { nodes } = settingsOf(bench);
  const how: How = { connections: CONNECTIONS, rate: null, encoding: "identity", layers: { primary: 1 } };
  const line = <R extends Round>(
    what: string,
    unit: string,
    rounds: readonly R[],
    of: (round: R) => number,
  ) => ({ what, unit, values: rounds.map(of), how }) satisfies Line;
  const bar = (x: string) => ({ point: { chart: "likes to one primary", series: "likes per second", x } });
  const runs = through.map(({ run }) => run);
  return [
    {
      what: `likes through ${nodes} nodes / sqld's raw rate in groups of ${group}`,
      unit: "",
      values: ratios(
        through.map(({ perSecond }) => perSecond),
        alone.perSecond,
      ),
      target: { atLeast: SHARE_OF_RAW_MIN },
      note: limitOf(through),
      how,
    },
    {
      ...line(`  likes acknowledged through ${nodes} nodes`, "/s", through, ({ perSecond }) => perSecond),
      ...bar(`${nodes} nodes`),
    },
    {
      ...rawLine(`  ceiling: straight to sqld alone, groups of ${group}`, alone),
      ...bar("straight to sqld"),
    },
    {
      ...line("  straight to sqld while the nodes follow it", "/s", following, ({ perSecond }) => perSecond),
      ...bar("straight to sqld, nodes following"),
    },
    {
      what: "  errors in all",
      unit: "",
      values: [errorsIn(runs)],
      target: { atMost: 0 },
      how,
      note: faultsOf(runs) || "every acknowledged like is stored once in the primary's file",
    },
    line("  likes in a commit", "", through, (round) => round.group),
    line("  CPU per like, nodes together", "us", through, ({ nodesUs, likes }) => nodesUs / likes),
    line("    of nodes that only follow", "us", following, ({ nodesUs, likes }) => nodesUs / likes),
    line("  CPU per like, primary", "us", through, ({ primaryUs, likes }) => primaryUs / likes),
    line("    with nodes that only follow", "us", following, ({ primaryUs, likes }) => primaryUs / likes),
    line("  cores that the nodes took", "", through, ({ nodesUs, wallUs }) => nodesUs / wallUs),
    line("  cores that the primary took", "", through, ({ primaryUs, wallUs }) => primaryUs / wallUs),
    line("  likes of the node with the fewest / of the mean node", "", through, ({ least }) => least),
  ];
}

/** The cores that each part used, in a phrase. */
function limitOf(through: readonly Through[]): string {
  const cores = (of: (round: Through) => number) => median(through.map((round) => of(round) / round.wallUs));
  const [nodes, primary] = [cores(({ nodesUs }) => nodesUs), cores(({ primaryUs }) => primaryUs)];
  return `of ${navigator.hardwareConcurrency} cores the nodes took ${written(nodes)}, the primary ${written(primary)} and the generator what was left`;
}
