// The sandbox's checkout: what a customer sees of a payment there, and chooses.
import { messageOf } from "../../../../db/message.ts";
import { type InquiryServices, inquire } from "../inquiry.ts";
import type { SandboxPayment } from "./records.ts";
import type { Choice, Sandbox } from "./sandbox.ts";

/** A payment and the order that it is for. */
export type Shown = Pick<SandboxPayment, "status" | "returnUrl"> & {
  number: number;
  orderStatus: string;
  totalCents: number;
  currency: string;
};

export type Checkout = {
  /** `null` for a payment or an order that does not exist. */
  find(orderId: string): Promise<Shown | null>;
  /** Does what the customer chose, unless the payment was ended before. The shop asks as when a customer comes back to it. */
  choose(orderId: string, choice: Choice): Promise<void>;
};

type OrderRow = [number: number, status: string, totalCents: number, currency: string];

const ORDER = "SELECT number, status, total_cents, currency FROM orders WHERE id = ?";

/** Opens the checkout. */
export function openCheckout(services: InquiryServices, sandbox: Sandbox): Checkout {
  const { db, log } = services;
  return {
    async find(orderId) {
      const [payment, order] = await Promise.all([
        sandbox.find(orderId),
        db.onPrimary(({ read }) => read.get<OrderRow>(ORDER, orderId)),
      ]);
      if (payment === null || order === undefined) return null;
      const [number, orderStatus, totalCents, currency] = order;
      const { status, returnUrl } = payment;
      return { status, returnUrl, number, orderStatus, totalCents, currency };
    },
    async choose(orderId, choice) {
      await sandbox.choose(orderId, choice);
      if (choice === "lose") return;
      try {
        await inquire(services, orderId);
      } catch (thrown) {
        // The settlement asks later.
        log.warn("a payment could not be settled at the customer's return", { error: messageOf(thrown) });
      }
    },
  };
}
