// The sender of a process: looks at the outbox once a second, and sends the mails that are due.
//
// A mail is sent at least once. It is sent again only when its server took it and that was not stored: the answer was
// lost, the process ended in between, or the settlement could not be stored (or the process stood still) until the lease
// ran out. A process has one such mail at most, because no other is sent before it is settled; all tries of a mail have
// the same Message-ID, by which a receiver can drop a repeat.
import { readIfAny } from "../../db/read/local.ts";
import { type OutcomeCount, openOutcomes } from "../ops/outcomes.ts";
import { type DeliveryServices, openDelivery } from "./delivery.ts";
import { countWaiting, overdueMs } from "./outbox.ts";
import { SENDER_TIMES, type SenderTimes } from "./times.ts";

export type SenderServices = Pick<DeliveryServices, "db" | "mailer" | "write" | "now" | "log"> & {
  /** From 0 to 1: when the first look comes, and how pauses are spread. */
  random?(): number;
  times?: Partial<SenderTimes>;
};

/** The mails of this process by kind and outcome, how many wait, and for how long the first of them; `null`: no copy to read. */
export type SenderState = {
  mails: OutcomeCount[];
  waiting: ReturnType<typeof countWaiting> | null;
  overdueMs: number | null;
};

export type Sender = {
  /** Begins to look for due mails. */
  start(): void;
  /** Looks once, and resolves when no mail is due or the server is away. Never rejects. */
  run(): Promise<void>;
  state(): SenderState;
  /** Sends no more, and resolves when the mail under way is settled; it is cut off where it takes too long. */
  close(): Promise<void>;
};

/** Opens the sender of a process. */
export function openSender(given: SenderServices): Sender {
  const { db, mailer, now, random = Math.random } = given;
  const times = { ...SENDER_TIMES, ...given.times };
  const outcomes = openOutcomes();
  const delivery = openDelivery({ ...given, random, times, onOutcome: outcomes.add });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | null = null;

  const run = (): Promise<void> => {
    running ??= delivery.run().finally(() => {
      running = null;
    });
    return running;
  };
  return {
    start() {
      const begin = () => {
        timer = setInterval(run, times.lookMs);
        void run();
      };
      // At a time of its own, so that processes that start together do not look together.
      timer = setTimeout(begin, times.lookMs * random());
    },
    run,
    state: () => ({
      mails: outcomes.all(),
      waiting: readIfAny(() => countWaiting(db)),
      overdueMs: readIfAny(() => overdueMs(db, now())),
    }),
    async close() {
      clearTimeout(timer);
      delivery.stop();
      const cutOff = setInterval(() => mailer.close(), times.closeMs);
      await run();
      // Once more for what that run could not store.
      await run();
      clearInterval(cutOff);
      mailer.end();
    },
  };
}
