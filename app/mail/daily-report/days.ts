// The days whose report is due: those that are over, since mail was first sent, and have none in the outbox.
import type { Readable, Statement } from "../../../db/database.ts";
import { addDays, type Day, dayOf, daysOf } from "../../orders/orders.ts";
import type { DailyReport } from "./report.ts";

/** The kind of these mails; their key is the date. */
export const KIND = "daily-report";

/** After a longer time in which nothing ran, older days get no report. The outbox keeps the rows of reports longer. */
export const DAYS_MAX = 7;

/** When a sender of mail first started, in the local copy; `null`: it has not yet. */
export const mailStartMs = ({ read }: Readable): number | null =>
  read.get<[number]>("SELECT at FROM mail_start")?.[0] ?? null;

/**
 * The days to report, oldest first: the last week's that were over at `overMs`, from the day of `startedMs` on, without those in
 * the outbox of the local copy. A date that the zone skips has no report.
 */
export function findMissing(
  { read }: Readable,
  { overMs, startedMs, timezone }: { overMs: number; startedMs: number; timezone: string },
): Day[] {
  const last = addDays(dayOf(overMs, timezone), -1);
  const first = [addDays(last, 1 - DAYS_MAX), dayOf(startedMs, timezone)].toSorted().at(-1) ?? last;
  if (first > last) return [];
  const made = new Set(read.all<[string]>(MADE, first, last).map(([date]) => date));
  return daysOf(first, last, timezone).filter(
    ({ date, startMs, endMs }) => startMs < endMs && !made.has(date),
  );
}

const MADE = `SELECT key FROM outbox WHERE kind = '${KIND}' AND key BETWEEN ? AND ?`;

/** Adds a report to the outbox; does nothing where another process was first. */
export const addStatement = (report: DailyReport, nowMs: number): Statement => ({
  sql: `INSERT INTO outbox (kind, key, data, state, due_at, created_at) VALUES ('${KIND}', ?1, ?2, 'due', ?3, ?3)
ON CONFLICT DO NOTHING`,
  args: [report.date, JSON.stringify(report), nowMs],
});
