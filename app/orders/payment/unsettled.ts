// An authorisation without an outcome: an inquiry at the gateway, after which the order is confirmed, kept or cancelled.
import { messageOf } from "../../../db/message.ts";
import { isUnmet, requires } from "../../../db/write/guard.ts";
import { newWriteId } from "../../../db/write/id.ts";
import { cancellationOf } from "../cancellation.ts";
import type { DueRequest } from "./due.ts";
import { requestKey } from "./effects.ts";
import type { PaymentState } from "./gateway.ts";
import { type Finding, isFinal, lookUp, storeOutcome } from "./inquiry.ts";
import { performRequest, type RequestServices, takeLease } from "./requests.ts";
import { ASK_AGAIN_MS, statementsOf, UNSETTLED } from "./settle.ts";

/** The result of an inquiry; `leased`: another process has the request. */
export type Ending = Finding | "leased";

/** Not later than the end of the hold, unless that is over. */
const ASK_AGAIN = `UPDATE payment_requests
SET due_at = coalesce((SELECT held_until FROM orders WHERE number = ?1 AND held_until BETWEEN ?2 AND ?3), ?3)
WHERE number = ?1 AND kind = 'authorise' AND state = 'due'`;
const CLOSE = `UPDATE payment_requests SET state = ?2, settled_at = ?3
WHERE number = ?1 AND kind = 'authorise' AND state = 'due'
  AND EXISTS (SELECT 1 FROM orders WHERE number = ?1 AND status <> 'pending')`;
const STILL_UNSETTLED = `EXISTS (SELECT 1 FROM orders
  WHERE id = ? AND status = 'pending' AND payment_status IN ${UNSETTLED}`;

/** The gateway's answer about a payment; `null`: the payment is unknown there; `unknown`: there was no answer. */
type Answer = PaymentState | null | "unknown";

/** Settles an authorisation under its lease. Rejects with `DatabaseError`; what the gateway fails at is logged. */
export async function settleUnsettled(services: RequestServices, due: DueRequest): Promise<Ending> {
  const tries = await takeLease(services, due);
  if (tries === null) return "leased";
  if (due.status !== "pending") return close(services, due);
  const answer = await ask(services, due);
  if (answer !== "unknown" && isFinal(answer)) return storeOutcome(services, due.orderId, answer);
  const isOver = due.heldUntil !== null && due.heldUntil <= services.now();
  // A payment that the gateway does not know may still be under way to it: after the void it is refused there.
  if (answer === null || isOver) return release(services, due, isOver);
  return keep(services, due, answer, tries);
}

async function ask({ gateway, log }: RequestServices, { orderId, number }: DueRequest): Promise<Answer> {
  try {
    return await lookUp(gateway, orderId);
  } catch (thrown) {
    log.warn("the payment gateway did not answer an inquiry", { order: number, error: messageOf(thrown) });
    return "unknown";
  }
}

/**
 * Cancels the order, and then voids the payment: in this order, because an outcome that arrives in between finds a cancelled
 * order, and not a confirmed one without its money.
 */
async function release(services: RequestServices, due: DueRequest, isOver: boolean): Promise<Ending> {
  const { db, now } = services;
  const { orderId, number, amountCents } = due;
  const nowMs = now();
  const isStill = isOver
    ? requires(`${STILL_UNSETTLED} AND held_until <= ?)`, orderId, nowMs)
    : requires(`${STILL_UNSETTLED})`, orderId);
  try {
    await db.write([isStill, ...cancellationOf(orderId, "system", nowMs)], newWriteId());
  } catch (thrown) {
    if (isUnmet(thrown)) return "unchanged";
    throw thrown;
  }
  const key = requestKey(orderId, "void", 0);
  await performRequest(services, { orderId, number, kind: "void", refund: 0, amountCents, key });
  return "voided";
}

/** Keeps the order as it is, with what is new about its payment, until the next inquiry. */
async function keep(
  { db, now, random = Math.random }: RequestServices,
  { orderId, number, paymentStatus }: DueRequest,
  answer: Answer,
  tries: number,
): Promise<"waiting"> {
  const state = answer === "unknown" ? null : answer;
  const found = state?.status === "requires_action" ? "requires_action" : "unknown";
  const isNews = paymentStatus === "authorizing" || (state !== null && found !== paymentStatus);
  const nowMs = now();
  const againMs = nowMs + Math.round(ASK_AGAIN_MS * tries * (0.5 + random()));
  await db.write(
    [
      ...(isNews ? statementsOf(orderId, state, nowMs) : []),
      { sql: ASK_AGAIN, args: [number, nowMs, againMs] },
    ],
    newWriteId(),
  );
  return "waiting";
}

/** Ends the request of an order that was settled in another way: a cancelled one has a void of its own. */
async function close({ db, now }: RequestServices, { number, status }: DueRequest): Promise<"unchanged"> {
  const how = status === "cancelled" ? "refused" : "done";
  await db.write([{ sql: CLOSE, args: [number, how, now()] }], newWriteId());
  return "unchanged";
}
