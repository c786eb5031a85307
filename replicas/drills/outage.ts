// A while without a primary under load: what shoppers, writers and event loops notice of it.

import { untilEqual } from "./checks/equal-replicas.ts";
import type { Cluster } from "./cluster.ts";
import { count, type DrillContext, inSeconds, until } from "./drill.ts";
import { type HttpResponse, registerCustomers, request, signInAdmin } from "./traffic/client.ts";
import { capacityOf, errorsText, openLoad, type Report, statusesText } from "./traffic/load.ts";
import { type MixedWrites, openMixedWrites } from "./traffic/mixed-writes.ts";
import { browse, probeEventLoops } from "./traffic/reads.ts";

export type Outage = {
  /** Marks the titles of its writes. */
  mark: string;
  nodes: number;
  seconds: number;
  /** Takes the primary away; it is away when this resolves. */
  begin(cluster: Cluster): Promise<unknown>;
  end(cluster: Cluster): Promise<unknown>;
  /** Whether writes may be on their way to it: then their outcome is unknown, and 504 says so. */
  maySwallow: boolean;
};

const CUSTOMERS = 3;
const WRITES_PER_SECOND = 30;
const WRITE_LANES = 600;
const READ_LANES = 32;
/** The drill's own clients take of the same cores. */
const READS_PER_SECOND_MAX = 1_000;
/** Personal reads go to few nodes, as those of few clients do: many at once wait for one node's answer from the primary. */
const PERSONAL_PER_SECOND = 32;
const PERSONAL_NODES = 4;
const PERSONAL_LANES = 100;
const BEFORE_MS = 2_000;
const REFUSED_MS_MAX = 2_000;
/** Beyond twice what it was before: others want the cores too. One that is held shows as a second or more. */
const LOOP_P99_MS_MAX = 100;
const LOOP_MS_MAX = 1_000;
const BACK_MS_MAX = 15_000;
const EQUAL_MS_MAX = 30_000;
const SHOWN_MAX = 5;
const PERSONAL = "profile";

/** What writers, and those who asked for their own, were told while the primary was away. */
type Told = { answers: number; late: string[]; hung: number; slowestMs: number; wrong: Map<string, number> };

/** Does it, and tells the judge what must hold: reads as ever, writes refused in time, nothing lost and nothing twice. */
export async function outage(ground: DrillContext, plan: Outage): Promise<void> {
  const { checks, progress } = ground;
  const cluster = await ground.boot(plan.nodes);
  const people = [await signInAdmin(cluster.edge), ...(await registerCustomers(cluster.edge, CUSTOMERS))];
  const told: Told = { answers: 0, late: [], hung: 0, slowestMs: 0, wrong: new Map() };
  const away = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const onTry = (answer: HttpResponse, sentAt: number, kind: string): void => {
    const answeredAt = sentAt + answer.ms;
    if (answeredAt < away.from || answeredAt > away.to) return;
    if (sentAt >= away.from) listen(told, answer, kind, plan.maySwallow && kind !== PERSONAL);
    else if (answeredAt - away.from > REFUSED_MS_MAX) told.late.push(lateOf(answer, kind));
  };
  const writes = await openMixedWrites(cluster, { people, titlePrefix: plan.mark, onTry });
  const personal = openLoad({
    rate: PERSONAL_PER_SECOND,
    concurrency: PERSONAL_LANES,
    async send(number) {
      const sentAt = performance.now();
      const node = cluster.nodes[number % Math.min(PERSONAL_NODES, cluster.nodes.length)];
      const token = people[number % people.length]?.token ?? "";
      const answer = await request(node?.url ?? "", { path: "/api/auth/profile", token });
      onTry(answer, sentAt, PERSONAL);
      return answer;
    },
  });
  const send = browse(cluster);
  const writing = openLoad({ send: writes.send, rate: WRITES_PER_SECOND, concurrency: WRITE_LANES });
  // What can be read while others write: every write makes lists and searches be computed anew.
  const rate = Math.min(READS_PER_SECOND_MAX, (await capacityOf(send, READ_LANES)) / 2);
  const reading = openLoad({ send, rate, concurrency: READ_LANES });
  const calm = probeEventLoops(cluster);
  await Bun.sleep(BEFORE_MS);
  const before = await calm.stop();
  progress(`${count(rate)} reads a second; before: writes ${statusesText(writing.report().statuses)}`);

  await plan.begin(cluster);
  away.from = performance.now();
  const loops = probeEventLoops(cluster);
  await Bun.sleep(plan.seconds * 1_000);
  const looped = await loops.stop();
  away.to = performance.now();
  const back = writes.watch();
  await plan.end(cluster);
  await until("every node writes again", BACK_MS_MAX, () => back.firstMs().every((ms) => ms !== null));
  const backMs = Math.max(...back.firstMs().map(Number));
  const read = await reading.stop();
  await Promise.all([writing.stop(), personal.stop()]);
  progress(
    `reads ${statusesText(read.statuses)}; in the outage ${count(told.answers)} writes and personal reads were answered`,
  );
  checks.measure("seconds", plan.seconds, `${plan.seconds} s`);
  judgeReads(ground, read);
  judgeLoops(ground, before, looped);
  judgeWrites(ground, told);
  checks.measure("backMs", backMs, `writes back on every node in ${inSeconds(backMs)}`);
  await judgeEnd(ground, cluster, writes);
}

/** Each answer must be a refusal that says when to come again. */
function listen(told: Told, answer: HttpResponse, kind: string, maySwallow: boolean): void {
  const { status, failure, ms, headers } = answer;
  told.answers += 1;
  told.slowestMs = Math.max(told.slowestMs, ms);
  if (ms > REFUSED_MS_MAX) told.late.push(lateOf(answer, kind));
  if (failure !== null) told.hung += 1;
  const isRefusal = status === 503 || (maySwallow && status === 504);
  const name = `${failure ?? status}${headers.has("retry-after") ? "" : " without Retry-After"}`;
  if (!isRefusal || !headers.has("retry-after") || status === 504)
    told.wrong.set(name, (told.wrong.get(name) ?? 0) + 1);
}

const lateOf = ({ status, failure, ms }: HttpResponse, kind: string): string =>
  `${kind} ${failure ?? status} after ${inSeconds(ms)}`;

function judgeReads({ checks }: DrillContext, read: Report): void {
  checks.measure("reads", read.responses, `${count(read.responses)} reads`);
  checks.measure("readErrors", read.failed, `${errorsText(read) || "0"} errors`);
  checks.measure(
    "readP99Ms",
    read.times.percentile(0.99),
    `p99 ${read.times.percentile(0.99).toFixed(0)} ms`,
  );
  checks.require(read.responses > 0 && errorsText(read) === "", `reads failed: ${errorsText(read)}`);
}

function judgeLoops({ checks }: DrillContext, before: Report, during: Report): void {
  const [p99Before, p99] = [before.times.percentile(0.99), during.times.percentile(0.99)];
  const max = during.times.max();
  checks.measure("loopP99BeforeMs", p99Before, `event loops p99 ${p99Before.toFixed(0)} ms before`);
  checks.measure("loopP99Ms", p99, `${p99.toFixed(0)} ms meanwhile`);
  checks.measure("loopMaxMs", max, `at most ${max.toFixed(0)} ms`);
  checks.require(errorsText(during) === "", `nodes did not answer: ${errorsText(during)}`);
  checks.require(p99 <= 2 * p99Before + LOOP_P99_MS_MAX && max <= LOOP_MS_MAX, "an event loop was held");
}

function judgeWrites({ checks }: DrillContext, { answers, late, hung, slowestMs, wrong }: Told): void {
  const unknown = wrong.get("504") ?? 0;
  wrong.delete("504");
  const others = [...wrong].map(([name, times]) => `${times} times ${name}`);
  checks.measure(
    "refused",
    answers - unknown,
    `${count(answers - unknown)} writes and personal reads refused`,
  );
  checks.measure("unknown", unknown, `${count(unknown)} unknown`);
  checks.measure("slowestMs", slowestMs, `the slowest answer to one in ${inSeconds(slowestMs)}`);
  checks.require(answers > 0, "nobody wrote in the outage");
  checks.require(hung === 0, `${hung} were never answered`);
  checks.require(
    late.length === 0,
    `${late.length} were answered later than 2 s: ${late.slice(0, SHOWN_MAX).join(", ")}`,
  );
  checks.require(others.length === 0, `not refused as they should be: ${others.join(", ")}`);
}

async function judgeEnd({ checks }: DrillContext, cluster: Cluster, writes: MixedWrites): Promise<void> {
  const equality = await untilEqual(cluster, EQUAL_MS_MAX);
  const { lost, extra, examples } = await writes.check();
  const { acknowledged } = writes.ledger.counts();
  checks.measure("acknowledged", acknowledged, `${count(acknowledged)} acknowledged`);
  checks.measure("lost", lost, `${lost} lost`);
  checks.measure("twice", extra, `${extra} twice`);
  checks.measure("equalMs", equality.ms, `replicas equal after ${inSeconds(equality.ms)}`);
  checks.require(acknowledged > 0, "no write was acknowledged");
  checks.require(lost === 0, `${lost} acknowledged writes are lost: ${examples.join("; ")}`);
  checks.require(extra === 0, `${extra} too many: ${examples.join("; ")}`);
  checks.require(equality.differing.length === 0, `replicas differ: ${equality.differing.join("; ")}`);
  for (const [words, times] of writes.unexpected()) checks.require(false, `${times} times ${words}`);
}
