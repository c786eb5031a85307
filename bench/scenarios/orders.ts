// Orders of guests: how many are acknowledged a second, their latencies, and how much they slow cached answers down.
import { join } from "node:path";
import { bootForOrders } from "../boot/shop.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { quantile, written } from "../harness/stats.ts";
import { countingBench } from "../load/counting.ts";
import { disturb, disturbanceLines, hotLoad } from "../load/disturbance.ts";
import type { Load } from "../load/oha.ts";
import { LINES, ORDERS_PATH } from "../load/orders.ts";
import {
  atFullSpeed,
  atShares,
  capacityOf,
  type Held,
  howOf,
  type Step,
  type Subject,
} from "../load/steps.ts";
import { readMetrics, sumOfMetric } from "../metrics/metrics.ts";
import { cpuUs } from "../metrics/proc.ts";
import { expectOrders } from "../metrics/stored-orders.ts";

const ORDERS_MIN = 2_500;
const P99_MS_MAX = 100;
/** The share of the capacity at which the p99 is judged. */
const JUDGED_SHARE = 0.7;
const P99_GROWTH_MS_MAX = 5;
const SHOES = 1_000;
const CONNECTIONS = 128;
const FULL = { seconds: 5, warmUpSeconds: 5, hotRate: 1_000 };
const QUICK = { seconds: 1, warmUpSeconds: 1, hotRate: 100 };

export const orders: Scenario = {
  name: "orders",
  boot: "the shop in production settings on a file (synchronous=FULL), 1,000 shoes, the sandbox gateway; it may use all cores",
  load: `POST /api/orders of ${LINES} random lines by guests, ${CONNECTIONS} connections, as fast as it goes, and at 50, 70 and 90 % of that; cached related shoes at 1,000/s without and with half of that`,
  measures:
    "acknowledged and paid orders per second, CPU per order, latencies; p99 of cached answers meanwhile",
  needsOha: true,
  async *run(given) {
    const { bench, acknowledged } = countingBench(given);
    const { children, isQuick } = bench;
    const { seconds, warmUpSeconds, hotRate } = isQuick ? QUICK : FULL;
    const { base, child, dataDir, bodiesPath } = await bootForOrders(bench, SHOES);
    const load = loadOf(bench, base, bodiesPath);
    const subject: Subject = { load, cpuUs: () => cpuUs(child.pid), layers: null };
    await ohaOf(bench).send({ ...load, seconds: warmUpSeconds, rate: null });
    const before = await readMetrics(base);
    const steps = await atFullSpeed(bench, subject, seconds);
    yield capacityLines(subject, steps, groupBetween(before, await readMetrics(base)));
    const capacity = capacityOf(steps);
    const held = await atShares(bench, subject, { capacity, seconds });
    yield held.map((one) => latencyLine(subject, one));
    const half: Load = { ...load, seconds, rate: Math.floor(capacity / 2) };
    const hot = hotLoad(bench, base, { seconds, rate: hotRate, seed: bench.seed });
    const what = "cached answers while half as many orders come: p99 grows by";
    yield disturbanceLines(what, await disturb(bench, hot, half, warmUpSeconds), P99_GROWTH_MS_MAX);
    await children.end(child);
    await expectOrders(children, join(dataDir, "insole.db"), acknowledged());
  },
};

const loadOf = ({ cores }: Bench, base: string, bodiesPath: string): Subject["load"] => ({
  target: { url: base + ORDERS_PATH },
  connections: CONNECTIONS,
  encoding: "identity",
  post: { bodiesPath },
  cores: cores.load,
});

/** Writes in a commit, between two readings; an order is up to three. */
function groupBetween(before: string, after: string): number {
  const growth = (name: string) => sumOfMetric(after, name) - sumOfMetric(before, name);
  return growth("insole_write_door_writes_total") / growth("insole_write_door_commits_total");
}

const capacityLines = (subject: Subject, steps: Step[], group: number): Line[] => [
  {
    what: "orders acknowledged",
    unit: "/s",
    values: steps.map(({ run }) => run.perSecond),
    target: { atLeast: ORDERS_MIN },
    how: howOf(subject, null, 0, steps),
    note: "each is stored and paid once: checked at the end",
  },
  { what: "  CPU per order, all threads", unit: "us", values: steps.map(({ us }) => us) },
  { what: "  p99 of an order", unit: "ms", values: steps.map(({ run }) => run.p99Ms) },
  { what: "  writes in a commit", unit: "", values: [group] },
];

function latencyLine(subject: Subject, { share, rate, steps, fault }: Held): Line {
  const percent = Math.round(share * 100);
  const middle = (pick: (step: Step) => number) => written(quantile(steps.map(pick), 0.5));
  const note = () => `p50 ${middle(({ run }) => run.p50Ms)} ms, p95 ${middle(({ run }) => run.p95Ms)} ms`;
  return {
    what: `p99 of an order at ${percent} %`,
    unit: "ms",
    values: steps.map(({ run }) => run.p99Ms),
    ...(share === JUDGED_SHARE ? { target: { atMost: P99_MS_MAX } } : {}),
    ...(fault === null ? { note: note() } : { notReached: fault }),
    point: { chart: "p99 of orders by share of the capacity", series: "orders", x: percent, xUnit: "%" },
    how: howOf(subject, rate, 0, steps),
  };
}
