// An inquiry: what the gateway knows about an order's payment, stored as the outcome that it is, or as none yet.
import type { Database, Row, Statement } from "../../../db/database.ts";
import { newWriteId } from "../../../db/write/id.ts";
import type { Log } from "../../log.ts";
import { askGateway, type Gateway, type PaymentState } from "./gateway.ts";
import { statementsOf } from "./settle.ts";

export type InquiryServices = { db: Database; gateway: Gateway; now(): number; log: Pick<Log, "warn"> };

/** The result of an inquiry. `waiting`: the payment has no outcome yet; `unchanged`: the order was settled before. */
export type Finding = "confirmed" | "declined" | "voided" | "waiting" | "unchanged";

/** A payment with an outcome never gets another one, but that it is captured or given back. */
type Final = PaymentState & { status: "authorized" | "captured" | "declined" | "voided" };

const FINDINGS = {
  authorized: "confirmed",
  captured: "confirmed",
  declined: "declined",
  voided: "voided",
} as const;

const STANDING = "SELECT number, status, payment_status FROM orders WHERE id = ?";
/** An order that is cancelled must not keep an amount reserved: the gateway is asked to release it. */
const RELEASE = `INSERT INTO payment_requests (number, kind, amount_cents, state, due_at, created_at)
SELECT number, 'void', total_cents, 'due', ?2, ?2 FROM orders WHERE id = ?1 AND status = 'cancelled'
ON CONFLICT (number, kind, refund) DO NOTHING`;

/** Asks what the gateway knows, within its deadline; `null`: it does not know the order. Rejects without an answer. */
export const lookUp = (gateway: Gateway, orderId: string): Promise<PaymentState | null> =>
  askGateway((signal) => gateway.lookUp(orderId, signal));

export const isFinal = (state: PaymentState | null): state is Final =>
  state !== null && state.status !== "processing" && state.status !== "requires_action";

/** Asks the gateway about an order and stores the outcome, if there is one. Rejects without an answer, and with `DatabaseError`. */
export async function inquire(services: InquiryServices, orderId: string): Promise<Finding> {
  const state = await lookUp(services.gateway, orderId);
  return isFinal(state) ? storeOutcome(services, orderId, state) : "waiting";
}

/**
 * Stores an outcome in one conditional group, together with `more`; an order that was settled before stays as it is. Rejects
 * with `DatabaseError`.
 */
export async function storeOutcome(
  { db, now, log }: Omit<InquiryServices, "gateway">,
  orderId: string,
  state: Final,
  more: Statement[] = [],
): Promise<Finding> {
  const nowMs = now();
  const isReserved = state.status === "authorized";
  const results = await db.write(
    [
      ...statementsOf(orderId, state, nowMs),
      ...(isReserved ? [{ sql: RELEASE, args: [orderId, nowMs] }] : []),
      ...more,
      { sql: STANDING, args: [orderId] },
    ],
    newWriteId(),
  );
  if (results[0]?.rows.length === 1) return FINDINGS[state.status];
  noteContradiction(log, state, results.at(-1)?.rows[0]);
  return "unchanged";
}

/** The books stay as they are: an admin decides about a payment that failed after the order was confirmed. */
function noteContradiction(log: Pick<Log, "warn">, state: Final, row: Row | undefined): void {
  const [order, status, paymentStatus] = row ?? [];
  const hasFailed = state.status === "declined" || state.status === "voided";
  const isPaid = paymentStatus === "authorized" || paymentStatus === "captured";
  if (hasFailed && isPaid)
    log.warn("the gateway says that the payment of a confirmed order has failed", {
      order,
      status,
      paymentStatus,
      gateway: state.status,
    });
  if (state.status === "authorized" && status === "cancelled")
    log.warn("the payment of a cancelled order is authorised, and will be released", { order });
}
