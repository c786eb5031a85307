// The drill of a killed primary while nodes fetch their first copy: what one life of sqld sent never goes into the next.
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { must } from "../../db/must.ts";
import { checkWrites } from "./checks/writes.ts";
import type { Cluster, ClusterNode } from "./cluster.ts";
import { type Drill, type DrillContext, secondsOf, sizeOf, textOf } from "./drill.ts";
import { signInAccounts } from "./traffic/client.ts";
import { openLoad, statusesText } from "./traffic/load.ts";
import { type MixedWrites, openMixedWrites } from "./traffic/mixed-writes.ts";

const ROUNDS = { full: 3, short: 1 };
const WRITES_PER_SECOND = { full: 60, short: 40 };
/** Before a round and after it. */
const QUIET_SECONDS = { full: 2, short: 1 };
const CUSTOMERS = 3;
const CONCURRENCY = 300;
const GIVE_UP_MS = 60_000;

export const killPrimaryFresh: Drill = {
  name: "kill-primary-fresh",
  about:
    "kill -9 of the primary under writes from every node, 3 times, when one node has just fetched its first copy and another begins to: every replica equals the primary row by row, no acknowledged write is lost",
  async run(context) {
    const { options, checks, progress } = context;
    const rounds = sizeOf(options, ROUNDS);
    const cluster = await context.boot();
    const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
    const writes = await openMixedWrites(cluster, { accounts, titlePrefix: "Fresh" });
    const load = openLoad({
      send: writes.send,
      rate: sizeOf(options, WRITES_PER_SECOND),
      concurrency: CONCURRENCY,
    });
    const waits: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      waits.push(await killAmongFresh(context, cluster, writes, round));
      progress(
        `round ${round + 1}: every node writes again after ${textOf(must(waits.at(-1), "a wait"), "ms")}`,
      );
    }
    const { statuses } = await load.stop();
    progress(`responses ${statusesText(statuses)}`);
    checks.measure("kills", rounds);
    checks.measure("every node writes again after", Math.max(...waits), "ms");
    await checkWrites(checks, cluster, writes);
  },
};

/**
 * Kills sqld when one fresh node is ready and another one starts. Returns how long it then takes until every node writes, in
 * milliseconds.
 */
async function killAmongFresh(
  { options }: DrillContext,
  cluster: Cluster,
  writes: MixedWrites,
  round: number,
): Promise<number> {
  const quietMs = secondsOf(options, QUIET_SECONDS) * 1_000;
  await Bun.sleep(quietMs);
  const [one, other] = [0, 1].map((at) =>
    must(cluster.nodes[(2 * round + at) % cluster.nodes.length], "the node"),
  ) as [ClusterNode, ClusterNode];
  await empty(cluster, [one, other]);
  // What it fetches may be shared with the other one, but only as long as this sqld lives.
  await cluster.startNodes([one]);
  const pid = must(cluster.primaryPid(), "the primary to kill");
  const starting = cluster.startNodes([other]);
  process.kill(pid, "SIGKILL");
  await starting;
  const waits = await writes.untilEveryNodeWrites(GIVE_UP_MS);
  await Bun.sleep(quietMs);
  return Math.max(...waits);
}

/** Kills these nodes and removes all that they have stored. */
async function empty({ control, replicaOf }: Cluster, nodes: readonly ClusterNode[]): Promise<void> {
  // By the cluster, which then knows that they have ended.
  await control("--kill", nodes.map(({ name }) => name).join(","));
  for (const { name } of nodes) rmSync(dirname(replicaOf(name)), { recursive: true, force: true });
}
