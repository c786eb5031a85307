// The outbox as operators see it: lists of its mails, never with what they say, and the release of a parked one.
import type { Database, Readable } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { timeSql } from "../../db/sql.ts";
import { requires } from "../../db/write/guard.ts";
import { decodeNumber } from "../http/cursor.ts";
import { COUNT_MAX, offsetOf, type Page, readPageOf } from "../http/paging.ts";
import { readParameters } from "../http/parameters.ts";
import { Problem } from "../http/problems.ts";
import { commitWrite, orProblem, type Write } from "../http/write.ts";
import type { StoredAnswer } from "../http/write-answer.ts";

/** The states that a list may be of; both have an index, so that a list looks at no other rows. */
export const LISTED_STATES = ["parked", "due"] as const;

/** The query of a list; `state` is `null` for mails in every state. */
export type MailListing = { page: Page; state: (typeof LISTED_STATES)[number] | null };

const SEQ_MAX = Number.MAX_SAFE_INTEGER;

/** The JSON object of a mail over the row of `outbox`. Neither `data` nor a link is in it. */
const MAIL_JSON = `json_object('id', outbox.seq || '', 'kind', kind,
  'orderId', (SELECT id FROM orders WHERE number = outbox.number), 'recipient', recipient, 'state', state, 'tries', tries,
  'lastError', last_error, 'dueAt', ${timeSql("due_at")}, 'createdAt', ${timeSql("created_at")}, 'sentAt', ${timeSql("sent_at")})`;

/** The rows of a list. Of more mails that are due than a count looks at, those that are due first. */
const ROWS = {
  all: "outbox WHERE true",
  parked: "outbox INDEXED BY outbox_parked WHERE state = 'parked'",
  due: `(SELECT seq FROM outbox INDEXED BY outbox_due WHERE state = 'due' ORDER BY due_at LIMIT ${COUNT_MAX}) WHERE true`,
};

/** Reads the part of the outbox that a query asks for. Throws the `Problem` 400 that names every bad parameter. */
export function readMailListing(params: URLSearchParams): MailListing {
  const parameters = readParameters(params);
  const page = readPageOf(parameters, decodeNumber);
  const state = parameters.choice("state", LISTED_STATES);
  parameters.check();
  return { page, state };
}

/** The newest mails first, one more than the page takes. */
export const listMails = (
  { read }: Readable,
  { page, state }: MailListing,
): { seq: number; item: unknown }[] =>
  read
    .all<[number, string]>(
      `SELECT seq, ${MAIL_JSON} FROM outbox WHERE seq IN (
  SELECT seq FROM ${ROWS[state ?? "all"]} AND seq < ?1 ORDER BY seq DESC LIMIT ?2 OFFSET ?3
) ORDER BY seq DESC`,
      page.position ?? SEQ_MAX,
      page.limit + 1,
      offsetOf(page),
    )
    .map(([seq, json]) => ({ seq, item: JSON.parse(json) }));

/** The number of mails; counts at most `COUNT_MAX`. */
export const countMails = ({ read }: Readable, { state }: MailListing): number =>
  must(
    read.get<[number]>(`SELECT count(*) FROM (SELECT 1 FROM ${ROWS[state ?? "all"]} LIMIT ${COUNT_MAX})`),
    "a count",
  )[0];

const ID = /^[1-9]\d{0,14}$/;
// The error stays until the next try, so that it can be seen why the mail was parked.
const RELEASE = `UPDATE outbox SET state = 'due', due_at = ?2, tries = 0 WHERE seq = ?1 RETURNING ${MAIL_JSON}`;

/**
 * Makes a parked mail due now, with all its tries, and returns its JSON; an Idempotency-Key keeps no more than that this was
 * done. Throws the `Problem`: 404 without such a mail, 409 for one that is not parked.
 */
export async function releaseMail(db: Database, write: Write, mailId: string): Promise<StoredAnswer> {
  const seq = seqOf(mailId);
  const group = {
    statements: [
      requires("EXISTS (SELECT 1 FROM outbox WHERE seq = ?1 AND state = 'parked')", seq),
      { sql: RELEASE, args: [seq, write.nowMs] },
    ],
    audit: { action: "mail.release", subject: mailId },
    answer: { status: 200, headers: "json_object()", body: "NULL", from: "", args: [] },
  };
  const { results } = await orProblem(commitWrite(db, write, group), "the mail", () => notParked(db, seq));
  const [json] = must(results[1]?.rows[0], "the mail that was released");
  return { status: 200, headers: {}, body: String(json) };
}

/** The JSON of a mail. Throws the `Problem` 404 without such a mail. */
export const mailJson = (db: Database, mailId: string): Promise<string> =>
  db.onPrimary(({ read }) => {
    const row = read.get<[string]>(`SELECT ${MAIL_JSON} FROM outbox WHERE seq = ?`, seqOf(mailId));
    if (!row) throw noMail();
    return row[0];
  });

async function notParked(db: Database, seq: number): Promise<Problem> {
  const row = await db.onPrimary(({ read }) =>
    read.get<[string]>("SELECT state FROM outbox WHERE seq = ?", seq),
  );
  return row ? new Problem("conflict", `the mail is ${row[0]}: only a parked one is released`) : noMail();
}

function seqOf(mailId: string): number {
  if (!ID.test(mailId)) throw noMail();
  return Number(mailId);
}

const noMail = () => new Problem("not-found", "there is no mail with this id");
