// The senders of a cluster: what they write while there is nothing to send, and whether of all nodes one sends each mail.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { databaseFile } from "../../replicas/primary/dataset.ts";
import { bootCluster, type Cluster, endCluster } from "../boot/cluster.ts";
import { bootSink, type Sink } from "../boot/mail.ts";
import { waitFor } from "../harness/children.ts";
import { eachRound } from "../harness/rounds.ts";
import type { Bench, Line, Scenario } from "../harness/scenario.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { ORDER_SETTINGS, ORDERS_PATH, orderBodies, sizesIn } from "../load/orders.ts";
import { allNodesUs, primaryUs, type Spent, spentIn } from "../metrics/cluster-cpu.ts";
import { readMetrics, sumOfMetric } from "../metrics/metrics.ts";
import { readMails } from "../metrics/stored-mails.ts";

const SHOES = 1_000;
const FULL = { nodes: 12, seconds: 20, settleSeconds: 20, orders: 40 };
const QUICK = { nodes: 2, seconds: 1, settleSeconds: 2, orders: 4 };
const NONE = { atMost: 0 };
const SENT = { everyMs: 50, msMax: 60_000 };
/** Looks of every node after the last mail: a second one would be sent in them. */
const AFTER_MS = 3_000;

/** Writes at the primary: their groups, and all in them. */
type Writes = { commits: number; members: number };
type Idle = Spent & { wrote: Writes };

export const clusterMail: Scenario = {
  name: "cluster-mail",
  boot: "a cluster of twelve nodes, 1,000 shoes, the sandbox gateway, one mail server that only counts",
  load: "nothing; then 40 orders of guests through NGINX",
  measures:
    "what twelve senders write at the primary while there is nothing to send, and whether each mail is sent once",
  needsOha: false,
  async *run(bench) {
    const { nodes, seconds, settleSeconds } = settingsOf(bench);
    const sink = await bootSink(bench);
    const env = { ...ORDER_SETTINGS, ...sink.env };
    const cluster = await bootCluster(bench, { nodes, shoes: SHOES, env });
    // The idle time itself is measured, here and below.
    await Bun.sleep(settleSeconds * 1_000);
    yield idleLines(await eachRound(bench, `${seconds} s idle`, () => idle(cluster, seconds)));
    yield await sendMails(bench, cluster, sink);
    await endCluster(bench, cluster);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

async function readWrites({ primary }: Cluster): Promise<Writes> {
  const text = await readMetrics(primary.url);
  const of = (name: string) => sumOfMetric(text, `insole_door_${name}_total`);
  return { commits: of("commits"), members: of("members") };
}

async function idle(cluster: Cluster, seconds: number): Promise<Idle> {
  const before = await readWrites(cluster);
  const spent = await spentIn(cluster, () => Bun.sleep(seconds * 1_000));
  const after = await readWrites(cluster);
  return {
    ...spent,
    wrote: { commits: after.commits - before.commits, members: after.members - before.members },
  };
}

const idleLines = (rounds: readonly Idle[]): Line[] => [
  {
    what: "commits at the primary while there is nothing to send",
    unit: "",
    values: rounds.map(({ wrote }) => wrote.commits),
    target: NONE,
  },
  { what: "  writes in them", unit: "", values: rounds.map(({ wrote }) => wrote.members) },
  {
    what: "  the nodes: of a core",
    unit: "%",
    values: rounds.map((each) => (100 * allNodesUs(each)) / each.wallUs),
  },
  {
    what: "  the primary: of a core",
    unit: "%",
    values: rounds.map((each) => (100 * primaryUs(each)) / each.wallUs),
  },
];

/** Places orders, and waits until their mails are sent and every node has looked again. */
async function sendMails(bench: Bench, cluster: Cluster, sink: Sink): Promise<Line[]> {
  const { orders } = settingsOf(bench);
  const path = databaseFile(join(cluster.folder, "primary"));
  const before = await readWrites(cluster);
  await placeOrders(bench, cluster, orders);
  const placed = await readWrites(cluster);
  await waitFor(cluster.child, "the mails are not sent", SENT, () => readMails(path).waiting === 0 || null);
  await Bun.sleep(AFTER_MS);
  const after = await readWrites(cluster);
  const { sent } = readMails(path);
  const arrived = Number(readFileSync(sink.child.outPath, "utf8").trim().split("\n").at(-1));
  return [
    {
      what: "mails that arrived",
      unit: "",
      values: [arrived],
      note: `${sent} were sent for ${orders} orders`,
    },
    {
      what: "  beyond those that are stored as sent",
      unit: "",
      values: [Math.abs(arrived - sent)],
      target: NONE,
    },
    {
      what: "  writes at the primary, those of the orders too, for each mail",
      unit: "",
      values: [(after.members - before.members) / sent],
      note: `${placed.members - before.members} of ${after.members - before.members} while the orders came`,
    },
  ];
}

async function placeOrders(bench: Bench, { edge }: Cluster, count: number): Promise<void> {
  const sizes = sizesIn(join(await catalogueOf(bench, SHOES), "insole.db"));
  let placed = 0;
  // More than are needed: some sizes of the demo shoes are sold out.
  for (const body of orderBodies(sizes, 10 * count, bench.seed)) {
    const headers = { "content-type": "application/json" };
    const { status } = await fetch(edge + ORDERS_PATH, { method: "POST", headers, body });
    if (status === 201) placed += 1;
    if (placed === count) return;
  }
  throw new Error(`only ${placed} of ${count} orders were placed`);
}
