// Makes the report of each day once it is over: of all processes, one adds it to the outbox.
import type { Database } from "../../../db/database.ts";
import { messageOf } from "../../../db/message.ts";
import { openRequesters } from "../../../db/read/requesters.ts";
import type { Turns } from "../../../db/read/turns.ts";
import type { Topology } from "../../../db/topology.ts";
import { newWriteId } from "../../../db/write/id.ts";
import { type Log, openSparseLog } from "../../log.ts";
import type { Books, Day } from "../../orders/orders.ts";
import { addStatement, findMissing, mailStartMs } from "./days.ts";
import { dailyReportOf } from "./report.ts";

/** Times in ms; tests shorten them. */
export type ReportTimes = {
  /** Between two looks. */
  reportLookMs: number;
  /**
   * From the end of a day to its report. An order's time is that of its process before the commit, which may take seconds, and
   * clocks of nodes differ: what is committed later than this is missing in the mail, and only there.
   */
  graceMs: number;
  /** Processes wait for a random part of this besides, so that mostly one of them reads the report. */
  spreadMs: number;
};

export const REPORT_TIMES: ReportTimes = { reportLookMs: 60_000, graceMs: 5 * 60_000, spreadMs: 60_000 };

export type ReportServices = {
  db: Database;
  books: Books;
  /** How new the local copy is. */
  copy: Pick<Topology, "lagMs" | "trouble">;
  /** Turns at the read worker. */
  turns: Pick<Turns, "runReads">;
  now(): number;
  log: Pick<Log, "warn">;
  /** From 0 to 1. */
  random?(): number;
  times?: Partial<ReportTimes>;
};

export type DailyReports = {
  /** Begins to look for days without a report. */
  start(): void;
  /** Looks once, and resolves when the missing reports are made or failed. Never rejects. */
  run(): Promise<void>;
  /** Makes no more; resolves when the one under way is in the outbox or given up. */
  close(): Promise<void>;
};

/** Opens the maker of reports of a process. */
export function openDailyReports(services: ReportServices): DailyReports {
  const { db, books, copy, turns, now, random = Math.random } = services;
  const times = { ...REPORT_TIMES, ...services.times };
  const log = openSparseLog(services.log, now);
  const openedAtMs = now();
  const waitMs = Math.round(times.graceMs + random() * times.spreadMs);
  const closing = new AbortController();
  /** The days that this process knows to be in the outbox: its copy may not show them yet. */
  const made = new Set<string>();
  let startedMs: number | null = null;
  let timer: ReturnType<typeof setInterval> | undefined;
  let running: Promise<void> | null = null;

  /** The time up to which the local copy has everything; `null`: not known. */
  const completeMs = (): number | null => {
    const ms = now() - copy.lagMs();
    // A node that was opened but not synced yet may serve a copy of any age.
    return copy.trouble() !== null || ms < openedAtMs ? null : ms;
  };

  const missing = (): Day[] => {
    startedMs ??= mailStartMs(db);
    const untilMs = startedMs === null ? null : completeMs();
    if (startedMs === null || untilMs === null) return [];
    const days = findMissing(db, { overMs: untilMs - waitMs, startedMs, timezone: books.timezone });
    return days.filter(({ date }) => !made.has(date));
  };

  const make = async (day: Day): Promise<void> => {
    const requesters = openRequesters();
    void requesters.add({ client: "", signal: closing.signal, untilMs: Number.POSITIVE_INFINITY });
    const report = await turns.runReads(requesters, db, ({ scan }) => dailyReportOf(scan, day, books));
    if (closing.signal.aborted) return;
    await db.write([addStatement(report, now())], newWriteId());
    made.add(day.date);
  };

  const makeMissing = async (): Promise<void> => {
    try {
      for (const day of missing()) if (!closing.signal.aborted) await make(day);
    } catch (thrown) {
      if (!closing.signal.aborted) log.warn("a daily report was not made", { error: messageOf(thrown) });
    }
  };

  const run = (): Promise<void> => {
    running ??= makeMissing().finally(() => {
      running = null;
    });
    return running;
  };
  return {
    start() {
      timer = setInterval(() => void run(), times.reportLookMs);
    },
    run,
    async close() {
      closing.abort();
      clearInterval(timer);
      await running;
    },
  };
}
