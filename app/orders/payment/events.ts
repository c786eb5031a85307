// Events of the gateway: each is only a hint, after which the gateway itself is asked, and counts once.
import type { Statement } from "../../../db/database.ts";
import { DatabaseError } from "../../../db/errors.ts";
import { messageOf } from "../../../db/message.ts";
import { Problem } from "../../http/problems.ts";
import type { PaymentState } from "./gateway.ts";
import { type Finding, type InquiryServices, isFinal, lookUp, storeOutcome } from "./inquiry.ts";

/** An event after its signature was checked. */
export type PaymentEvent = {
  id: string;
  orderId: string;
  /** Whether it says that the payment has an outcome; others change nothing. */
  isFinal: boolean;
};

/** The result of an event; `repeated`: it has taken effect before. */
export type Receipt = Finding | "repeated";

const KNOWN = "SELECT 1 FROM payment_events WHERE id = ?";
const EXISTS = "SELECT 1 FROM orders WHERE id = ?";
const KEEP = "INSERT INTO payment_events (id, number, at) SELECT ?1, number, ?3 FROM orders WHERE id = ?2";

/** Receives an event. Throws the `Problem` 404 for an unknown order, 503 when the gateway does not answer, and `DatabaseError`. */
export async function receiveEvent(services: InquiryServices, event: PaymentEvent): Promise<Receipt> {
  const { db, now } = services;
  const [isThere, isKnown] = await db.onPrimary(({ read }) => [
    read.get(EXISTS, event.orderId) !== undefined,
    read.get(KNOWN, event.id) !== undefined,
  ]);
  if (!isThere) throw new Problem("not-found", "no order has this payment");
  if (isKnown) return "repeated";
  if (!event.isFinal) return "waiting";
  const state = await ask(services, event.orderId);
  if (!isFinal(state)) return "waiting";
  const kept: Statement = { sql: KEEP, args: [event.id, event.orderId, now()] };
  try {
    return await storeOutcome(services, event.orderId, state, [kept]);
  } catch (thrown) {
    // The same event, delivered at the same time, was first.
    if (thrown instanceof DatabaseError && thrown.columns.includes("payment_events.id")) return "repeated";
    throw thrown;
  }
}

async function ask({ gateway, log }: InquiryServices, orderId: string): Promise<PaymentState | null> {
  try {
    return await lookUp(gateway, orderId);
  } catch (thrown) {
    log.warn("the payment gateway sent an event, but did not answer", { error: messageOf(thrown) });
    throw new Problem("unavailable", "the payment gateway does not answer", [], { "retry-after": "10" });
  }
}
