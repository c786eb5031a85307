// The drill of a primary that is killed again and again while every node writes: promises 1 and 4 (replicas/README.md).
import { checkWrites } from "./checks/writes.ts";
import type { Cluster } from "./cluster.ts";
import { type Drill, type DrillContext, secondsOf, sizeOf, textOf } from "./drill.ts";
import { signInAccounts } from "./traffic/client.ts";
import { capacityOf, openLoad, statusesText } from "./traffic/load.ts";
import { type MixedWrites, openMixedWrites } from "./traffic/mixed-writes.ts";

const KILLS = { full: 10, short: 3 };
const WRITES_PER_SECOND = { full: 200, short: 100 };
/** Between the recovery from one kill and the next. */
const QUIET_SECONDS = { full: 3, short: 1 };
const CUSTOMERS = 3;
const CONCURRENCY_PER_NODE = 12;
const CAPACITY_CONCURRENCY = 24;
/** The time until a node writes again is measured no finer than its writes come. */
const WRITES_PER_NODE_MIN = 4;
const BACK_MS_MAX = 5_000;
const GIVE_UP_MS = 30_000;

export const killPrimary: Drill = {
  name: "kill-primary",
  about:
    "kill -9 of the primary, 10 times, under mixed writes from every node: no acknowledged write is lost, none is done twice for one Idempotency-Key, every node writes again within 5 s, every replica equals the primary 30 s later",
  async run(context) {
    const { options, checks, progress } = context;
    const kills = sizeOf(options, KILLS);
    const cluster = await context.boot();
    const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
    const writes = await openMixedWrites(cluster, { accounts, titlePrefix: "Kill" });
    const half = (await capacityOf(writes.send, CAPACITY_CONCURRENCY)) / 2;
    const nodes = cluster.nodes.length;
    const rate = Math.max(Math.min(sizeOf(options, WRITES_PER_SECOND), half), WRITES_PER_NODE_MIN * nodes);
    progress(`${textOf(rate, "/s")} writes`);
    const load = openLoad({ send: writes.send, rate, concurrency: nodes * CONCURRENCY_PER_NODE });
    const backMs = Math.max(...(await killOften(context, cluster, writes, kills)));
    const { statuses, times } = await load.stop();
    progress(`responses ${statusesText(statuses)}; p99 ${textOf(times.percentile(0.99), "ms")}`);
    checks.measure("kills", kills);
    checks.atMost("every node writes again after", backMs, BACK_MS_MAX, "ms");
    await checkWrites(checks, cluster, writes);
  },
};

/** Kills sqld so many times, and each time waits until every node writes again; returns the longest wait of each. */
async function killOften(
  { options, progress }: DrillContext,
  cluster: Cluster,
  writes: MixedWrites,
  kills: number,
): Promise<number[]> {
  const quietMs = secondsOf(options, QUIET_SECONDS) * 1_000;
  const waits: number[] = [];
  for (let kill = 1; kill <= kills; kill += 1) {
    await Bun.sleep(quietMs);
    const pid = cluster.primaryPid();
    if (pid === null) throw new Error("there is no primary to kill");
    process.kill(pid, "SIGKILL");
    const times = await writes.untilEveryNodeWrites(GIVE_UP_MS);
    progress(`kill ${kill}: nodes write again after ${times.map((ms) => textOf(ms, "ms")).join(", ")}`);
    waits.push(Math.max(...times));
  }
  await Bun.sleep(quietMs);
  return waits;
}
