// The sender: sends the mails of the outbox that are due, one after the other, each under a lease.
import type { Database, Statement } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { messageOf } from "../../db/message.ts";
import { newWriteId } from "../../db/write/id.ts";
import { type Log, openSparseLog } from "../log.ts";
import type { Mail } from "./kind.ts";
import type { Composed } from "./message.ts";
import {
  claimedMail,
  claimStatement,
  countWaiting,
  hasStarted,
  isAnyDue,
  type Outcome,
  settleStatement,
  startStatements,
  TRIES_MAX,
} from "./outbox.ts";
import { MailError, type Transport } from "./transport.ts";

/** Times of the sender in ms; tests shorten them. */
export type SenderTimes = {
  /** Between two looks at the outbox. */
  lookMs: number;
  /** The lease of a claimed mail: longer than a mail may take with its commits. */
  leaseMs: number;
  /** Between two mails, so that requests come in between. */
  paceMs: number;
  /** Before the second try of a mail, and the longest pause. */
  pauseMs: number;
  pauseMaxMs: number;
  /** Before the next mail while the server is away, and the longest rest. */
  restMs: number;
  restMaxMs: number;
  /** How long a mail under way may hold up the end of the process. */
  closeMs: number;
};

export const SENDER_TIMES: SenderTimes = {
  lookMs: 1_000,
  leaseMs: 2 * 60_000,
  paceMs: 10,
  pauseMs: 5_000,
  pauseMaxMs: 12 * 3_600_000,
  restMs: 1_000,
  restMaxMs: 60_000,
  closeMs: 5_000,
};

export type SenderServices = {
  db: Database;
  transport: Transport;
  /** Composes a mail; `null` when nobody needs it any more. */
  compose(mail: Mail): Promise<Composed | null>;
  now(): number;
  log: Pick<Log, "warn">;
  /** From 0 to 1, spreads pauses. */
  random?(): number;
  times?: Partial<SenderTimes>;
};

/** The mails of this process by kind and outcome, and how many wait. */
export type SenderState = {
  mails: { kind: string; outcome: string; count: number }[];
  /** `null` while there is no copy to read. */
  waiting: { due: number; parked: number } | null;
};

export type Sender = {
  /** Begins to look for due mails. */
  start(): void;
  /** Looks once, and resolves when no mail is due or the server is away. Never rejects. */
  run(): Promise<void>;
  state(): SenderState;
  /** Sends no more, and resolves when the mail under way is settled. */
  close(): Promise<void>;
};

/** When a mail is tried again after so many tries: three times as late each time, and not all at once. */
export function pauseAfter(
  tries: number,
  random: number,
  { pauseMs, pauseMaxMs }: Pick<SenderTimes, "pauseMs" | "pauseMaxMs"> = SENDER_TIMES,
): number {
  const longest = Math.min(pauseMaxMs, pauseMs * 3 ** (tries - 1));
  return Math.round(longest * (0.5 + random / 2));
}

/** Opens the sender of a process. */
export function openSender(services: SenderServices): Sender {
  const { db, transport, compose, now, random = Math.random } = services;
  const times = { ...SENDER_TIMES, ...services.times };
  const log = openSparseLog(services.log, now);
  const counts = new Map<string, { kind: string; outcome: string; count: number }>();
  /** The settlement of the last mail, until it is stored: no other mail is sent before, so that a kill repeats one at most. */
  let unsettled: Statement | null = null;
  let restUntilMs = 0;
  let rests = 0;
  let isClosed = false;
  let timer: ReturnType<typeof setInterval> | undefined;
  let running: Promise<void> | null = null;

  /** Stores the settlement of the last mail and claims the next one, in one group. Rejects with `DatabaseError`. */
  const advance = async (): Promise<Mail | null> => {
    const goesOn = !isClosed && now() >= restUntilMs;
    const claim = goesOn ? [claimStatement(now(), times.leaseMs)] : [];
    const group = [...(unsettled ? [unsettled] : []), ...claim];
    if (group.length === 0) return null;
    const results = await db.write(group, newWriteId());
    unsettled = null;
    return goesOn ? claimedMail(results.at(-1)?.rows[0]) : null;
  };

  const attempt = async (mail: Mail): Promise<Outcome> => {
    try {
      const composed = await compose(mail);
      if (!composed) return { state: "withdrawn", atMs: now(), reason: "no longer needed" };
      await transport.send(composed);
      rests = 0;
      return { state: "sent", atMs: now() };
    } catch (thrown) {
      const reason = messageOf(thrown);
      if (thrown instanceof MailError && thrown.isServer) rest();
      log.warn("a mail was not sent", { kind: mail.kind, mail: String(mail.seq), tries: mail.tries, reason });
      return { state: "failed", retryAtMs: now() + pauseAfter(mail.tries, random(), times), reason };
    }
  };

  const rest = () => {
    const longest = Math.min(times.restMaxMs, times.restMs * 2 ** Math.min(rests, 20));
    restUntilMs = now() + Math.round(longest * (0.5 + random() / 2));
    rests += 1;
  };

  const sendDue = async (): Promise<void> => {
    try {
      if (!hasStarted(db)) await db.write(startStatements(now()), newWriteId());
      if (unsettled === null && !isAnyDue(db, now())) return;
      for (let mail = await advance(); mail !== null; mail = await advance()) {
        const outcome = await attempt(mail);
        unsettled = settleStatement(mail, outcome);
        count(mail, outcome);
        if (!isClosed) await Bun.sleep(times.paceMs);
      }
    } catch (thrown) {
      log.warn("the outbox could not be read or written", { error: messageOf(thrown) });
    }
    transport.close();
  };

  const count = ({ kind, tries }: Mail, { state }: Outcome) => {
    const outcome = state === "failed" && tries >= TRIES_MAX ? "parked" : state;
    const key = `${kind} ${outcome}`;
    const found = counts.get(key) ?? { kind, outcome, count: 0 };
    found.count += 1;
    counts.set(key, found);
  };

  const run = (): Promise<void> => {
    running ??= sendDue().finally(() => {
      running = null;
    });
    return running;
  };
  return {
    start() {
      timer = setInterval(() => void run(), times.lookMs);
    },
    run,
    state: () => ({ mails: [...counts.values()], waiting: waitingIn(db) }),
    async close() {
      isClosed = true;
      clearInterval(timer);
      if (running === null) return;
      await Promise.race([running, Bun.sleep(times.closeMs)]);
      transport.close();
      await running;
    },
  };
}

function waitingIn(db: Database): SenderState["waiting"] {
  try {
    return countWaiting(db);
  } catch (thrown) {
    if (thrown instanceof DatabaseError) return null;
    throw thrown;
  }
}
