// The drill of many writers on a fresh primary: sqld once stopped committing for good just before commit 1,000.
import { join } from "node:path";
import { DatabaseError } from "../../db/errors.ts";
import { messageOf } from "../../db/message.ts";
import { freePort } from "../../db/ports.ts";
import { openRemote } from "../../db/server/remote.ts";
import { until } from "../../db/until.ts";
import { initDataset } from "../primary/dataset.ts";
import { probe } from "../primary/probe.ts";
import { startSqld } from "../primary/sqld.ts";
import { type Drill, type DrillContext, sizeOf, textOf } from "./drill.ts";
import { openTimes, type Times } from "./traffic/times.ts";

const ROUNDS = { full: 50, short: 5 };
const WRITERS = 12;
/** Of all writers of a round together. */
const COMMITS = 1_200;
const STALL_MS = 10_000;
/** Longer than a stall, so that a stalled commit is measured and not given up. */
const TIMEOUTS = { commitMs: 15_000, deadlineMs: 20_000 };
const UP_MS_MAX = 20_000;
const PROBE_MS = 1_000;
const END_MS = 5_000;
const PROGRESS_EVERY = 5;
const WRITE =
  "INSERT INTO audit (at, actor_kind, action, subject, detail) VALUES (0, 'system', 'drill', ?, '{}')";
const COUNT = "SELECT count(*) FROM audit WHERE action = 'drill'";

/** Counts of all rounds. */
type Counts = { commits: number; busy: number; times: Times; errors: string[] };

export const writeStall: Drill = {
  name: "write-stall",
  about:
    "1,200 commits by 12 concurrent writers, 50 times, each on a fresh primary: no commit takes more than 10 s",
  async run(context) {
    const { options, checks, progress } = context;
    const rounds = sizeOf(options, ROUNDS);
    const counts: Counts = { commits: 0, busy: 0, times: openTimes(), errors: [] };
    for (let round = 1; round <= rounds; round += 1) {
      await runRound(context, round, counts);
      if (round % PROGRESS_EVERY === 0)
        progress(`${round} rounds: the longest commit took ${textOf(counts.times.max(), "ms")}`);
    }
    checks.measure(`rounds of ${WRITERS} writers`, rounds);
    checks.measure("commits", counts.commits);
    checks.measure("refused as busy", counts.busy);
    checks.measure("p50", counts.times.percentile(0.5), "ms");
    checks.measure("p99", counts.times.percentile(0.99), "ms");
    checks.atMost("longest commit", counts.times.max(), STALL_MS, "ms");
    checks.none("errors", counts.errors);
  },
};

/** Starts a fresh primary, writes to it, compares its rows with the acknowledged commits, and ends it. */
async function runRound({ folder, children }: DrillContext, round: number, counts: Counts): Promise<void> {
  const data = join(folder, `${round}`);
  initDataset({ data, keys: join(folder, `${round}-keys`) });
  const { child, life } = startSqld(children, { data, port: freePort() }, () => undefined);
  const server = { url: life.url, authToken: life.writeToken };
  const isUp = async () => (await probe(server.url, server.authToken, PROBE_MS)).ok;
  await until("the primary is up", isUp, UP_MS_MAX);
  let commits = 0;
  const writeAll = async (writer: number): Promise<void> => {
    const db = openRemote(server, TIMEOUTS);
    for (let number = 0; number < COMMITS / WRITERS; number += 1) {
      const startedAt = performance.now();
      try {
        await db.write([{ sql: WRITE, args: [`${writer} ${number}`] }], crypto.randomUUID());
        commits += 1;
      } catch (thrown) {
        if (thrown instanceof DatabaseError && thrown.kind === "busy") counts.busy += 1;
        else counts.errors.push(messageOf(thrown));
      }
      counts.times.add(performance.now() - startedAt);
    }
    await db.close();
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeAll(writer)));
  const db = openRemote(server, TIMEOUTS);
  const [found] = await db.scan([{ sql: COUNT }]);
  const rows = Number(found?.[0]?.[0]);
  if (rows !== commits) counts.errors.push(`round ${round}: ${rows} rows of ${commits} commits`);
  counts.commits += commits;
  await db.close();
  await children.end(child, END_MS, "SIGKILL");
}
