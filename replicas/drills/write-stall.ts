// Drill: many writers drive a fresh primary past its first thousand commits, where writes could hang for good.
import { join } from "node:path";
import { DatabaseError } from "../../db/errors.ts";
import { freePorts } from "../../db/ports.ts";
import { openRemote } from "../../db/server/remote.ts";
import { initDataset } from "../primary/dataset.ts";
import { makeToken, readKeys } from "../primary/keys.ts";
import { probe } from "../primary/probe.ts";
import { startSqld } from "../primary/sqld.ts";
import { count, type Drill, type DrillContext, inSeconds, until } from "./drill.ts";
import { type Histogram, openHistogram } from "./traffic/histogram.ts";

const FULL_TIMES = 50;
const SHORT_TIMES = 5;
const WRITERS = 12;
/** Of all writers together; the hang comes just before the thousandth. */
const COMMITS = 1_200;
const STALL_MS = 10_000;
/** Longer than a stall, so that one is seen and not given up. */
const PATIENCE = { commitMs: 15_000, deadlineMs: 20_000 };
const UP_MS_MAX = 20_000;
const PROBE_MS = 1_000;
const END_MS = 5_000;
const WRITE =
  "INSERT INTO audit (at, actor_kind, action, subject, detail) VALUES (0, 'system', 'drill', ?, '{}')";
const COUNT = "SELECT count(*) FROM audit WHERE action = 'drill'";

/** What one time brought. */
type Round = { commits: number; there: number; busy: number; failures: Map<string, number> };

/** Row 11: no write stall. */
export const writeStall: Drill = {
  name: "write-stall",
  about:
    "1,000 commits by 12 concurrent writers, 50 times, each on a fresh primary: no commit takes more than 10 s",
  secondsMax: ({ isShort }) => (isShort ? 120 : 900),
  async run(ground) {
    const { options, checks, progress } = ground;
    const times = options.isShort ? SHORT_TIMES : FULL_TIMES;
    const took = openHistogram();
    const total = { commits: 0, busy: 0 };
    for (let time = 1; time <= times; time += 1) {
      const round = await writeOnce(ground, time, took);
      total.commits += round.commits;
      total.busy += round.busy;
      const failures = [...round.failures].map(([why, often]) => `${often} times ${why}`);
      checks.require(failures.length === 0, `time ${time}: ${failures.join(", ")}`);
      checks.require(
        round.there === round.commits,
        `time ${time}: ${round.there} rows of ${round.commits} commits`,
      );
      if (time % 5 === 0) progress(`${time} times: the longest commit took ${took.max().toFixed(0)} ms`);
    }
    checks.measure("times", times, `${times} times ${WRITERS} writers`);
    checks.measure("commits", total.commits, `${count(total.commits)} commits`);
    checks.measure("busy", total.busy, `${count(total.busy)} refused as busy and sent again`);
    checks.measure("p50Ms", took.percentile(0.5), `p50 ${took.percentile(0.5).toFixed(1)} ms`);
    checks.measure("p99Ms", took.percentile(0.99), `p99 ${took.percentile(0.99).toFixed(0)} ms`);
    checks.measure("maxMs", took.max(), `at most ${inSeconds(took.max())}`);
    checks.require(took.max() <= STALL_MS, "a commit took more than 10 s");
  },
};

async function writeOnce({ folder, children }: DrillContext, time: number, took: Histogram): Promise<Round> {
  const [port = 0] = freePorts(1);
  const [data, keysFolder] = [join(folder, `${time}`), join(folder, `${time}-keys`)];
  initDataset({ data, keys: keysFolder });
  const keys = readKeys(keysFolder);
  const listen = `127.0.0.1:${port}`;
  const child = startSqld(children, { data, publicKeyPath: keys.publicPath, listen }, () => undefined);
  const server = { url: `http://${listen}`, authToken: makeToken(keys, { kind: "write" }, Date.now()) };
  await until(
    "the primary answers",
    UP_MS_MAX,
    async () => (await probe(server.url, server.authToken, PROBE_MS)).ok,
  );
  const doors = Array.from({ length: WRITERS }, () => openRemote(server, PATIENCE));
  const round: Round = { commits: 0, there: 0, busy: 0, failures: new Map() };
  const writer = async (db: (typeof doors)[number], name: number): Promise<void> => {
    for (let at = 0; at < COMMITS / WRITERS; at += 1) {
      const startedAt = performance.now();
      try {
        await db.write([{ sql: WRITE, args: [`${name} ${at}`] }], crypto.randomUUID());
        round.commits += 1;
      } catch (thrown) {
        const isBusy = thrown instanceof DatabaseError && thrown.kind === "busy";
        const why = thrown instanceof Error ? thrown.message : String(thrown);
        if (isBusy) round.busy += 1;
        else round.failures.set(why, (round.failures.get(why) ?? 0) + 1);
      }
      took.add(performance.now() - startedAt);
    }
  };
  await Promise.all(doors.map(writer));
  const [rows] = (await doors[0]?.scan([{ sql: COUNT }])) ?? [];
  round.there = Number(rows?.[0]?.[0]);
  await Promise.all(doors.map((db) => db.close()));
  await children.end(child, END_MS, "SIGKILL");
  return round;
}
