// A slow read worker for tests: the test moves its clock, and ends the queries that run there one by one.
import type { Readable, Row, Statement } from "../database.ts";
import { must } from "../must.ts";
import { openRequesters, type Requester } from "../read/requesters.ts";
import { openTurns, type Turns } from "../read/turns.ts";

/** Lets every callback run that is ready. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock that stands still until the test moves it. */
export function openManualClock() {
  let nowMs = 0;
  const alarms = new Set<{ atMs: number; callback: () => void }>();
  return {
    now: () => nowMs,
    after(ms: number, callback: () => void) {
      const alarm = { atMs: nowMs + ms, callback };
      alarms.add(alarm);
      return () => void alarms.delete(alarm);
    },
    /** Moves the clock; alarms that are due ring in their order unless this thread is `busy`. */
    pass(ms: number, busy = false): void {
      nowMs += ms;
      const due = busy ? [] : [...alarms].filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs);
      for (const alarm of due) if (alarms.delete(alarm)) alarm.callback();
    },
    /** Alarms that have neither rung nor been stopped. */
    alarms: (): number => alarms.size,
  };
}

export type ManualClock = ReturnType<typeof openManualClock>;

/** A read worker whose queries end when the test says so; its turns have this clock. */
export function openSlowReader(options: { runningMax?: number; waitingMax?: number } = {}) {
  const clock = openManualClock();
  const turns = openTurns({ runningMax: 1, waitingMax: 100, ...options, clock });
  const begun: string[] = [];
  const underWay: { name: string; end(rows: Row[][]): void; fail(error: Error): void }[] = [];
  const unread = () => {
    throw new Error("there is nothing to read");
  };
  const db: Readable = {
    read: { get: unread, all: unread },
    scan([query]: Statement[]) {
      const { promise, resolve, reject } = Promise.withResolvers<Row[][]>();
      const name = must(query, "the query").sql;
      begun.push(name);
      underWay.push({ name, end: resolve, fail: reject });
      return promise;
    },
  };
  return {
    clock,
    turns,
    db,
    /** The queries that the worker got, in order. */
    begun,
    /** Ends the oldest query under way, with `error` if given, and lets everything happen that follows from it. */
    async end(error?: Error): Promise<void> {
      await settle();
      const oldest = must(underWay.shift(), "a query under way");
      if (error) oldest.fail(error);
      else oldest.end([[[oldest.name]]]);
      await settle();
    },
    underWay: () => underWay.map(({ name }) => name),
    /** A request of this client that waits for `msMax`. */
    from: (client: string, msMax = Number.POSITIVE_INFINITY): Requester & { leave(): void } => {
      const gone = new AbortController();
      return { client, signal: gone.signal, untilMs: clock.now() + msMax, leave: () => gone.abort() };
    },
    /** Reads with these queries one after the other, for these requesters. */
    read: (requesters: readonly Requester[], ...names: string[]) => readAll(turns, db, requesters, names),
  };
}

function readAll(turns: Turns, db: Readable, requesters: readonly Requester[], names: string[]) {
  const shared = openRequesters();
  const refusals = requesters.map((requester) => shared.add(requester));
  const result = turns.runReads(shared, db, async ({ scan }) => {
    const rows: Row[][][] = [];
    for (const sql of names) rows.push(await scan([{ sql }]));
    return rows.flat(2).join(" ");
  });
  /** What each requester gets: the rows, or the message of its refusal. */
  const outcomes = refusals.map((refusal) =>
    Promise.race([result, refusal]).catch((thrown: Error) => thrown.message),
  );
  result.catch(() => undefined);
  return { shared, result, outcomes };
}
