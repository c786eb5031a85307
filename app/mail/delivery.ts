// The delivery: claims the mails that are due one after the other, sends each under its lease, and settles it.
import type { Database, Statement } from "../../db/database.ts";
import { messageOf } from "../../db/message.ts";
import { newWriteId } from "../../db/write/id.ts";
import { type Log, openSparseLog } from "../log.ts";
import type { Mail } from "./kind.ts";
import type { Mailer } from "./mailer.ts";
import type { Message } from "./message.ts";
import {
  type Claim,
  claimedMail,
  claimStatement,
  hasStarted,
  isAnyDue,
  LATE_MAX,
  mailOf,
  type Outcome,
  settleStatement,
  startStatements,
  TRIES_MAX,
} from "./outbox.ts";
import { openPause, openRest, paceAfter, pauseAfter, type Rest, type SenderTimes } from "./times.ts";
import { MailError } from "./transport.ts";

export type DeliveryServices = {
  db: Database;
  mailer: Mailer;
  /** Writes a mail; `null` when it is no longer needed. */
  write(mail: Mail): Promise<Message | null>;
  now(): number;
  log: Pick<Log, "warn">;
  /** From 0 to 1, spreads pauses. */
  random(): number;
  times: SenderTimes;
  /** Called with the kind of each mail and what became of it. */
  onOutcome(kind: string, outcome: "sent" | "withdrawn" | "failed" | "parked"): void;
};

export type Delivery = {
  /** Delivers what is due, and resolves when nothing is, when the server is away, or after `stop`. Never rejects. */
  run(): Promise<void>;
  /** Claims and sends no more; `run` then only stores what the last mail's settlement left. */
  stop(): void;
};

const REASON_LENGTH_MAX = 500;
/** Looks that are skipped after the local copy showed a mail as due that another process had claimed already. */
const LOOKS_BEHIND = 10;

/** Opens the delivery of a process. */
export function openDelivery(given: DeliveryServices): Delivery {
  const { db, mailer, now, times, onOutcome } = given;
  const log = openSparseLog(given.log, now);
  const services = { ...given, log };
  const rest = openRest(services);
  const copyPause = openPause(now);
  /** Stored before any other mail is sent, so that the end of the process repeats one mail at most. */
  let unsettled: Statement | null = null;
  let committedMs = 0;
  let isStarted = false;
  let isStopped = false;

  const start = async () => {
    isStarted ||= hasStarted(db);
    while (!isStarted && !isStopped) isStarted = await parkLate(services);
  };

  /** Stores the settlement of the last mail and claims the next one, in one group. Rejects with `DatabaseError`. */
  const advance = async (): Promise<Claim | null> => {
    const claim = !isStopped && rest.isOver() ? claimStatement(now(), times.leaseMs) : null;
    const group = [unsettled, claim].filter((statement) => statement !== null);
    if (group.length === 0) return null;
    const startedAtMs = now();
    const results = await db.write(group, newWriteId());
    committedMs = now() - startedAtMs;
    const claimed = claim && claimedMail(results.at(-1)?.rows[0]);
    // The local copy is behind: each look at it would cost another write that claims nothing.
    if (unsettled === null && claimed === null) copyPause.begin(LOOKS_BEHIND * times.lookMs);
    unsettled = null;
    return claimed;
  };

  const isWorkLeft = () => unsettled !== null || (!isStopped && copyPause.isOver() && isAnyDue(db, now()));

  const settle = (claim: Claim, outcome: Outcome) => {
    unsettled = settleStatement(claim, outcome);
    if (outcome.state === "failed" && claim.tries >= TRIES_MAX) notePark(claim);
    else onOutcome(claim.kind, outcome.state);
  };

  const notePark = ({ kind, seq }: Claim) => {
    onOutcome(kind, "parked");
    // Not in the sparse log: an admin has to look at each.
    given.log.warn("a mail is parked: an admin may release it", { kind, mail: String(seq) });
  };

  const deliverDue = async () => {
    for (let claim = await advance(); claim !== null; claim = await advance()) {
      if (claim.isParked) notePark(claim);
      else if (isStopped) settle(claim, { state: "failed", retryAtMs: now(), reason: "the process ended" });
      else settle(claim, await attempt(services, claim, rest));
      await Bun.sleep(isStopped ? 0 : paceAfter(committedMs, times));
    }
  };

  return {
    async run() {
      try {
        await start();
        if (isWorkLeft()) await deliverDue();
      } catch (thrown) {
        log.warn("the outbox could not be read or written", { error: messageOf(thrown) });
      }
      mailer.close();
    },
    stop() {
      isStopped = true;
    },
  };
}

/** Parks late mails of a first start; the part with the last ones notes the start, and only then is the answer true. */
async function parkLate({ db, now, log }: DeliveryServices): Promise<boolean> {
  const [parked] = await db.write(startStatements(now()), newWriteId());
  const count = parked?.changes ?? 0;
  if (count > 0) log.warn("mails that would be more than a day late are parked", { mails: count });
  return count < LATE_MAX;
}

/** Tries to send a claimed mail. Never rejects: what went wrong is the outcome. */
async function attempt(services: DeliveryServices, claim: Claim, rest: Rest): Promise<Outcome> {
  const { mailer, write, now, log, random, times } = services;
  const { kind, seq, tries, leasedUntilMs } = claim;
  const noted = { kind, mail: String(seq), tries };
  try {
    const message = await write(mailOf(claim));
    if (!message) return { state: "withdrawn", atMs: now(), reason: "no longer needed" };
    if (now() >= leasedUntilMs) throw new Error("the lease ended before the mail was sent");
    const refusals = await mailer.send(message);
    rest.forget();
    const refused = refusals.length === 0 ? null : reasonOf(refusals.join("; "));
    if (refused !== null)
      log.warn("a mail did not reach all recipients", { ...noted, reason: masked(refused) });
    return { state: "sent", atMs: now(), refused };
  } catch (thrown) {
    const reason = reasonOf(messageOf(thrown));
    if (thrown instanceof MailError) thrown.isServer ? rest.begin() : rest.forget();
    log.warn("a mail was not sent", { ...noted, reason: masked(reason) });
    return { state: "failed", retryAtMs: now() + pauseAfter(tries, random(), times), reason };
  }
}

/** One line that a row can hold, whatever a server answered: a settlement that cannot be stored would stop all mails. */
const reasonOf = (message: string): string =>
  message
    .replace(/\p{Cc}+/gu, " ")
    .slice(0, REASON_LENGTH_MAX)
    .toWellFormed();

/** Servers repeat the recipient in their answers; addresses of customers are not logged. */
const masked = (reason: string): string => reason.replace(/[^\s<>"']+@[^\s<>"']+/g, "***");
