// The requests to the gateway that are due: one process at a time asks, and stores the answer with its effect.
import type { Database } from "../../../db/database.ts";
import { messageOf } from "../../../db/message.ts";
import { newWriteId } from "../../../db/write/id.ts";
import type { Log } from "../../log.ts";
import { effectsOf, type PaymentRequest } from "./effects.ts";
import { askGateway, type Gateway, type Settled } from "./gateway.ts";

/** The services by which requests are performed. */
export type RequestServices = {
  db: Database;
  gateway: Gateway;
  now(): number;
  log: Pick<Log, "warn">;
  /** From 0 to 1, spreads the pauses between tries. */
  random?(): number;
};

/** `unknown`: the gateway gave no answer, or another process asks it now; the request stays due. */
export type Outcome = "done" | "refused" | "unknown";

/** The lease: how long one process alone may ask about a request; longer than the gateway and two commits may take. */
export const LEASE_MS = 15_000;
/** Pauses before a request is tried again: the first, and the longest. */
const PAUSE_MS = 2_000;
const PAUSE_MS_MAX = 5 * 60_000;

const ONE = "number = ?1 AND kind = ?2 AND refund = ?3 AND state = 'due'";
// The process that wrote a request makes the first attempt, even under a lease written with it; later ones wait for `due_at`.
const LEASE = `UPDATE payment_requests SET due_at = ?5, tries = tries + 1
WHERE ${ONE} AND (due_at <= ?4 OR tries = 0) RETURNING tries`;
const POSTPONE = `UPDATE payment_requests SET due_at = ?4 WHERE ${ONE} AND tries = ?5`;

/**
 * Takes the lease of a capture, a void or a refund, asks the gateway, and stores its answer. Never rejects: what failed is
 * logged, and the request is due again after a pause that grows.
 */
export async function performRequest(services: RequestServices, request: PaymentRequest): Promise<Outcome> {
  const outcome = await performUnderLease(services, request);
  return outcome === "leased" ? "unknown" : outcome;
}

/** As `performRequest`; `leased`: it is not due, or another process asks the gateway now. */
export async function performUnderLease(
  services: RequestServices,
  request: PaymentRequest,
): Promise<Outcome | "leased"> {
  const { db, now, log } = services;
  const { kind, number } = request;
  let tries: number | null = null;
  try {
    tries = await takeLease(services, request);
    if (tries === null) return "leased";
    const answer = await askGateway((signal) => ask(services.gateway, request, signal));
    await db.write(effectsOf(request, answer, now()), newWriteId());
    if (answer.outcome === "refused")
      log.warn("the payment gateway refused a request", { order: number, kind, reason: answer.reason });
    return answer.outcome;
  } catch (thrown) {
    log.warn("a request to the payment gateway failed", { order: number, kind, error: messageOf(thrown) });
    if (tries !== null) await postpone(services, request, tries);
    return "unknown";
  }
}

/** Takes the lease of a request that is due; `null` when it is not, or another process has it. Rejects with `DatabaseError`. */
export async function takeLease(
  { db, now }: Pick<RequestServices, "db" | "now">,
  { number, kind, refund }: Pick<PaymentRequest, "number" | "kind" | "refund">,
): Promise<number | null> {
  const nowMs = now();
  const args = [number, kind, refund, nowMs, nowMs + LEASE_MS];
  const [result] = await db.write([{ sql: LEASE, args }], newWriteId());
  const [tries] = (result?.rows[0] ?? []) as [number?];
  return tries ?? null;
}

/** When a request is tried again after so many tries: twice as late each time, and not all at once. */
export function pauseMs(tries: number, random: number): number {
  const longest = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** Math.min(tries, 10));
  return Math.round(longest * (0.5 + random / 2));
}

function ask(gateway: Gateway, request: PaymentRequest, signal: AbortSignal): Promise<Settled> {
  const { orderId, amountCents, key } = request;
  switch (request.kind) {
    case "capture":
      return gateway.capture(orderId, amountCents, signal);
    case "void":
      return gateway.void(orderId, signal);
    case "refund":
      return gateway.refund(orderId, amountCents, key, signal);
    default:
      throw new Error("an authorisation is settled by an inquiry");
  }
}

/** Only the holder of the lease moves it; one that fails here leaves the lease, which runs out. */
async function postpone(
  { db, now, log, random = Math.random }: RequestServices,
  { number, kind, refund }: PaymentRequest,
  tries: number,
): Promise<void> {
  const args = [number, kind, refund, now() + pauseMs(tries, random()), tries];
  try {
    await db.write([{ sql: POSTPONE, args }], newWriteId());
  } catch (thrown) {
    log.warn("the time of the next attempt could not be stored", {
      order: number,
      kind,
      error: String(thrown),
    });
  }
}
