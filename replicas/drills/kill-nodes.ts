// The drill that kills half of the nodes at once while visitors look around.

import { latencyOf, recoveryMs, slowestP99, windowsBetween } from "./checks/latency.ts";
import type { Cluster, ClusterNode } from "./cluster.ts";
import { count, type Drill, type DrillContext, type DrillOptions, inSeconds } from "./drill.ts";
import { type Account, registerCustomers, request, signInAdmin } from "./traffic/client.ts";
import { capacityOf, type Load, openLoad, statusesText } from "./traffic/load.ts";
import { anyRead } from "./traffic/reads.ts";

const NODES = { full: 12, short: 4 };
/** Of ordinary days before each kill, and of what is looked at after it. */
const WATCH_SECONDS = { full: 8, short: 4 };
/** After a start the edge finds a node again within its own two seconds. */
const SETTLE_SECONDS = 3;
const LANES = 32;
const LANES_AT_RATE = 400;
const WINDOW_MS = 500;
const STEADY_MS = 1_000;
const BACK_MS_MAX = 2_000;
const CUSTOMERS = 4;
const WARM_READS = 2_000;
/** New questions are new each time. */
const FIRST_MEASURED = 100_000;
const FIRST = 1_000_000;

const watchSeconds = ({ isShort, seconds }: DrillOptions): number =>
  seconds ?? (isShort ? WATCH_SECONDS.short : WATCH_SECONDS.full);

/** Kill -9 of 6 of 12 nodes at half load: nobody who reads sees an error, and it is soon as quick as before. */
export const killNodes: Drill = {
  name: "kill-nodes",
  about: "kill -9 half of the nodes at half load, then the other half: no read fails, p99 is normal in 2 s",
  secondsMax: (options) => 150 + 6 * watchSeconds(options),
  async run(ground) {
    const { options, progress, checks } = ground;
    const cluster = await ground.boot(options.nodes ?? (options.isShort ? NODES.short : NODES.full));
    const people = [await signInAdmin(cluster.edge), ...(await registerCustomers(cluster.edge, CUSTOMERS))];
    const send = (number: number) => request(cluster.edge, anyRead(number, people));
    await warm(cluster, people);
    const capacity = await capacityOf((number) => send(number + FIRST_MEASURED), LANES);
    const rate = Math.round(capacity / 2);
    progress(`${count(capacity)} answers a second, so ${count(rate)} from now on`);

    const load = openLoad({
      send: (number) => send(number + FIRST),
      rate,
      concurrency: LANES_AT_RATE,
      windowMs: WINDOW_MS,
    });
    const halves = [0, 1].map((half) => cluster.nodes.filter((_, at) => at % 2 === half));
    for (const half of halves) await killHalf(ground, cluster, half, load);
    const report = await load.stop();
    checks.measure("reads", report.responses, `${count(report.responses)} reads at ${count(rate)}/s`);
    checks.measure("bad", report.failed, `${report.failed} failed`);
    checks.require(report.failed === 0, `reads failed: ${statusesText(report.statuses)}`);
    const odd = report.responses - (report.statuses["200"] ?? 0);
    checks.require(odd === report.failed, `unexpected answers: ${statusesText(report.statuses)}`);
  },
};

/** Everything that nodes and edge keep is there once, as on an ordinary day. */
async function warm(cluster: Cluster, people: readonly Account[]): Promise<void> {
  for (let at = 0; at < WARM_READS; at += LANES)
    await Promise.all(
      Array.from({ length: LANES }, (_, lane) => request(cluster.edge, anyRead(at + lane, people))),
    );
}

async function killHalf(
  { options, progress, checks }: DrillContext,
  cluster: Cluster,
  half: readonly ClusterNode[],
  load: Load,
): Promise<void> {
  const watchMs = watchSeconds(options) * 1_000;
  const from = performance.now();
  await Bun.sleep(watchMs);
  const at = performance.now();
  for (const { pid } of half) process.kill(pid, "SIGKILL");
  const badBefore = load.report().failed;
  await Bun.sleep(watchMs);
  const { windows, failed } = load.report();
  const ordinary = windowsBetween(windows, from, at, WINDOW_MS);
  const normalMs = slowestP99(ordinary);
  const back = recoveryMs(windows, at, { normalMs, steadyMs: STEADY_MS, windowMs: WINDOW_MS });
  const worst = Math.max(
    ...windowsBetween(windows, at, at + watchMs, WINDOW_MS).map(({ times }) => times.max()),
  );
  const names = half.map(({ name }) => name).join(", ");
  progress(
    `killed ${names}: ${failed - badBefore} failed, p99 before ${latencyOf(ordinary).p99.toFixed(1)} ms ` +
      `(at most ${normalMs.toFixed(1)}), slowest after ${worst.toFixed(0)} ms`,
  );
  const isBack = Number.isFinite(back);
  checks.measure(
    "backMs",
    back,
    isBack ? `p99 normal again after ${inSeconds(back)}` : "p99 not seen to be normal",
  );
  checks.require(back <= BACK_MS_MAX, `p99 was not back below ${normalMs.toFixed(1)} ms within 2 s`);
  await cluster.control("--start", half.map(({ name }) => name.replace("node-", "")).join(","));
  await Bun.sleep(SETTLE_SECONDS * 1_000);
}
