// The drill of sessions that hop between nodes: whoever sends a version back never reads less than the own last write.

import type { Cluster } from "./cluster.ts";
import { count, type Drill, type DrillContext, type DrillOptions } from "./drill.ts";
import { signInAccounts } from "./traffic/client.ts";
import { type Histogram, openHistogram } from "./traffic/histogram.ts";
import { isFailure } from "./traffic/load.ts";
import { pick, random } from "./traffic/random.ts";
import { openSession, type Session } from "./traffic/session.ts";

const NODES = { full: 12, short: 4 };
const SESSIONS = { full: 200, short: 60 };
const OPERATIONS = { full: 50_000, short: 6_000 };
/** The short form has a third of the nodes, and half of the writes. */
const WRITES_PER_SECOND = { full: 100, short: 50 };
/** The rate counts as reached with this share of it. */
const RATE_SHARE = 0.9;
const CUSTOMERS = 8;
const OPENED_AT_ONCE = 16;
const ANYBODY_SHARE = 0.15;
const EXAMPLES_MAX = 3;
const SHOWN = 300;

type Tally = {
  operations: number;
  writes: number;
  reads: number;
  older: number;
  /** Of the older ones, those that said so themselves: the primary could not be asked in time. */
  behind: number;
  failed: number;
  examples: { older: string[]; failed: string[] };
  times: { reads: Histogram; writes: Histogram };
};

const sizeOf = ({ isShort }: DrillOptions, sizes: { full: number; short: number }): number =>
  isShort ? sizes.short : sizes.full;

/** Sessions write and read anywhere, directly and through the edge, and must always see what they did. */
export const hopping: Drill = {
  name: "hopping",
  about:
    "200 sessions hop over the nodes and the edge with their versions: no read is older than the own last write",
  secondsMax: (options) => 120 + sizeOf(options, OPERATIONS) / 100,
  async run(ground) {
    const { options, progress } = ground;
    const cluster = await ground.boot(options.nodes ?? sizeOf(options, NODES));
    const sessions = await openSessions(cluster, sizeOf(options, SESSIONS));
    progress(`${sessions.length} sessions are open`);
    const places = [...cluster.nodes.map(({ url }) => url), ...cluster.nodes.map(() => cluster.edge)];
    const tally: Tally = {
      operations: 0,
      writes: 0,
      reads: 0,
      older: 0,
      behind: 0,
      failed: 0,
      examples: { older: [], failed: [] },
      times: { reads: openHistogram(), writes: openHistogram() },
    };
    const startedAt = performance.now();
    const [wanted, rate] = [sizeOf(options, OPERATIONS), sizeOf(options, WRITES_PER_SECOND)];
    await Promise.all(sessions.map((session) => hop(session, { tally, places, startedAt, wanted, rate })));
    judgeTally(ground, tally, (performance.now() - startedAt) / 1_000);
  },
};

async function openSessions(cluster: Cluster, size: number): Promise<Session[]> {
  const [admin, ...customers] = await signInAccounts(cluster.edge, CUSTOMERS);
  const sessions: Session[] = [];
  for (let at = 0; at < size; at += OPENED_AT_ONCE)
    sessions.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(OPENED_AT_ONCE, size - at) }, (_, number) =>
          openSession(at + number, cluster.edge, pick(customers, at + number), admin),
        ),
      )),
    );
  return sessions;
}

type Hop = { tally: Tally; places: readonly string[]; startedAt: number; wanted: number; rate: number };

/** One thing after the other, each somewhere else, until all have done enough; a write when one is due, and then a read. */
async function hop(session: Session, { tally, places, startedAt, wanted, rate }: Hop): Promise<void> {
  let hasWritten = false;
  while (tally.operations < wanted) {
    const number = tally.operations;
    tally.operations += 1;
    const place = pick(places, number, 8);
    const due = ((performance.now() - startedAt) / 1_000) * rate;
    const isWriting: boolean = !hasWritten && tally.writes < due;
    if (isWriting) await write(session, place, number, tally);
    else if (!hasWritten && random(number, 9) < ANYBODY_SHARE) {
      if (isFailure(await session.anybody(place, number))) tally.failed += 1;
    } else await read(session, place, number, tally);
    hasWritten = isWriting;
  }
}

async function write(session: Session, place: string, number: number, tally: Tally): Promise<void> {
  tally.writes += 1;
  const { status, failure, text, ms } = await session.write(place, number);
  tally.times.writes.add(ms);
  if (status >= 200 && status < 300) return;
  tally.failed += 1;
  example(tally.examples.failed, `a write got ${failure ?? status}: ${text.slice(0, SHOWN)}`);
}

async function read(session: Session, place: string, number: number, tally: Tally): Promise<void> {
  tally.reads += 1;
  const { answer, freshness, path, wanted } = await session.read(place, number);
  tally.times.reads.add(answer.ms);
  if (freshness === "shown") return;
  const from = `${path} at ${place} (${answer.headers.get("cache-status")})`;
  if (freshness === "older") {
    tally.older += 1;
    const isSaid = from.includes("detail=behind");
    if (isSaid) tally.behind += 1;
    // What did not even say so is worth more than any other.
    if (!isSaid && tally.behind > 0 && tally.examples.older.length === EXAMPLES_MAX)
      tally.examples.older.shift();
    example(tally.examples.older, `${from} after ${wanted} was ${answer.text.slice(0, SHOWN)}`);
  } else {
    tally.failed += 1;
    example(tally.examples.failed, `${from} was ${answer.failure ?? answer.status}`);
  }
}

function example(examples: string[], words: string): void {
  if (examples.length < EXAMPLES_MAX) examples.push(words);
}

function judgeTally({ checks, options }: DrillContext, tally: Tally, seconds: number): void {
  const { operations, writes, reads, older, behind, failed, examples, times } = tally;
  const pace = writes / seconds;
  checks.measure("operations", operations, `${count(operations)} operations`);
  checks.measure(
    "reads",
    reads,
    `${count(reads)} reads with a version, p99 ${times.reads.percentile(0.99).toFixed(0)} ms`,
  );
  checks.measure(
    "writesPerSecond",
    pace,
    `${count(pace)} writes/s, p99 ${times.writes.percentile(0.99).toFixed(0)} ms`,
  );
  checks.measure("older", older, `${older} older than the own last write (${behind} said so)`);
  checks.measure("failed", failed, `${failed} failed`);
  checks.require(
    older === 0,
    `${older} reads were older than the own last write: ${examples.older.join("; ")}`,
  );
  checks.require(failed === 0, `${failed} failed: ${examples.failed.join("; ")}`);
  checks.require(
    pace >= sizeOf(options, WRITES_PER_SECOND) * RATE_SHARE,
    `only ${count(pace)} writes a second`,
  );
}
