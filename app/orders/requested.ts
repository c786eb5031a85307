// The requests of an order to the payment gateway: each is written with its cause, then performed at once.
import { setTimeout as sleep } from "node:timers/promises";
import type { Database, Readable, Statement } from "../../db/database.ts";
import { Problem } from "../http/problems.ts";
import type { Log } from "../log.ts";
import { type PaymentRequest, requestKey } from "./payment/effects.ts";
import type { Gateway } from "./payment/gateway.ts";
import { LEASE_MS, type Outcome, performUnderLease } from "./payment/requests.ts";

/** The services by which the gateway is asked. */
export type AskServices = { db: Database; log: Pick<Log, "warn">; now(): number };

/** A capture or a void of an order (`refund` 0), or one of its refunds. */
export type Subject = { orderId: string; kind: "capture" | "void" | "refund"; refund: number };

/** A request as it stands. */
export type Requested = { number: number; state: string; amountCents: number };

const AGAIN = { "retry-after": "2" };
/** How often, and how long apart, a request that another process performs is looked at: for about two seconds. */
const LOOKS_MAX = 20;
const LOOK_MS = 100;

const REQUEST = `INSERT INTO payment_requests (number, kind, amount_cents, state, due_at, created_at)
SELECT number, ?2, total_cents, 'due', ?3, ?4 FROM orders WHERE id = ?1 AND payment_method = 'card'
ON CONFLICT (number, kind, refund) DO UPDATE
  SET state = 'due', due_at = excluded.due_at, tries = 0, created_at = excluded.created_at, settled_at = NULL`;

const REQUESTED = `SELECT o.number, r.state, r.amount_cents FROM orders AS o
JOIN payment_requests AS r ON r.number = o.number AND r.kind = ? AND r.refund = ? WHERE o.id = ?`;

/** The statement that requests the capture or the void of a card's payment; this process makes the first attempt. */
export const requesting = (orderId: string, kind: "capture" | "void", nowMs: number): Statement => ({
  sql: REQUEST,
  args: [orderId, kind, nowMs + LEASE_MS, nowMs],
});

/** A request, if it was ever made. */
export function requestOf({ read }: Readable, { orderId, kind, refund }: Subject): Requested | null {
  const row = read.get<[number, string, number]>(REQUESTED, kind, refund, orderId);
  if (!row) return null;
  const [number, state, amountCents] = row;
  return { number, state, amountCents };
}

/** Asks the gateway for what was requested; the outcome is that of the process that got the answer. */
export async function perform(
  { db, now, log }: AskServices,
  gateway: Gateway,
  subject: Subject,
): Promise<Outcome> {
  const find = () => afterCommit(db.onPrimary((snapshot) => requestOf(snapshot, subject)));
  const requested = await find();
  if (!requested) return "done";
  const { number, amountCents } = requested;
  const { orderId, kind, refund } = subject;
  const key = requestKey(orderId, kind, refund);
  const request: PaymentRequest = { orderId, number, kind, refund, amountCents, key };
  const outcome = await performUnderLease({ db, gateway, now, log }, request);
  if (outcome === "done" || outcome === "refused") return outcome;
  // The process that has the lease, or had it, may be answered in a moment.
  for (let looks = outcome === "leased" ? LOOKS_MAX : 1; looks > 0; looks -= 1) {
    const after = await find();
    if (after && after.state !== "due") return after.state as Outcome;
    if (looks > 1) await sleep(LOOK_MS);
  }
  return "unknown";
}

/** Awaits what follows a commit: where it fails, the answer must not say that nothing was done. */
export const afterCommit = <T>(work: Promise<T>): Promise<T> =>
  work.catch(() => {
    throw new Problem("outcome-unknown", "the change was stored, and what followed is not known", [], AGAIN);
  });

/** The `Problem` 504 while the gateway has not answered; the settlement goes on asking. */
export const unanswered = (consequence: string): Problem =>
  new Problem("outcome-unknown", `the payment gateway has not answered: ${consequence}`, [], AGAIN);
