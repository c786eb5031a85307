// Drill: the primary is killed again and again while every node writes.

import { untilEqual } from "./checks/equal-replicas.ts";
import type { Cluster } from "./cluster.ts";
import { count, type Drill, type DrillContext, inSeconds, until } from "./drill.ts";
import { registerCustomers, signInAdmin } from "./traffic/client.ts";
import { capacityOf, openLoad, statusesText } from "./traffic/load.ts";
import { type MixedWrites, openMixedWrites } from "./traffic/mixed-writes.ts";

const FULL = { nodes: 12, kills: 10, rate: 200, quietSeconds: 3 };
const SHORT = { nodes: 4, kills: 3, rate: 100, quietSeconds: 1 };
const CUSTOMERS = 3;
const LANES_PER_NODE = 12;
const WRITERS = 24;
/** A second, at least: when writes are back is seen no finer than that. */
const WRITES_PER_NODE = 4;
const BACK_MS_MAX = 5_000;
const GIVE_UP_MS = 30_000;
const EQUAL_MS_MAX = 30_000;

/** Row 1: nothing acknowledged is lost, nothing is done twice, writes are back in 5 s, replicas equal 30 s later. */
export const killPrimary: Drill = {
  name: "kill-primary",
  about:
    "kill -9 of the primary, 10 times, under mixed writes from every node: 0 acknowledged writes lost, nothing done twice for one Idempotency-Key, writes back in 5 s, every replica equal to the primary 30 s later",
  secondsMax: ({ isShort }) => (isShort ? 150 : 420),
  async run(ground) {
    const { options, checks, progress } = ground;
    const plan = options.isShort ? SHORT : FULL;
    const cluster = await ground.boot(options.nodes ?? plan.nodes);
    const people = [await signInAdmin(cluster.edge), ...(await registerCustomers(cluster.edge, CUSTOMERS))];
    const writes = await openMixedWrites(cluster, { people, titlePrefix: "Kill" });
    const lanes = cluster.nodes.length * LANES_PER_NODE;
    const half = (await capacityOf(writes.send, WRITERS)) / 2;
    const rate = Math.max(Math.min(plan.rate, half), WRITES_PER_NODE * cluster.nodes.length);
    progress(`${count(rate)} writes a second`);
    const load = openLoad({ send: writes.send, rate, concurrency: lanes });
    const quietMs = (options.seconds ?? plan.quietSeconds) * 1_000;
    const backMs = await killOften(ground, cluster, writes, plan.kills, quietMs);
    const report = await load.stop();
    progress(`answers ${statusesText(report.statuses)}; p99 ${report.times.percentile(0.99).toFixed(0)} ms`);
    const equality = await untilEqual(cluster, EQUAL_MS_MAX);
    const finding = await writes.check();

    const counts = writes.ledger.counts();
    checks.measure("kills", plan.kills, `${plan.kills} kills`);
    checks.measure("acknowledged", counts.acknowledged, `${count(counts.acknowledged)} acknowledged`);
    checks.measure("lost", finding.lost, `${finding.lost} lost`);
    checks.measure("twice", finding.extra, `${finding.extra} twice`);
    checks.measure("refused", counts.refused, `${count(counts.refused)} refused`);
    checks.measure("unknown", counts.unknown, `${count(counts.unknown)} unknown`);
    checks.measure("repeated", writes.repeated(), `${count(writes.repeated())} sent again by key`);
    checks.measure(
      "backMs",
      Math.max(...backMs),
      `back on every node in ${inSeconds(Math.max(...backMs))} (at most)`,
    );
    checks.measure("rows", equality.rows, `${count(equality.rows)} rows of ${equality.tables} tables`);
    checks.measure("equalMs", equality.ms, `replicas equal after ${inSeconds(equality.ms)}`);
    checks.require(counts.acknowledged > 0, "no write was acknowledged");
    checks.require(
      finding.lost === 0,
      `${finding.lost} acknowledged writes are lost: ${finding.examples.join("; ")}`,
    );
    checks.require(finding.extra === 0, `${finding.extra} too many: ${finding.examples.join("; ")}`);
    checks.require(Math.max(...backMs) <= BACK_MS_MAX, "writes were not back in 5 s");
    checks.require(equality.differing.length === 0, `replicas differ: ${equality.differing.join("; ")}`);
    for (const [words, times] of writes.unexpected()) checks.require(false, `${times} times ${words}`);
  },
};

/** Kills sqld and waits until every node has written again, so many times; returns the waits. */
async function killOften(
  { progress }: DrillContext,
  cluster: Cluster,
  writes: MixedWrites,
  kills: number,
  quietMs: number,
): Promise<number[]> {
  const waits: number[] = [];
  for (let kill = 1; kill <= kills; kill += 1) {
    await Bun.sleep(quietMs);
    const pid = cluster.primaryPid();
    if (pid === null) throw new Error("there is no primary to kill");
    process.kill(pid, "SIGKILL");
    const watch = writes.watch();
    await until("every node writes again", GIVE_UP_MS, () => watch.firstMs().every((ms) => ms !== null));
    const times = watch.firstMs().map(Number);
    progress(`kill ${kill}: back in ${inSeconds(Math.min(...times))} to ${inSeconds(Math.max(...times))}`);
    waits.push(Math.max(...times));
  }
  await Bun.sleep(quietMs);
  return waits;
}
