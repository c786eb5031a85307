// The database on a primary, without a copy here: every query and every group goes there over HTTP, through its door or to a bare
// libSQL server.
import type { Database, Position, Row, Statement } from "../database.ts";
import { DatabaseError } from "../errors.ts";
import { must } from "../must.ts";
import type { ReportOutage } from "../write/outage.ts";
import { FIND_DONE, openWriteQueue } from "../write/queue.ts";
import { openDoorClient } from "./door.ts";
import { type Committed, commitOnServer, queryServer } from "./hrana.ts";
import { openKindFinder } from "./kind.ts";
import { openPipeline, type Pipeline, type Server } from "./pipeline.ts";
import { openQueryLimit } from "./query-limit.ts";
import { replay } from "./replay.ts";

export type RemoteOptions = {
  /** A commit that takes longer has an uncertain outcome. */
  commitMs?: number;
  /** A write that was not sent by then is refused. */
  deadlineMs?: number;
  /** A query that takes longer is refused. */
  queryMs?: number;
  /** As of a write queue. */
  onOutage?: ReportOutage;
};

/** Unless other limits are given. With these a refusal comes within two seconds, whatever the server does. */
export const LIMITS: Required<Omit<RemoteOptions, "onOutage">> = {
  commitMs: 1_050,
  deadlineMs: 1_500,
  queryMs: 1_500,
};
/** After one of these errors the breaker opens: waiting writes are refused, and one write a second tries the server. */
const GONE = ["uncertain", "unreachable"] as const;
/** How long an uncertain outcome is looked for: a server that was killed is back within that time. */
export const FIND_MS = 300;
/** The longest time of one attempt to find it. */
export const FIND_TRY_MS = 250;
const FIND_PAUSE_MS = 50;
/** Attempts for a group while a bare server is busy, and the unit of the random pause between them, which keeps nodes apart. */
const BUSY_TRIES = 4;
const BUSY_PAUSE_MS = 40;
/** With the one of the write queue these are three connections of each node; the server takes 128 of all nodes. */
const QUERY_STREAMS = 2;

/** `reached` notes that the primary answers again: writes and queries that come are tried at once, not once a second. */
export type Remote = Database & { reached(): void };

/** Opens a server's database. `read` throws, because there is no copy here: use `onPrimary`. */
export function openRemote(server: Server, options: RemoteOptions = {}): Remote {
  const { commitMs, deadlineMs, queryMs } = { ...LIMITS, ...options };
  const { query, findDone, commit, onAnswer, idle } = openServer(server, { commitMs, queryMs });
  let isUncertain = false;
  let written: Position | null = null;
  let closing: Promise<void> | undefined;
  const closed = () => new DatabaseError("closed", "the database is closed");

  const commitGroup = async (group: Statement[][], writeIds: (string | undefined)[]) => {
    // A query first: a group that is not sent has a certain outcome.
    if (isUncertain) await findDone([]);
    isUncertain = true;
    const { outcomes, position } = await commit(group, writeIds).catch((thrown) => {
      isUncertain = !isBusy(thrown);
      throw thrown;
    });
    isUncertain = false;
    onAnswer();
    if (position) written = newer(written, position);
    return outcomes;
  };
  const writeQueue = openWriteQueue(commitGroup, {
    findDone,
    deadlineMs,
    opensOn: GONE,
    retriesLost: true,
    ...(options.onOutage ? { onOutage: options.onOutage } : {}),
  });
  const refuseRead = (): never => {
    throw closing ? closed() : new Error("there is no copy of the server's database here: use `onPrimary`");
  };

  return {
    isRemote: true,
    read: { get: refuseRead, all: refuseRead },
    scan: (queries) => (closing ? Promise.reject(closed()) : query(queries)),
    onPrimary: (work) => (closing ? Promise.reject(closed()) : replay(query, work)),
    write: (statements, writeId) =>
      closing ? Promise.reject(closed()) : writeQueue.write(statements, writeId),
    writeQueue: writeQueue.state,
    reached() {
      writeQueue.closeBreaker();
      onAnswer();
    },
    written: () => written,
    close() {
      closing ??= writeQueue.idle().then(idle);
      return closing;
    },
  };
}

/** The newer of two positions; a position of another generation replaces the one before. */
const newer = (before: Position | null, now: Position): Position =>
  before?.generation === now.generation && before.seq > now.seq ? before : now;

function openServer(server: Server, { commitMs, queryMs }: { commitMs: number; queryMs: number }) {
  const limit = openQueryLimit();
  const kind = openKindFinder(server);
  const door = openDoorClient(server);
  const writing = openPipeline(server, { ms: commitMs, keptMax: 1 });
  const querying = openPipeline(server, { ms: queryMs, keptMax: QUERY_STREAMS });
  const finding = openPipeline(server, { ms: FIND_TRY_MS, keptMax: 0 });
  const dataset = () => server.dataset?.() ?? null;
  const ask = (queries: Statement[], pipeline: Pipeline, ms: number): Promise<Row[][]> =>
    kind.run(ms, (found, leftMs) =>
      found === "door"
        ? door.query(queries, leftMs)
        : queryServer(pipeline, queries, dataset(), { ms: leftMs }),
    );
  return {
    query: (queries: Statement[]): Promise<Row[][]> => limit.run(() => ask(queries, querying, queryMs)),
    findDone: (ids: string[]) =>
      findDone((queries) => ask(queries, finding, FIND_TRY_MS), ids).catch((thrown) => {
        limit.failed();
        throw thrown;
      }),
    commit: (group: Statement[][], writeIds: (string | undefined)[]): Promise<Committed> =>
      kind.run(commitMs, (found, leftMs) =>
        // The door waits for a busy server by itself.
        found === "door"
          ? door.commit(group, writeIds, leftMs)
          : retryWhileBusy(() => commitOnServer(writing, group, dataset(), { ms: leftMs })),
      ),
    onAnswer: limit.succeeded,
    idle: limit.idle,
  };
}

const isBusy = (thrown: unknown): boolean => thrown instanceof DatabaseError && thrown.kind === "busy";

/** Sends a group again while the server is busy: it was not done. */
async function retryWhileBusy<T>(send: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send();
    } catch (thrown) {
      if (!isBusy(thrown) || tries === BUSY_TRIES) throw thrown;
      await Bun.sleep(Math.random() * BUSY_PAUSE_MS * tries);
    }
  }
}

async function findDone(query: (queries: Statement[]) => Promise<Row[][]>, ids: string[]): Promise<string[]> {
  const end = performance.now() + FIND_MS;
  for (;;) {
    try {
      const [rows] = await query([{ sql: FIND_DONE, args: [JSON.stringify(ids)] }]);
      return must(rows, "the rows of a query").map(([id]) => String(id));
    } catch (thrown) {
      if (performance.now() > end) throw thrown;
      await Bun.sleep(FIND_PAUSE_MS);
    }
  }
}
