// The drill of members that would undo, break or stop the group that they come in, beside good writes of every node.
import { must } from "../../db/must.ts";
import type { CommitReply, CommitRequest } from "../../db/server/door-protocol.ts";
import { DOOR } from "../../db/server/door-protocol.ts";
import { checkWrites } from "./checks/writes.ts";
import type { Cluster } from "./cluster.ts";
import { type Checks, type Drill, type DrillContext, sizeOf, textOf } from "./drill.ts";
import { type HttpResponse, request, signInAccounts } from "./traffic/client.ts";
import { openLoad, statusesText } from "./traffic/load.ts";
import { openMixedWrites } from "./traffic/mixed-writes.ts";

const TIMES = { full: 4, short: 1 };
const WRITES_PER_SECOND = { full: 60, short: 40 };
const PAUSE_MS = 1_000;
const CUSTOMERS = 3;
const CONCURRENCY = 300;
const WAIT_MS = 1_500;
const ANSWER_MS_MAX = 20_000;
const GIVE_UP_MS = 30_000;

/** The kinds of errors after which a node neither sends the member again nor asks what became of it. */
const REFUSED = ["failed", "unknown"];

/** What bad members do before they are bad: none of it may stand afterwards. */
const MARK =
  "INSERT INTO audit (at, actor_kind, action, subject, detail) VALUES (0, 'system', 'bad', 'bad', '{}')";
const COUNT_MARKS = "SELECT count(*) FROM audit WHERE action = 'bad'";

/** `quietMsMax`: how long no good write may be acknowledged, in milliseconds; a group has a second, one of its members two. */
type Kind = { name: string; sqls: string[]; quietMsMax: number; refusedMax: number };

const KINDS: Kind[] = [
  {
    name: "members that end the transaction",
    sqls: [
      "COMMIT",
      "/* good */ END;",
      "ROLLBACK",
      "RELEASE member",
      "ROLLBACK TO member",
      "INSERT OR ROLLBACK INTO words (word) VALUES ('bad'), ('bad')",
      "SELECT 1; COMMIT",
      "BEGIN IMMEDIATE",
    ],
    quietMsMax: 1_000,
    refusedMax: 0,
  },
  {
    name: "a member that answers 16 MB",
    sqls: [
      "SELECT replace(printf('%.4000c', 'x'), 'x', printf('%.4000c', 'x'))",
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16000) SELECT printf('%.1000c', 'x') FROM n",
    ],
    quietMsMax: 1_000,
    refusedMax: 0,
  },
  {
    name: "a member that runs for minutes",
    sqls: [
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000000000) SELECT count(*) FROM n",
    ],
    quietMsMax: 5_000,
    refusedMax: Number.POSITIVE_INFINITY,
  },
];

export const badMembers: Drill = {
  name: "bad-members",
  about:
    "members that say COMMIT, answer 16 MB or run for minutes come to the door beside writes from every node: only they fail, no acknowledged write is lost or done twice",
  async run(context) {
    const { options, checks, progress } = context;
    const cluster = await context.boot();
    const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
    const good = openGood();
    const writes = await openMixedWrites(cluster, {
      accounts,
      titlePrefix: "Beside",
      onResponse: good.add,
    });
    const load = openLoad({
      send: writes.send,
      rate: sizeOf(options, WRITES_PER_SECOND),
      concurrency: CONCURRENCY,
    });
    await writes.untilEveryNodeWrites(GIVE_UP_MS);
    const pids = [cluster.primaryPid(), cluster.doorPid()];
    for (const kind of KINDS) await sendBeside(context, cluster, kind, good);
    await writes.untilEveryNodeWrites(GIVE_UP_MS);
    const { statuses } = await load.stop();
    progress(`good writes: ${statusesText(statuses)}`);
    checks.require(
      `${pids}` === `${[cluster.primaryPid(), cluster.doorPid()]}`,
      "sqld or the door was started again",
    );
    const [rows] = await cluster.database.scan([{ sql: COUNT_MARKS }]);
    checks.atMost("rows of bad members", Number(must(rows?.[0]?.[0], "the number of marks")), 0);
    await checkWrites(checks, cluster, writes);
  },
};

type Good = ReturnType<typeof openGood>;
/** Counts the responses to good writes, and the longest time without one that was acknowledged. */
function openGood() {
  const none = () => ({ acknowledged: 0, refused: 0, unknown: 0, longestMs: 0, quietMs: 0 });
  let counts = none();
  let lastAt = performance.now();
  const quiet = () => {
    counts.quietMs = Math.max(counts.quietMs, performance.now() - lastAt);
  };
  return {
    add({ status, ms }: HttpResponse): void {
      counts.longestMs = Math.max(counts.longestMs, ms);
      if (status === 503) counts.refused += 1;
      if (status === 504) counts.unknown += 1;
      if (status < 200 || status > 299) return;
      quiet();
      counts.acknowledged += 1;
      lastAt = performance.now();
    },
    /** The counts since the last call. */
    take() {
      quiet();
      const taken = counts;
      counts = none();
      return taken;
    },
  };
}

/** Sends bad members of this kind, one after the other, and checks what good writes noticed of them. */
async function sendBeside(
  { options, checks, progress }: DrillContext,
  cluster: Cluster,
  { name, sqls, quietMsMax, refusedMax }: Kind,
  good: Good,
): Promise<void> {
  good.take();
  const accepted: string[] = [];
  let slowestMs = 0;
  for (let time = 0; time < sizeOf(options, TIMES); time += 1) {
    for (const sql of sqls) {
      const { outcome, ms } = await sendMember(cluster, sql);
      slowestMs = Math.max(slowestMs, ms);
      if (!REFUSED.includes(outcome)) accepted.push(`${sql}: ${outcome}`);
    }
    await Bun.sleep(PAUSE_MS);
  }
  const { acknowledged, refused, unknown, longestMs, quietMs } = good.take();
  progress(
    `${name}: answered after ${textOf(slowestMs, "ms")} at most; good writes meanwhile: ${acknowledged}, refused ${refused}, unknown ${unknown}`,
  );
  checkKind(checks, name, { accepted, refused, refusedMax });
  checks.measure("the slowest answer to it", slowestMs, "ms");
  checks.measure("good writes of unknown outcome", unknown);
  checks.measure("the slowest good write", longestMs, "ms");
  checks.atMost("longest time without a good write", quietMs, quietMsMax, "ms");
}

function checkKind(
  checks: Checks,
  name: string,
  { accepted, refused, refusedMax }: { accepted: string[]; refused: number; refusedMax: number },
): void {
  checks.none(`${name}: not refused`, accepted);
  checks.atMost("good writes refused", refused, refusedMax);
}

/** Sends one member straight to the door; `outcome` is the kind of its error, `done`, or what came instead of a reply. */
async function sendMember(
  { primary, makeToken }: Cluster,
  sql: string,
): Promise<{ outcome: string; ms: number }> {
  const statements = [MARK, sql].map((text) => ({ sql: text, args: [] }));
  const body: CommitRequest = {
    dataset: null,
    waitMs: WAIT_MS,
    members: [{ writeId: crypto.randomUUID(), statements }],
  };
  const response = await request(primary.url, {
    path: DOOR.commit,
    method: "POST",
    token: makeToken("write"),
    body,
    timeoutMs: ANSWER_MS_MAX,
  });
  const { ms, status, failure, text } = response;
  if (status !== 200) return { ms, outcome: `${failure ?? status} ${text.slice(0, 200)}` };
  const [outcome] = (JSON.parse(text) as CommitReply).outcomes;
  return { ms, outcome: outcome?.ok === false ? outcome.kind : "done" };
}
