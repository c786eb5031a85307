// The drill of sessions that change the node with every request: promise 2 (replicas/README.md).
import { readVersionedReads, sharesBetween } from "./checks/versioned-reads.ts";
import type { Cluster } from "./cluster.ts";
import { type Drill, sizeOf } from "./drill.ts";
import { signInAccounts, statusOf } from "./traffic/client.ts";
import { inParallel, isFailure } from "./traffic/load.ts";
import { pick, random } from "./traffic/random.ts";
import { openSession, type Session } from "./traffic/session.ts";
import { openTimes } from "./traffic/times.ts";

/** As many in the short form as two cores serve within the time that a read waits for its version. */
const SESSIONS = { full: 200, short: 24 };
const OPERATIONS = { full: 50_000, short: 6_000 };
/** The short form has a third of the nodes, and half of the writes. */
const WRITES_PER_SECOND = { full: 100, short: 50 };
/** The rate counts as reached with this share of it. */
const RATE_SHARE = 0.9;
const CUSTOMERS = 8;
const OPENING_CONCURRENCY = 16;
const WITHOUT_VERSION_SHARE = 0.15;
const TEXT_MAX = 300;

export const hopping: Drill = {
  name: "hopping",
  about:
    "200 sessions send their versions to changing nodes and the edge: no read is older than the session's own last write",
  async run({ options, checks, progress, boot }) {
    const cluster = await boot();
    const sessions = await openSessions(cluster, sizeOf(options, SESSIONS));
    progress(`${sessions.length} sessions are open`);
    const counts = openCounts();
    const foundBefore = await readVersionedReads(cluster);
    const bases = cluster.nodes.flatMap(({ url }) => [url, cluster.edge]);
    const startedAt = performance.now();
    const secondsSince = () => (performance.now() - startedAt) / 1_000;
    const operations = sizeOf(options, OPERATIONS);
    const rateWanted = sizeOf(options, WRITES_PER_SECOND);
    const isWriteDue = () => counts.writes < secondsSince() * rateWanted;
    await Promise.all(sessions.map((session) => hop(session, { counts, bases, operations, isWriteDue })));

    const { readTimes, writeTimes, older, behind, failed } = counts;
    const rate = counts.writes / secondsSince();
    const found = sharesBetween(foundBefore, await readVersionedReads(cluster));
    checks.measure("operations", counts.operations);
    checks.measure("reads with a version", readTimes.count());
    checks.measure("p99 of reads", readTimes.percentile(0.99), "ms");
    checks.measure("found at once at the node, a share of", found.here);
    checks.measure("there after a wait", found.waited);
    checks.measure("at the primary", found.primary);
    checks.measure("writes", rate, "/s");
    checks.measure("p99 of writes", writeTimes.percentile(0.99), "ms");
    checks.none("older than the session's last write", [...older, ...behind]);
    checks.measure("of these with detail=behind", behind.length);
    checks.none("failed requests", failed);
    checks.require(rate >= rateWanted * RATE_SHARE, `only ${rate.toFixed(0)} writes a second`);
  },
};

async function openSessions({ edge }: Cluster, size: number): Promise<Session[]> {
  const [admin, ...customers] = await signInAccounts(edge, CUSTOMERS);
  const sessions: Session[] = [];
  await inParallel(Array(size).keys(), OPENING_CONCURRENCY, async (number) => {
    sessions.push(await openSession(number, edge, pick(customers, number), admin));
  });
  return sessions;
}

type Counts = ReturnType<typeof openCounts>;
const openCounts = () => ({
  operations: 0,
  writes: 0,
  readTimes: openTimes(),
  writeTimes: openTimes(),
  older: [] as string[],
  /** Older too, but with `detail=behind`: the primary did not answer in time. */
  behind: [] as string[],
  failed: [] as string[],
});

type Hop = { counts: Counts; bases: readonly string[]; operations: number; isWriteDue(): boolean };

/** Sends one request after the other, each elsewhere: a write when one is due, and a read after each write. */
async function hop(session: Session, { counts, bases, operations, isWriteDue }: Hop): Promise<void> {
  let hasWritten = false;
  while (counts.operations < operations) {
    const number = counts.operations;
    counts.operations += 1;
    const base = pick(bases, number, 8);
    const isWrite: boolean = !hasWritten && isWriteDue();
    if (isWrite) await write(session, base, number, counts);
    else if (!hasWritten && random(number, 9) < WITHOUT_VERSION_SHARE) {
      const response = await session.readWithoutVersion(base, number);
      if (isFailure(response)) counts.failed.push(`a read without a version got ${statusOf(response)}`);
    } else await read(session, base, number, counts);
    hasWritten = isWrite;
  }
}

async function write(session: Session, base: string, number: number, counts: Counts): Promise<void> {
  counts.writes += 1;
  const response = await session.write(base, number);
  counts.writeTimes.add(response.ms);
  if (response.status < 200 || response.status > 299)
    counts.failed.push(`a write got ${statusOf(response)}: ${response.text.slice(0, TEXT_MAX)}`);
}

async function read(session: Session, base: string, number: number, counts: Counts): Promise<void> {
  const { response, freshness, path, expected } = await session.read(base, number);
  counts.readTimes.add(response.ms);
  if (freshness === "fresh") return;
  const from = `${path} at ${base} (${response.headers.get("cache-status")})`;
  if (freshness === "invalid")
    counts.failed.push(`${from} got ${statusOf(response)}: ${response.text.slice(0, TEXT_MAX)}`);
  else
    (from.includes("detail=behind") ? counts.behind : counts.older).push(
      `${from} after ${expected} was ${response.text.slice(0, TEXT_MAX)}`,
    );
}
