// The drill of half of the nodes killed at once while visitors read: promise 6 (replicas/README.md).
import { medianOf, p99Of, recoveryMs, slowestP99, windowsBetween } from "./checks/latency.ts";
import { checkResponses } from "./checks/responses.ts";
import type { Cluster, ClusterNode } from "./cluster.ts";
import { type Drill, type DrillContext, secondsOf, textOf } from "./drill.ts";
import { request, signInAccounts } from "./traffic/client.ts";
import { capacityOf, inParallel, type Load, openLoad } from "./traffic/load.ts";
import { anyRead } from "./traffic/reads.ts";

/** After each kill; before it twice as long, because the slowest window of few is often exceeded by chance. */
const WATCH_SECONDS = { full: 8, short: 4 };
/** The halves that are killed; one slow second of the machine does not move the median of three recoveries. */
const HALVES = [0, 1, 0];
/** The edge finds a node again within two seconds after its start. */
const SETTLE_MS = 3_000;
const CONCURRENCY = 32;
const CONCURRENCY_AT_RATE = 400;
const WINDOW_MS = 500;
const STEADY_MS = 1_000;
const BACK_MS_MAX = 2_000;
const CUSTOMERS = 4;
const WARM_READS = 2_000;
// Later numbers give lists that were not requested before.
const CAPACITY_FROM = 100_000;
const LOAD_FROM = 1_000_000;

export const killNodes: Drill = {
  name: "kill-nodes",
  about:
    "kill -9 of half of the nodes at half load, three times in turns: no read fails, p99 is normal within 2 s (median)",
  async run(context) {
    const { checks, progress } = context;
    const cluster = await context.boot();
    const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
    const sendFrom = (first: number) => (number: number) =>
      request(cluster.edge, anyRead(first + number, accounts));
    // The caches of the nodes and of the edge fill up, as on any day.
    await inParallel(Array(WARM_READS).keys(), CONCURRENCY, sendFrom(0));
    const capacity = await capacityOf(sendFrom(CAPACITY_FROM), CONCURRENCY);
    const rate = Math.round(capacity / 2);
    progress(`capacity ${textOf(capacity, "/s")}, load ${textOf(rate, "/s")}`);
    const load = openLoad({
      send: sendFrom(LOAD_FROM),
      rate,
      concurrency: CONCURRENCY_AT_RATE,
      windowMs: WINDOW_MS,
    });
    const recoveries: number[] = [];
    for (const half of HALVES)
      recoveries.push(
        await killHalf(
          context,
          cluster,
          cluster.nodes.filter((_, at) => at % 2 === half),
          load,
        ),
      );
    checks.atMost("p99 normal again after (median)", medianOf(recoveries), BACK_MS_MAX, "ms");
    checks.measure("slowest", Math.max(...recoveries), "ms");
    checks.measure("load", rate, "/s");
    checkResponses(checks, "reads", await load.stop());
  },
};

/** Returns how long after the kill the p99 was normal again, in milliseconds; the time watched where it never was. */
async function killHalf(
  { options, progress }: DrillContext,
  cluster: Cluster,
  half: readonly ClusterNode[],
  load: Load,
): Promise<number> {
  const watchMs = secondsOf(options, WATCH_SECONDS) * 1_000;
  const watchedFrom = performance.now();
  await Bun.sleep(2 * watchMs);
  const killedAt = performance.now();
  cluster.killNodes(half);
  await Bun.sleep(watchMs);
  const { windows } = load.report();
  const before = windowsBetween(windows, watchedFrom, killedAt, WINDOW_MS);
  const after = windowsBetween(windows, killedAt, killedAt + watchMs, WINDOW_MS);
  const normalMs = slowestP99(before);
  const names = half.map(({ name }) => name).join(", ");
  const [beforeMs, afterMs] = [before, after].map((each) => textOf(p99Of(each), "ms"));
  progress(`killed ${names}: p99 ${beforeMs} before (at most ${textOf(normalMs, "ms")}), ${afterMs} after`);
  const backMs = recoveryMs(windows, killedAt, { normalMs, steadyMs: STEADY_MS, windowMs: WINDOW_MS });
  await cluster.startNodes(half);
  await Bun.sleep(SETTLE_MS);
  return Math.min(backMs, watchMs);
}
