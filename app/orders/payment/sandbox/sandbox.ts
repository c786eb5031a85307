// The sandbox gateway: stands for a payment company in development and tests. Its records are tables of its own.
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../../../db/database.ts";
import type { Log } from "../../../log.ts";
import type { AuthoriseRequest, Gateway, PaymentState, Settled } from "../gateway.ts";
import { type Deliver, openDeliveries } from "./deliveries.ts";
import { openRecords, type SandboxPayment } from "./records.ts";
import { type Course, courseOf, TOKENS } from "./tokens.ts";

/** The choices of a customer on the sandbox's page. `lose`: pays, and the shop gets no event. */
export const CHOICES = ["pay", "decline", "lose", "twice"] as const;
export type Choice = (typeof CHOICES)[number];

export type Sandbox = Gateway & {
  /** The payment for the page; `null` for an unknown one. */
  find(id: string): Promise<SandboxPayment | null>;
  /** Ends a payment that waits for its customer; `false` when it does not wait any more. */
  choose(id: string, choice: Choice): Promise<boolean>;
  /** Sets the receiver of its events. */
  deliverTo(deliver: Deliver): void;
  /** Gives up what it would have answered or delivered later, and waits for what is under way. */
  close(): Promise<void>;
};

export type SandboxOptions = {
  now(): number;
  log: Pick<Log, "warn">;
  /** The address of its page, without a last slash. */
  pageUrl: string;
  /** Waits, by default by the clock; rejects when the signal aborts. */
  wait?(ms: number, signal: AbortSignal): Promise<unknown>;
};

/** How often the event of a choice is delivered, all at once. */
const EVENTS: Record<Choice, number> = { pay: 1, decline: 1, lose: 0, twice: 3 };

const byTheClock = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal });

/** Opens the sandbox on the shop's database. */
export function openSandbox(db: Database, { now, log, pageUrl, wait = byTheClock }: SandboxOptions): Sandbox {
  const records = openRecords(db, now);
  const deliveries = openDeliveries({ now, log, wait });
  const stateOf = (id: string, { status, capturedCents, refundedCents }: SandboxPayment): PaymentState => ({
    status,
    reference: `sandbox-${id}`,
    redirectUrl: status === "requires_action" ? `${pageUrl}/${id}` : null,
    capturedCents,
    refundedCents,
  });

  /** The answer to an authorisation comes when its course says, or never. */
  const answer = async (id: string, course: Course, payment: SandboxPayment, signal: AbortSignal) => {
    if (course.answersMs === "lost") throw new Error("the connection was closed before the answer");
    if (course.answersMs === 0) return stateOf(id, payment);
    await wait(course.answersMs, AbortSignal.any([signal, deliveries.signal]));
    return stateOf(id, (await records.find(id)) ?? payment);
  };

  return {
    name: "sandbox",
    refusalOf: (token) => (courseOf(token) ? null : `must be one of ${TOKENS.join(", ")}`),
    async authorise({ orderId, amountCents, currency, token, returnUrl }: AuthoriseRequest, signal) {
      signal.throwIfAborted();
      // A text that is no token of the sandbox may be a card's number: it is not stored.
      const course = courseOf(token);
      const { status, settlesMs, events } = course ?? DECLINED;
      const payment = await records.add({
        id: orderId,
        token: course ? (token ?? "") : "",
        amountCents,
        currency,
        status,
        returnUrl,
        settlesAt: settlesMs === null ? null : now() + settlesMs,
      });
      deliveries.add(orderId, { times: events, afterMs: settlesMs ?? 0 });
      return answer(orderId, course ?? DECLINED, payment, signal);
    },
    async capture(orderId, amountCents, signal) {
      signal.throwIfAborted();
      return doneIf(await records.capture(orderId, amountCents), "this amount is not authorised");
    },
    async void(orderId, signal) {
      signal.throwIfAborted();
      return doneIf(await records.void(orderId), "the payment was captured");
    },
    async refund(orderId, amountCents, key, signal) {
      signal.throwIfAborted();
      return doneIf(await records.refund(orderId, amountCents, key), "more than was captured");
    },
    async lookUp(orderId, signal) {
      signal.throwIfAborted();
      const payment = await records.find(orderId);
      return payment ? stateOf(orderId, payment) : null;
    },
    find: records.find,
    async choose(id, choice) {
      const isChosen = await records.settle(id, choice === "decline" ? "declined" : "authorized");
      if (isChosen) deliveries.add(id, { times: EVENTS[choice], afterMs: 0 });
      return isChosen;
    },
    deliverTo: deliveries.to,
    close: deliveries.close,
  };
}

const DECLINED: Course = { status: "declined", answersMs: 0, settlesMs: null, events: 0 };

const doneIf = (isDone: boolean, reason: string): Settled =>
  isDone ? { outcome: "done" } : { outcome: "refused", reason };
