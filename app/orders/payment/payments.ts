// The payments of a shop: its gateway, and all that settles what the gateway did not answer at once.
import type { Database } from "../../../db/database.ts";
import type { Log } from "../../log.ts";
import type { Gateway } from "./gateway.ts";
import { type Checkout, openCheckout } from "./sandbox/checkout.ts";
import { openReader, SIGNATURE } from "./sandbox/event.ts";
import { openSandbox, type SandboxOptions } from "./sandbox/sandbox.ts";
import { openSettlement, type SettlementState, waitingIn } from "./settlement.ts";
import { openSignatures } from "./signature.ts";
import { openWebhook, type Webhook } from "./webhook.ts";

export type Payments = {
  /** `null`: the shop takes no cards. */
  gateway: Gateway | null;
  webhook: Webhook | null;
  /** The sandbox's page, where that is the gateway. */
  checkout: Checkout | null;
  /** Begins to settle what is due. */
  start(): void;
  /** Settles once what is due. */
  settle(): Promise<void>;
  /** The numbers of settled and waiting requests; `null` without a gateway. */
  state(): SettlementState | null;
  /** Settles no more, and resolves when all that is under way is done. */
  close(): Promise<void>;
};

type PaymentOptions = {
  db: Database;
  now(): number;
  log: Pick<Log, "warn">;
  secrets: readonly string[];
  publicUrl: string;
  gateway: "sandbox" | "none";
  instead?: Gateway | undefined;
  wait?: SandboxOptions["wait"] | undefined;
};

/** Opens the payments; `instead` replaces the gateway of the settings, and `wait` how the sandbox waits. */
export function openPayments({ instead, ...options }: PaymentOptions): Payments {
  if (instead) return paymentsBy(options, instead);
  return options.gateway === "sandbox" ? sandboxPayments(options) : withoutCards(options);
}

function paymentsBy({ db, now, log }: PaymentOptions, gateway: Gateway): Payments {
  const settlement = openSettlement({ db, gateway, now, log });
  const { start, run: settle, state, close } = settlement;
  return { gateway, webhook: null, checkout: null, start, settle, state, close };
}

function sandboxPayments(options: PaymentOptions): Payments {
  const { db, now, log, secrets, publicUrl, wait } = options;
  const gateway = openSandbox(db, {
    now,
    log,
    pageUrl: `${publicUrl}/pay/sandbox`,
    ...(wait ? { wait } : {}),
  });
  const services = { db, gateway, now, log };
  const signatures = openSignatures(secrets, SIGNATURE);
  const webhook = openWebhook(services, openReader(signatures));
  gateway.deliverTo((body) =>
    webhook.receive(new Headers({ [SIGNATURE]: signatures.of(body, now()) }), body),
  );
  const settled = paymentsBy(options, gateway);
  return {
    ...settled,
    webhook,
    checkout: openCheckout(services, gateway),
    async close() {
      await gateway.close();
      await settled.close();
    },
  };
}

const withoutCards = ({ db, log }: PaymentOptions): Payments => ({
  gateway: null,
  webhook: null,
  checkout: null,
  start() {
    const requests = waitingIn(db)?.requests ?? 0;
    if (requests > 0)
      log.warn("PAYMENT_GATEWAY=none: payments of earlier orders stay unsettled, and hold their stock", {
        requests,
      });
  },
  settle: async () => undefined,
  state: () => null,
  close: async () => undefined,
});
