// The outbox's statements: how a process claims a mail, and settles it.
import type { Readable, Row, Statement } from "../../db/database.ts";
import { COUNT_MAX } from "../http/paging.ts";
import type { Mail } from "./kind.ts";

/** Tries after which a mail is parked. */
export const TRIES_MAX = 12;

// The oldest that is due, as the primary sees it: so processes that claim at once get different ones. A mail during whose
// last try the process ended is parked: it may be what ends processes.
const CLAIM = `UPDATE outbox SET due_at = iif(tries < ${TRIES_MAX}, ?2, ?1), state = iif(tries < ${TRIES_MAX}, 'due', 'parked'),
  last_error = iif(tries < ${TRIES_MAX}, last_error, 'the process ended during the last try'), tries = tries + (tries < ${TRIES_MAX})
WHERE seq = (SELECT seq FROM outbox WHERE state = 'due' AND due_at <= ?1 ORDER BY due_at LIMIT 1)
RETURNING seq, kind, part, key, (SELECT id FROM orders WHERE number = outbox.number), recipient, data, created_at, tries,
  due_at, state`;
// Only the holder of the lease settles: another process that claimed the mail after it has counted a try more, and one
// that was withdrawn meanwhile stays withdrawn.
const HELD = "seq = ?1 AND tries = ?2 AND state = 'due'";
const SENT = `UPDATE outbox SET state = 'sent', sent_at = ?3, due_at = ?3, last_error = ?4 WHERE ${HELD}`;
const WITHDRAWN = `UPDATE outbox SET state = 'withdrawn', due_at = ?3, last_error = ?4 WHERE ${HELD}`;
const FAILED = `UPDATE outbox SET state = iif(tries >= ${TRIES_MAX}, 'parked', 'due'), due_at = ?3, last_error = ?4 WHERE ${HELD}`;

/** A claimed mail, whose content was not read yet. */
export type Claim = Omit<Mail, "data"> & {
  json: string | null;
  leasedUntilMs: number;
  /** It has had its tries, and is not to be sent. */
  isParked: boolean;
};

type ClaimedRow = [
  number,
  string,
  number,
  string | null,
  string | null,
  string | null,
  string | null,
  number,
  number,
  number,
  string,
];

/** Claims the mail that is due longest until the lease ends. */
export const claimStatement = (nowMs: number, leaseMs: number): Statement => ({
  sql: CLAIM,
  args: [nowMs, nowMs + leaseMs],
});

/** The mail that `claimStatement` claimed; `null`: none was due. */
export function claimedMail(row: Row | undefined): Claim | null {
  if (!row) return null;
  const [seq, kind, part, key, orderId, recipient, json, createdAtMs, tries, leasedUntilMs, state] =
    row as ClaimedRow;
  const isParked = state === "parked";
  return { seq, kind, part, key, orderId, recipient, json, createdAtMs, tries, leasedUntilMs, isParked };
}

/** The claimed mail with its content. Throws where the row has none that can be read. */
export function mailOf({ json, leasedUntilMs, isParked, ...mail }: Claim): Mail {
  if (json === null) throw new Error("the row of the mail has no data");
  return { ...mail, data: JSON.parse(json) };
}

/** How a try ended. `refused` says why some recipients of a mail that others got are without it. */
export type Outcome =
  | { state: "sent"; atMs: number; refused: string | null }
  | { state: "withdrawn"; atMs: number; reason: string }
  | { state: "failed"; retryAtMs: number; reason: string };

/** Settles a claimed mail; does nothing where its lease has ended and another process has it. */
export function settleStatement({ seq, tries }: Pick<Mail, "seq" | "tries">, outcome: Outcome): Statement {
  switch (outcome.state) {
    case "sent":
      return { sql: SENT, args: [seq, tries, outcome.atMs, outcome.refused] };
    case "withdrawn":
      return { sql: WITHDRAWN, args: [seq, tries, outcome.atMs, outcome.reason] };
    case "failed":
      return { sql: FAILED, args: [seq, tries, outcome.retryAtMs, outcome.reason] };
  }
}

/** Whether a mail is due, in the local copy. */
export const isAnyDue = ({ read }: Readable, nowMs: number): boolean =>
  read.get("SELECT 1 FROM outbox WHERE state = 'due' AND due_at <= ? LIMIT 1", nowMs) !== undefined;

/** How many mails are due, and how many are parked; at most `COUNT_MAX` each. */
export function countWaiting({ read }: Readable): { due: number; parked: number } {
  const count = (state: string) =>
    read.get<[number]>(
      `SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state = '${state}' LIMIT ${COUNT_MAX})`,
    )?.[0] ?? 0;
  return { due: count("due"), parked: count("parked") };
}

/** For how long the mail that is due first has been waiting for a try, in ms; 0 where none is due. */
export function overdueMs({ read }: Readable, nowMs: number): number {
  const [dueAtMs] = read.get<[number]>(
    "SELECT due_at FROM outbox WHERE state = 'due' ORDER BY due_at LIMIT 1",
  ) ?? [nowMs];
  return Math.max(0, nowMs - dueAtMs);
}

const DAY_MS = 86_400_000;
const LATE = "older than a day when mail was first sent";

/** Whether a sender has started before, in the local copy. */
export const hasStarted = ({ read }: Readable): boolean => read.get("SELECT 1 FROM mail_start") !== undefined;

/** Mails that a write parks: it holds up no other write for long. */
export const LATE_MAX = 1_000;

const LATE_MAILS = "SELECT seq FROM outbox WHERE state = 'due' AND created_at < ?1";

/**
 * Parks some of the mails that would come more than a day late, and notes the first start of a sender with the last of them.
 * Where the first statement changed `LATE_MAX` rows there may be more.
 */
export const startStatements = (nowMs: number): Statement[] => [
  {
    sql: `UPDATE outbox SET state = 'parked', last_error = ?2
      WHERE seq IN (${LATE_MAILS} LIMIT ${LATE_MAX}) AND NOT EXISTS (SELECT 1 FROM mail_start)`,
    args: [nowMs - DAY_MS, LATE],
  },
  {
    sql: `INSERT INTO mail_start (one, at) SELECT 1, ?2 WHERE NOT EXISTS (${LATE_MAILS}) ON CONFLICT DO NOTHING`,
    args: [nowMs - DAY_MS, nowMs],
  },
];
