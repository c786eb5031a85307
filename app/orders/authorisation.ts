// The payment of an order that was just placed: asks the gateway and stores its answer.
import type { Database, Statement } from "../../db/database.ts";
import { messageOf } from "../../db/message.ts";
import { isUnmet } from "../../db/write/guard.ts";
import { newWriteId } from "../../db/write/id.ts";
import { maskMessage } from "../http/mask.ts";
import type { Log } from "../log.ts";
import { cancellationOf } from "./cancellation.ts";
import { findOrder } from "./find.ts";
import { askGateway, type Gateway, type PaymentState } from "./payment/gateway.ts";
import { isFinal } from "./payment/inquiry.ts";
import type { Settle, Stepped } from "./payment/settle.ts";
import { perform } from "./requested.ts";

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

/**
 * An order whose payment is to be authorised; the token is only passed on. `mayWait`: the conditions under which it may wait for
 * its payment.
 */
type Unpaid = Stepped & {
  orderId: string;
  totalCents: number;
  paymentToken: string | null;
  mayWait: Statement[];
};

/**
 * Asks the gateway, stores its answer and returns the order as it stands then. The order exists after every outcome, so
 * that nothing is thrown: where the outcome is not known or could not be stored the order is pending, and the settlement asks
 * the gateway later. An order that would have to wait and may not is cancelled: `may not wait`.
 */
export async function authoriseOrder(
  services: AuthorisationServices,
  gateway: Gateway,
  unpaid: Unpaid,
): Promise<Stepped | "may not wait"> {
  const { db, settle, log, now } = services;
  const { orderId, json, status, paymentStatus } = unpaid;
  const state = await askFor(services, gateway, unpaid);
  try {
    const isWaiting = !isFinal(state);
    const settled = await settle(unpaid, state, now(), isWaiting ? unpaid.mayWait : []);
    if (settled) return settled;
  } catch (thrown) {
    if (isUnmet(thrown) && (await giveUp(services, gateway, orderId))) return "may not wait";
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

/**
 * Cancels an order that may not wait for its payment, and voids that: the customer was not sent to pay it. `false` where it could
 * not be cancelled; then it waits all the same.
 */
async function giveUp(
  { db, log, now }: AuthorisationServices,
  gateway: Gateway,
  orderId: string,
): Promise<boolean> {
  try {
    await db.write(cancellationOf(orderId, "system", now()), newWriteId());
  } catch (thrown) {
    log.warn("an order beyond the limit of open orders waits", { orderId, reason: messageOf(thrown) });
    return false;
  }
  // Without an answer the settlement asks again.
  await perform({ db, log, now }, gateway, { orderId, kind: "void", refund: 0 }).catch((thrown: unknown) =>
    log.warn("a void is not known to be done", { orderId, reason: messageOf(thrown) }),
  );
  return true;
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
