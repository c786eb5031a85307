// The drill of a checkpoint with much log: writes wait until it is over, and none is refused.
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../db/until.ts";
import { readMetrics, sumOfMetric } from "./checks/metrics.ts";
import { checkWrites } from "./checks/writes.ts";
import type { Cluster } from "./cluster.ts";
import { type Drill, type DrillContext, sizeOf, textOf } from "./drill.ts";
import { request, signInAccounts } from "./traffic/client.ts";
import { errorsText, openLoad } from "./traffic/load.ts";
import { openMixedWrites } from "./traffic/mixed-writes.ts";

const MB = 1_000_000;
const LOG_BYTES = 64 * MB;
const WRITES_PER_SECOND = { full: 60, short: 40 };
const CUSTOMERS = 3;
const CONCURRENCY = 300;
const GIVE_UP_MS = 30_000;
/** sqld's own come every 30 s. */
const CHECKPOINT_MS_MAX = 60_000;
/** A breaker stays open for a second at least. */
const BREAKERS_EVERY_MS = 300;
const AFTER_MS = 1_500;

/** A thousand rows of 4 kB; each `REFILL` changes all of them, so the log grows, and not the database. */
const FILL = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
INSERT INTO audit (at, actor_kind, action, subject, detail) SELECT 0, 'system', 'log', i, json_object('x', ?) FROM n`;
const REFILL = "UPDATE audit SET detail = json_object('x', ?) WHERE action = 'log'";
const ROW_BYTES = 4_000;

export const checkpoint: Drill = {
  name: "checkpoint",
  about:
    "a checkpoint of sqld with 64 MB of log under writes from every node: they wait for it, none is refused, no circuit breaker opens",
  async run(context) {
    const { options, checks, progress } = context;
    const cluster = await context.boot();
    const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
    const writes = await openMixedWrites(cluster, { accounts, titlePrefix: "Checkpoint" });
    await fillLog(cluster);
    const load = openLoad({
      send: writes.send,
      rate: sizeOf(options, WRITES_PER_SECOND),
      concurrency: CONCURRENCY,
    });
    await writes.untilEveryNodeWrites(GIVE_UP_MS);
    const breakers = watchBreakers(cluster);
    const bytes = logBytes(cluster.primaryFile);
    progress(`${(bytes / MB).toFixed(0)} MB of log`);
    const beganAt = performance.now();
    // The short form does not wait for sqld's own.
    if (options.isShort) await runCheckpoint(context, cluster);
    await until("the log is in the database", () => logBytes(cluster.primaryFile) < bytes, CHECKPOINT_MS_MAX);
    progress(`the log is in the database after ${textOf(performance.now() - beganAt, "ms")}`);
    await Bun.sleep(AFTER_MS);
    const report = await load.stop();
    checks.measure("MB of log", bytes / MB);
    checks.measure("p99 of writes", report.times.percentile(0.99), "ms");
    checks.measure("the slowest write", report.times.max(), "ms");
    checks.none("writes refused", errorsText(report) === "" ? [] : [errorsText(report)]);
    checks.none("open breakers", await breakers.stop());
    await checkWrites(checks, cluster, writes);
  },
};

/** The size of the log that the next checkpoint moves into the database; one since may have emptied it. */
const logBytes = (primaryFile: string): number => statSync(`${primaryFile}-wal`).size;

async function fillLog({ database, primaryFile }: Cluster): Promise<void> {
  const write = (sql: string) =>
    database.write([{ sql, args: [randomBytes(ROW_BYTES / 2).toString("hex")] }], crypto.randomUUID());
  await write(FILL);
  while (logBytes(primaryFile) < LOG_BYTES) await write(REFILL);
}

async function runCheckpoint({ children }: DrillContext, { primaryFile }: Cluster): Promise<void> {
  const program = [process.execPath, join(import.meta.dir, "traffic", "checkpoint.ts"), primaryFile];
  const code = await children.start(program, { env: {}, outPath: null }).exited;
  if (code !== 0) throw new Error(`the checkpoint ended with code ${code}`);
}

/** Looks at the breakers of all nodes and of the door again and again. */
function watchBreakers(cluster: Cluster): { stop(): Promise<string[]> } {
  const open = new Set<string>();
  let isStopping = false;
  const look = async (): Promise<void> => {
    for (const { name, url } of cluster.nodes) {
      const { text } = await request(url, { path: "/readyz?verbose" });
      const { writeDoor } = JSON.parse(text) as { writeDoor: { breaker: string } };
      if (writeDoor.breaker !== "closed") open.add(name);
    }
    if (sumOfMetric(await readMetrics(cluster.primary.url), "insole_door_breaker_open") > 0)
      open.add("the door");
  };
  const watching = (async () => {
    for (; !isStopping; await Bun.sleep(BREAKERS_EVERY_MS)) await look();
  })();
  watching.catch(() => {});
  return {
    async stop() {
      isStopping = true;
      await watching;
      return [...open];
    },
  };
}
