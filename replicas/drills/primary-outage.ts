// The drills of a primary that is gone or frozen for a while: promise 5, and with it 1 and 4 (replicas/README.md).
import { must } from "../../db/must.ts";
import { until } from "../../db/until.ts";
import { readinessOf } from "./checks/readiness.ts";
import { checkResponses } from "./checks/responses.ts";
import { checkWrites } from "./checks/writes.ts";
import type { Cluster } from "./cluster.ts";
import { type Checks, type Drill, type DrillContext, type Sizes, secondsOf, textOf } from "./drill.ts";
import { type Account, type HttpResponse, request, signInAccounts, statusOf } from "./traffic/client.ts";
import { capacityOf, errorsText, type Load, openLoad, type Report, statusesText } from "./traffic/load.ts";
import { openMixedWrites } from "./traffic/mixed-writes.ts";
import { browse, probeEventLoops } from "./traffic/reads.ts";

const CUSTOMERS = 3;
const WRITES_PER_SECOND = 30;
const WRITE_CONCURRENCY = 600;
const READ_CONCURRENCY = 32;
/** The drill's own clients use the same cores. */
const READS_PER_SECOND_MAX = 1_000;
/** Few nodes get personal reads, as when there are few clients: many wait for the primary on one node. */
const PERSONAL_PER_SECOND = 32;
const PERSONAL_NODES = 4;
const PERSONAL_CONCURRENCY = 100;
const BEFORE_MS = 2_000;
const REFUSED_MS_MAX = 2_000;
/** On top of twice the value before the outage, because other processes use the cores too. */
const LOOP_P99_MORE_MS_MAX = 100;
/** A request that blocks an event loop blocks it for longer than that. */
const LOOP_MS_MAX = 1_000;
const BACK_MS_MAX = 15_000;
/** A node is not ready when it is 10 s behind; it may take a moment more until it knows. */
const READY_SECONDS_MAX = 13;
const HEALTH_PER_SECOND = 5;
const PERSONAL = "profile";

type Outage = {
  name: string;
  about: string;
  titlePrefix: string;
  seconds: Sizes;
  /** The options of the cluster's command that begin and end it. */
  begin: string[];
  end: string[];
  /** Whether the primary's door stays. */
  hasDoor: boolean;
};

const outageDrill = (outage: Outage): Drill => ({
  name: outage.name,
  about: outage.about,
  run: (context) => runOutage(context, outage),
});

export const primaryGone = outageDrill({
  name: "primary-gone",
  about:
    "the primary is gone for 60 s: no public read fails, writes and personal reads get 503 with Retry-After within 2 s, nodes say after 10 s that they are not ready, event loops stay free",
  titlePrefix: "Gone",
  seconds: { full: 60, short: 8 },
  begin: ["--stop", "primary"],
  end: ["--start", "primary"],
  hasDoor: false,
});

export const primaryFrozen = outageDrill({
  name: "primary-frozen",
  about:
    "sqld is frozen (SIGSTOP) for 30 s behind its door and then continued: as primary-gone, the door stays and answers, and no write is done twice afterwards",
  titlePrefix: "Frozen",
  seconds: { full: 30, short: 6 },
  // --pause also stops the supervisor's probe, which would kill a frozen server.
  begin: ["--pause", "primary"],
  end: ["--resume", "primary"],
  hasDoor: true,
});

/** Counts of the responses to writes and personal reads during the outage. */
type Refusals = { all: number; unknown: number; slowestMs: number; late: string[]; wrong: string[] };

async function runOutage(context: DrillContext, outage: Outage): Promise<void> {
  const { options, checks, progress } = context;
  const cluster = await context.boot();
  const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
  const refusals: Refusals = { all: 0, unknown: 0, slowestMs: 0, late: [], wrong: [] };
  let [beganAt, endedAt] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const onResponse = (response: HttpResponse, sentAt: number, kind: string): void => {
    const respondedAt = sentAt + response.ms;
    if (respondedAt < beganAt || respondedAt > endedAt) return;
    // A request sent before the outage may still be acknowledged, but must get a response in time too.
    if (sentAt >= beganAt) addRefusal(refusals, response, kind);
    else if (respondedAt - beganAt > REFUSED_MS_MAX) refusals.late.push(textOfResponse(response, kind));
  };
  const writes = await openMixedWrites(cluster, { accounts, titlePrefix: outage.titlePrefix, onResponse });
  const personal = openPersonalReads(cluster, accounts, onResponse);
  const writing = openLoad({ send: writes.send, rate: WRITES_PER_SECOND, concurrency: WRITE_CONCURRENCY });
  const read = browse(cluster);
  // Measured beside the writes: each of them invalidates lists and searches.
  const rate = Math.min(READS_PER_SECOND_MAX, (await capacityOf(read, READ_CONCURRENCY)) / 2);
  const reading = openLoad({ send: read, rate, concurrency: READ_CONCURRENCY });
  const loopsBefore = await probeFor(cluster, BEFORE_MS);
  progress(`${textOf(rate, "/s")} reads; writes before: ${statusesText(writing.report().statuses)}`);

  const door = cluster.doorPid();
  await cluster.control(...outage.begin);
  beganAt = performance.now();
  const seconds = secondsOf(options, outage.seconds);
  const health = outage.hasDoor ? probeHealth(cluster) : null;
  const loopsMeanwhile = await probeFor(cluster, seconds * 1_000);
  if (seconds > READY_SECONDS_MAX) await checkNotReady(checks, cluster);
  if (health) checkDoor(checks, await health.stop(), cluster.doorPid() === door);
  endedAt = performance.now();
  const [backMs] = await Promise.all([
    writes.untilEveryNodeWrites(BACK_MS_MAX),
    cluster.control(...outage.end),
  ]);
  const readyMs = await until("every node is ready", () => areReady(cluster), BACK_MS_MAX);
  const reads = await reading.stop();
  await Promise.all([writing.stop(), personal.stop()]);

  checks.measure("outage", seconds * 1_000, "ms");
  checkResponses(checks, "reads", reads);
  checkEventLoops(checks, loopsBefore, loopsMeanwhile);
  checkRefusals(checks, refusals);
  checks.measure("every node writes again after", Math.max(...backMs), "ms");
  checks.measure("and every node is ready after further", readyMs, "ms");
  await checkWrites(checks, cluster, writes);
}

const areReady = async (cluster: Cluster): Promise<boolean> =>
  (await readinessOf(cluster)).every(({ status }) => status === 200);

/** A node that has not heard of the primary for that long must say so. */
async function checkNotReady(checks: Checks, cluster: Cluster): Promise<void> {
  const nodes = await readinessOf(cluster);
  checks.none(
    "nodes that are ready nevertheless",
    nodes.filter(({ status, why }) => status !== 503 || why === "").map(({ name }) => name),
  );
}

/** Requests to the door's own health, by which its supervisor decides whether it lives. */
const probeHealth = ({ primary }: Cluster): Load =>
  openLoad({
    send: () => request(primary.url, { path: "/health" }),
    rate: HEALTH_PER_SECOND,
    concurrency: 8,
  });

function checkDoor(checks: Checks, health: Report, isSame: boolean): void {
  checks.require(isSame, "the door was started again");
  checks.require(errorsText(health) === "", `the door's health was ${errorsText(health)}`);
  checks.atMost("the slowest answer of the door's health", health.times.max(), LOOP_MS_MAX, "ms");
}

function openPersonalReads(
  { nodes }: Cluster,
  accounts: readonly Account[],
  onResponse: (response: HttpResponse, sentAt: number, kind: string) => void,
): Load {
  return openLoad({
    rate: PERSONAL_PER_SECOND,
    concurrency: PERSONAL_CONCURRENCY,
    async send(number) {
      const sentAt = performance.now();
      const { url } = must(nodes[number % Math.min(PERSONAL_NODES, nodes.length)], "the node");
      const { token } = must(accounts[number % accounts.length], "the account");
      const response = await request(url, { path: "/api/auth/profile", token });
      onResponse(response, sentAt, PERSONAL);
      return response;
    },
  });
}

async function probeFor(cluster: Cluster, ms: number): Promise<Report> {
  const probing = probeEventLoops(cluster);
  await Bun.sleep(ms);
  return probing.stop();
}

/** A right refusal is 503, or to a write 504, which says that its outcome is unknown; both have Retry-After. */
function addRefusal(refusals: Refusals, response: HttpResponse, kind: string): void {
  const { status, headers, ms } = response;
  const isUnknown = status === 504 && kind !== PERSONAL;
  const text = textOfResponse(response, kind);
  refusals.all += 1;
  refusals.slowestMs = Math.max(refusals.slowestMs, ms);
  if (isUnknown) refusals.unknown += 1;
  if (ms > REFUSED_MS_MAX) refusals.late.push(text);
  if (!(status === 503 || isUnknown) || !headers.has("retry-after")) refusals.wrong.push(text);
}

const textOfResponse = (response: HttpResponse, kind: string): string =>
  `${kind} got ${statusOf(response)} after ${textOf(response.ms, "ms")}, Retry-After ${response.headers.get("retry-after")}`;

function checkRefusals(checks: Checks, { all, unknown, slowestMs, late, wrong }: Refusals): void {
  checks.require(all > 0, "there was no write during the outage");
  checks.measure("writes and personal reads refused", all - unknown);
  checks.measure("of unknown outcome (504)", unknown);
  checks.measure("the slowest of these after", slowestMs, "ms");
  checks.none("refused later than 2 s", late);
  checks.none("wrong refusals", wrong);
}

function checkEventLoops(checks: Checks, before: Report, meanwhile: Report): void {
  const p99Before = before.times.percentile(0.99);
  const p99Max = 2 * p99Before + LOOP_P99_MORE_MS_MAX;
  checks.measure("p99 of event loops before", p99Before, "ms");
  checks.atMost("p99 of event loops in the outage", meanwhile.times.percentile(0.99), p99Max, "ms");
  checks.atMost("longest block of an event loop", meanwhile.times.max(), LOOP_MS_MAX, "ms");
  checks.require(errorsText(meanwhile) === "", `probes of nodes failed: ${errorsText(meanwhile)}`);
}
