// Outages of writing: why the machine cannot write, since when, and how many writes that cost.
import { DatabaseError, type DatabaseErrorKind } from "../errors.ts";

/** Reasons in the words of the system and of SQLite; the first that fits counts, so the exact words of the system come first. */
const REASONS = [
  ["disk-full", /\bENOSPC\b|database or disk is full/],
  ["quota", /\bEDQUOT\b/],
  ["no-descriptors", /\b(?:EMFILE|ENFILE)\b/],
  ["no-permission", /\b(?:EACCES|EPERM)\b|access permission denied/],
  ["file-missing", /\bENOENT\b/],
  ["read-only", /\bEROFS\b|attempt to write a readonly database/],
  ["corrupt", /database disk image is malformed|file is not a database|malformed database schema/],
  ["out-of-memory", /\bENOMEM\b|out of memory/],
  ["io-error", /disk I\/O error|\bEIO\b/],
  ["cannot-open", /unable to open (?:connection to local )?database/i],
] as const;

/** Why the machine cannot write. */
export type OutageReason = (typeof REASONS)[number][0];

/** All reasons. */
export const OUTAGE_REASONS: readonly OutageReason[] = REASONS.map(([reason]) => reason);

/** Kinds behind which a failure of the machine may hide; the others say what happened. */
const VAGUE: ReadonlySet<DatabaseErrorKind> = new Set(["unknown", "failed", "busy", "unwritable"]);

/** The reason in the message of an error; `null` where the machine is not the reason. */
export function reasonOf({
  kind,
  message,
}: {
  kind: DatabaseErrorKind;
  message: string;
}): OutageReason | null {
  if (!VAGUE.has(kind)) return null;
  return REASONS.find(([, words]) => words.test(message))?.[0] ?? null;
}

/** The error of a write that was not done: of kind `unwritable` where the machine is the reason. */
export const writeErrorOf = (error: DatabaseError): DatabaseError =>
  reasonOf(error) === null ? error : new DatabaseError("unwritable", error.message, error.columns);

/** A time in which writes fail: `error` is the last one's message, `writes` counts those that were not done. */
export type Outage = { reason: OutageReason; error: string; sinceMs: number; writes: number };

/** Reports an outage that begins, goes on or is over; `writes` counts those since the last report that it goes on. */
export type ReportOutage = (outage: Outage & { isOver: boolean }) => void;

export type Outages = {
  /** Notes writes that were not done. */
  failed(error: DatabaseError, writes: number): void;
  /** Notes that a write took effect. */
  succeeded(): void;
  /** The present outage, `null` while writes succeed. */
  current(): Outage | null;
  /** Writes that were not done, by reason, since the start. */
  totals(): Partial<Record<OutageReason, number>>;
};

/** Between two reports of an outage that goes on: a full disk must not be filled further by the log. */
const REMIND_MS = 60_000;
/** A reason that was reported less than this before is not reported as a new outage: some writes may fit where others do not. */
const FLAP_MS = 10_000;

/** Opens the outages of one writer. */
export function openOutages(now: () => number, report: ReportOutage = () => undefined): Outages {
  const totals = new Map<OutageReason, number>();
  const reports = new Map<OutageReason, { atMs: number; writesBefore: number }>();
  let outage: Outage | null = null;
  let isReported = false;

  const reportUnlessRecent = (current: Outage, total: number) => {
    const { atMs, writesBefore } = reports.get(current.reason) ?? { atMs: -Infinity, writesBefore: 0 };
    const nowMs = now();
    if (nowMs - atMs < (isReported ? REMIND_MS : FLAP_MS)) return;
    reports.set(current.reason, { atMs: nowMs, writesBefore: total });
    isReported = true;
    report({ ...current, writes: total - writesBefore, isOver: false });
  };

  return {
    failed(error, writes) {
      const reason = reasonOf(error);
      if (reason === null) return;
      const total = (totals.get(reason) ?? 0) + writes;
      totals.set(reason, total);
      if (outage?.reason !== reason) outage = { reason, error: error.message, sinceMs: now(), writes: 0 };
      outage.error = error.message;
      outage.writes += writes;
      reportUnlessRecent(outage, total);
    },
    succeeded() {
      if (outage !== null && isReported) report({ ...outage, isOver: true });
      outage = null;
      isReported = false;
    },
    current: () => outage && { ...outage },
    totals: () => Object.fromEntries(totals),
  };
}
