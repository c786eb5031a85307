// The payment gateway as the shop uses it: one small interface, which the sandbox and every adapter of a real gateway fulfil.

/** The payment of an order at the gateway. `processing`: it has no outcome yet. */
export type PaymentState = {
  status: "processing" | "requires_action" | "authorized" | "captured" | "declined" | "voided";
  /** The gateway's own name of the payment, shown to people; `null` while it has none. */
  reference: string | null;
  /** The address at which the customer continues the payment, while the status is `requires_action`. */
  redirectUrl: string | null;
  capturedCents: number;
  refundedCents: number;
};

/** A request to authorise the payment of an order: an amount is reserved, not yet taken. */
export type AuthoriseRequest = {
  /** The order's id, which is also the gateway's idempotency key: one order has one payment. */
  orderId: string;
  amountCents: number;
  /** ISO 4217. */
  currency: string;
  /** From the gateway's own page or script, in place of a card; never stored. `null`: the customer pays on its page. */
  token: string | null;
  /** The address to which the gateway sends the customer after the payment on its page. */
  returnUrl: string;
};

/** The outcome of a request that the gateway answered: `refused` is final and has changed nothing. */
export type Settled = { outcome: "done" } | { outcome: "refused"; reason: string };

/**
 * A payment gateway. Every request may be repeated with the same key and then has no second effect. A method rejects when the
 * outcome is not known: the gateway cannot be reached, or did not answer before `signal` aborted.
 */
export type Gateway = {
  /** The name in settings and webhooks. */
  name: string;
  /** Why the gateway would not take this token, where that is known without asking; else `null`. */
  refusalOf?(token: string): string | null;
  authorise(request: AuthoriseRequest, signal: AbortSignal): Promise<PaymentState>;
  /** Takes the whole authorised amount. */
  capture(orderId: string, amountCents: number, signal: AbortSignal): Promise<Settled>;
  /**
   * Releases what was authorised. Also for a payment that the gateway does not know: an authorisation that arrives later
   * is then refused, so that no customer pays for an order that was cancelled. Refused when the amount was captured.
   */
  void(orderId: string, signal: AbortSignal): Promise<Settled>;
  /** Gives back a part of what was captured; `key` names this refund. Refused when it exceeds what is left. */
  refund(orderId: string, amountCents: number, key: string, signal: AbortSignal): Promise<Settled>;
  /** The payment at the gateway; `null` when the gateway does not know the order. */
  lookUp(orderId: string, signal: AbortSignal): Promise<PaymentState | null>;
};

/** Most time that a request to the gateway may take; less than the edge waits for a write (10 s). */
export const GATEWAY_MS_MAX = 6_000;

/** Asks the gateway with a deadline. Rejects when it does not answer in time, even if the adapter ignores the signal. */
export async function askGateway<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  msMax = GATEWAY_MS_MAX,
): Promise<T> {
  const deadline = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      deadline.abort();
      reject(new Error(`the payment gateway did not answer within ${msMax} ms`));
    }, msMax);
  });
  try {
    return await Promise.race([ask(deadline.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
