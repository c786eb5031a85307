// The drill of a door that is killed again and again: sqld and every replica go on where they were.
import { until } from "../../db/until.ts";
import { notContinued, positionsOf } from "./checks/full-copies.ts";
import { checkResponses } from "./checks/responses.ts";
import { checkWrites } from "./checks/writes.ts";
import type { Cluster } from "./cluster.ts";
import { type Drill, type DrillContext, secondsOf, sizeOf, textOf } from "./drill.ts";
import { signInAccounts } from "./traffic/client.ts";
import { openLoad, statusesText } from "./traffic/load.ts";
import { type MixedWrites, openMixedWrites } from "./traffic/mixed-writes.ts";
import { browse } from "./traffic/reads.ts";

const KILLS = { full: 8, short: 2 };
const WRITES_PER_SECOND = { full: 60, short: 40 };
const READS_PER_SECOND = { full: 300, short: 100 };
/** Between the recovery from one kill and the next. */
const QUIET_SECONDS = { full: 3, short: 1 };
const CUSTOMERS = 3;
const WRITE_CONCURRENCY = 300;
const READ_CONCURRENCY = 64;
const BACK_MS_MAX = 2_000;
const GIVE_UP_MS = 30_000;

export const killDoor: Drill = {
  name: "kill-door",
  about:
    "kill -9 of the primary's door, 8 times, under writes from every node: sqld stays, no replica is fetched again, no read fails, no acknowledged write is lost or done twice, every node writes again within 2 s",
  async run(context) {
    const { options, checks, progress } = context;
    const kills = sizeOf(options, KILLS);
    const cluster = await context.boot();
    const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
    const writes = await openMixedWrites(cluster, { accounts, titlePrefix: "Door" });
    const sqld = cluster.primaryPid();
    const writing = openLoad({
      send: writes.send,
      rate: sizeOf(options, WRITES_PER_SECOND),
      concurrency: WRITE_CONCURRENCY,
    });
    const reading = openLoad({
      send: browse(cluster),
      rate: sizeOf(options, READS_PER_SECOND),
      concurrency: READ_CONCURRENCY,
    });
    await writes.untilEveryNodeWrites(GIVE_UP_MS);
    const { waits, restarted } = await killOften(context, cluster, writes, kills);
    const reads = await reading.stop();
    const { statuses, times } = await writing.stop();
    progress(`writes ${statusesText(statuses)}; p99 ${textOf(times.percentile(0.99), "ms")}`);
    checks.measure("kills", kills);
    checks.atMost("every node writes again after", Math.max(...waits), BACK_MS_MAX, "ms");
    checks.require(
      cluster.primaryPid() === sqld,
      `sqld was ${sqld} before and is ${cluster.primaryPid()} afterwards`,
    );
    checks.none("replicas that did not go on in their log", restarted);
    checkResponses(checks, "reads", reads);
    await checkWrites(checks, cluster, writes);
  },
};

/**
 * Kills the door so many times. Returns how long writes took to come back each time, and the replicas that began a new log
 * after one of the kills, as when they fetch the whole database again.
 */
async function killOften(
  { options, progress }: DrillContext,
  cluster: Cluster,
  writes: MixedWrites,
  kills: number,
): Promise<{ waits: number[]; restarted: string[] }> {
  const quietMs = secondsOf(options, QUIET_SECONDS) * 1_000;
  const waits: number[] = [];
  const restarted: string[] = [];
  for (let kill = 1; kill <= kills; kill += 1) {
    await Bun.sleep(quietMs);
    const pid = cluster.doorPid();
    if (pid === null) throw new Error("there is no door to kill");
    const positions = positionsOf(cluster);
    process.kill(pid, "SIGKILL");
    const times = await writes.untilEveryNodeWrites(GIVE_UP_MS);
    await until("another door runs", () => ![null, pid].includes(cluster.doorPid()), GIVE_UP_MS);
    progress(`kill ${kill}: nodes write again after ${times.map((ms) => textOf(ms, "ms")).join(", ")}`);
    waits.push(Math.max(...times));
    await Bun.sleep(quietMs);
    restarted.push(...notContinued(positions, positionsOf(cluster)));
  }
  return { waits, restarted };
}
