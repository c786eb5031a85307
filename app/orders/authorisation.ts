// The payment of an order that was just placed: asks the gateway and stores its answer.
import type { Database } from "../../db/database.ts";
import { messageOf } from "../../db/message.ts";
import { maskMessage } from "../http/mask.ts";
import type { Log } from "../log.ts";
import { findOrder } from "./find.ts";
import { askGateway, type Gateway, type PaymentState } from "./payment/gateway.ts";
import type { Settle, Stepped } from "./payment/settle.ts";

/** The services by which an order is paid. */
export type AuthorisationServices = {
  db: Database;
  settle: Settle;
  currency: string;
  /** The address that an order's id follows, where the gateway sends customers back to. */
  orderUrl: string;
  log: Log;
  now(): number;
};

/** An order whose payment is to be authorised; the token is only passed on. */
type Unpaid = Stepped & { orderId: string; totalCents: number; paymentToken: string | null };

/**
 * Asks the gateway, stores its answer and returns the order as it stands then. The order exists after every outcome, so
 * that nothing is thrown: where the outcome is not known or could not be stored the order is pending, and the settlement asks
 * the gateway later.
 */
export async function authoriseOrder(
  services: AuthorisationServices,
  gateway: Gateway,
  unpaid: Unpaid,
): Promise<Stepped> {
  const { db, settle, log, now } = services;
  const { orderId, json, status, paymentStatus } = unpaid;
  const state = await askFor(services, gateway, unpaid);
  try {
    const settled = await settle(unpaid, state, now());
    if (settled) return settled;
  } catch (thrown) {
    const outcome = state?.status ?? "unknown";
    log.warn("the outcome of a payment is not stored yet", { orderId, outcome, reason: messageOf(thrown) });
  }
  // Another process has settled it, or the outcome of the write was lost.
  const found = await db
    .onPrimary((snapshot) => findOrder(snapshot, orderId))
    .catch((thrown: unknown) => {
      log.warn("an order is answered as it was placed", { orderId, reason: messageOf(thrown) });
    });
  return found ?? { json, status, paymentStatus };
}

/** The gateway's answer; `null` where there is none. */
async function askFor(
  { currency, orderUrl, log }: AuthorisationServices,
  gateway: Gateway,
  { orderId, totalCents, paymentToken }: Unpaid,
): Promise<PaymentState | null> {
  const request = {
    orderId,
    amountCents: totalCents,
    currency,
    token: paymentToken,
    returnUrl: `${orderUrl}/${orderId}`,
  };
  try {
    return await askGateway((signal) => gateway.authorise(request, signal));
  } catch (thrown) {
    const reason = withoutToken(messageOf(thrown), paymentToken);
    log.warn("the payment gateway gave no answer", { orderId, gateway: gateway.name, reason });
    return null;
  }
}

/** A gateway's error may repeat what it was sent. */
const withoutToken = (message: string, token: string | null): string =>
  maskMessage(token ? message.replaceAll(token, "***") : message);
