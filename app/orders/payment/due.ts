// The requests to the gateway that are due, as the local copy shows them.
import type { Readable } from "../../../db/database.ts";
import { type PaymentRequest, requestKey } from "./effects.ts";

/** A request that is due, with where its order stands. */
export type DueRequest = PaymentRequest & {
  dueAt: number;
  status: string;
  paymentStatus: string;
  /** `null`: the first answer to the authorisation was not stored. */
  heldUntil: number | null;
};

type DueRow = [string, number, PaymentRequest["kind"], number, number, number, string, string, number | null];

const DUE = `SELECT o.id, r.number, r.kind, r.refund, r.amount_cents, r.due_at, o.status, o.payment_status, o.held_until
FROM payment_requests AS r CROSS JOIN orders AS o ON o.number = r.number
WHERE r.state = 'due' AND r.due_at <= ? ORDER BY r.due_at LIMIT ?`;

/** The requests that are due at this time, the oldest first. */
export const findDue = ({ read }: Readable, nowMs: number, countMax: number): DueRequest[] =>
  read
    .all<DueRow>(DUE, nowMs, countMax)
    .map(([orderId, number, kind, refund, amountCents, dueAt, status, paymentStatus, heldUntil]) => ({
      orderId,
      number,
      kind,
      refund,
      amountCents,
      key: requestKey(orderId, kind, refund),
      dueAt,
      status,
      paymentStatus,
      heldUntil,
    }));

/** The numbers of requests and orders that wait, for operators. */
export function countWaiting({ read }: Readable): { requests: number; orders: number } {
  const [requests = 0] =
    read.get<[number]>("SELECT count(*) FROM payment_requests WHERE state = 'due'") ?? [];
  const [orders = 0] =
    read.get<[number]>(
      "SELECT count(*) FROM orders WHERE status = 'pending' AND payment_status <> 'authorizing'",
    ) ?? [];
  return { requests, orders };
}
