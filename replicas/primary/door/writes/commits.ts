// The commits of all nodes: their members go through one write queue, in as few transactions as they can.
import type { Position, Statement, WriteResult } from "../../../../db/database.ts";
import { DatabaseError } from "../../../../db/errors.ts";
import { toCell } from "../../../../db/server/cells.ts";
import type { CommitReply, WireMember, WireOutcome } from "../../../../db/server/door-protocol.ts";
import type { Outcome } from "../../../../db/write/commit.ts";
import { newWriteId } from "../../../../db/write/id.ts";
import { openWriteQueue, type WriteQueueOptions } from "../../../../db/write/queue.ts";
import { type Attempt, bytesOf } from "../../../../db/write/waiting.ts";
import type { Metric } from "../metric.ts";
import type { News } from "../news.ts";
import { openCommitCounts } from "./commit-counts.ts";
import { errorBody, toStatement } from "./shapes.ts";
import type { Judge } from "./statements.ts";
import type { Streams } from "./streams.ts";

/** What one transaction holds at most. More members cost no less each, and the next ones would wait longer. */
const GROUP = { members: 100, bytes: 1_000_000 };
/**
 * How long a group may take: some hundred milliseconds, and for each member and kilobyte about ten times what it takes. A member of
 * a group that took longer goes alone, first with less time, because most are not the reason. Then it has what the supervisor
 * grants, which restarts a server that no one else can write to for three seconds; but only where its client waits for that.
 */
const GROUP_MS: Record<Attempt, number> = { 0: 450, 1: 200, 2: 2_500 };
const MEMBER_MS = 5;
const KILOBYTE_MS = 2;
const QUEUE: WriteQueueOptions = {
  // sqld does not answer, and the members that wait would only fail later.
  opensOn: ["uncertain", "unreachable"],
  lateKind: "busy",
  retriesBusy: true,
  isolates: { patienceMs: GROUP_MS[2] },
};

type Deps = {
  streams: Streams;
  judge: Judge;
  news: News;
  datasetId(): string | null;
  /** Whether groups wait, because the primary is being migrated. */
  isHeld(): boolean;
};

export type Commits = {
  /** Settles each member; those that were not sent within `waitMs` are refused as `busy`. */
  commit(members: WireMember[], waitMs: number): Promise<CommitReply>;
  /** Resolves when the group under way is settled. */
  untilQuiet(): Promise<void>;
  /** Notes that sqld runs again. */
  begin(): void;
  metrics(): Metric[];
  idle(): Promise<void>;
};

/** Opens the commits with an empty queue. */
export function openCommits({ streams, judge, news, datasetId, isHeld }: Deps): Commits {
  const counts = openCommitCounts();
  let underway: Promise<unknown> = Promise.resolve();
  let newest: Position | null = null;

  const send = async (members: Statement[][], ms: number): Promise<Outcome[]> => {
    const { outcomes, position } = await streams.commit(members, datasetId(), ms);
    newest = newer(newest, position);
    if (outcomes.some(({ ok }) => ok)) news.raise();
    return outcomes;
  };
  const findDone = async (ids: string[]): Promise<string[]> => {
    const done = await streams.findDone(ids, datasetId());
    if (done.length > 0) news.raise();
    return done;
  };
  const queue = openWriteQueue(
    (members, ids, attempt) => {
      if (isHeld()) throw new DatabaseError("busy", "the primary is being migrated");
      counts.sent(ids);
      const sent = counts.timed(() => send(members, limitMs(members, attempt)));
      underway = sent.catch(() => {});
      return sent;
    },
    { findDone, isLocked: streams.isLocked, group: GROUP, ...QUEUE },
  );

  const settle = async (member: WireMember, deadlineMs: number, source: object): Promise<WireOutcome> => {
    // Each has an id, by which the door settles an unknown outcome.
    const id = member.writeId ?? newWriteId();
    try {
      judge(member.statements, false);
      const statements = member.statements.map(toStatement);
      counts.arrived(id);
      const results = await queue.write(statements, id, { deadlineMs, source });
      return { ok: true, results: results.map(toWire) };
    } catch (thrown) {
      if (thrown instanceof DatabaseError) return { ok: false, ...errorBody(thrown) };
      throw thrown;
    } finally {
      counts.settled(id);
    }
  };

  return {
    async commit(members, waitMs) {
      // The members of a request go in their order, and in turn with those of other requests.
      const source = {};
      const outcomes = await Promise.all(members.map((member) => settle(member, waitMs, source)));
      return { outcomes, position: outcomes.some(({ ok }) => ok) ? newest : null };
    },
    async untilQuiet() {
      await underway;
    },
    begin: queue.closeBreaker,
    metrics: () => counts.metrics(queue.state()),
    idle: queue.idle,
  };
}

const toWire = ({ changes, rows }: WriteResult) => ({ changes, rows: rows.map((row) => row.map(toCell)) });

const limitMs = (members: Statement[][], attempt: Attempt): number =>
  GROUP_MS[attempt] + members.length * MEMBER_MS + (bytesOf(members.flat()) / 1_000) * KILOBYTE_MS;

/** The newer of two positions; a position of another generation replaces the one before. */
const newer = (before: Position | null, now: Position | null): Position | null =>
  now === null || (before?.generation === now.generation && before.seq > now.seq) ? before : now;
