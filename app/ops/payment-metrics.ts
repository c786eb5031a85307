// Metrics of payments: the requests to the gateway, and the orders that wait for it.
import type { Define } from "./define.ts";
import type { OutcomeCount } from "./outcomes.ts";

/** The outcomes of the requests to the payment gateway, and how many requests and orders wait, if there is a copy to read. */
export type PaymentState = {
  settled: OutcomeCount[];
  underway: number;
  waiting: { requests: number; orders: number } | null;
};

/** Defines the metrics of payments. */
export function definePayments({ counter, gauge }: Define, payments: { state(): PaymentState | null }): void {
  counter(
    "insole_payment_requests_total",
    "Requests to the payment gateway that this process settled, by kind and outcome; those that an order or an admin waits for are not among them",
    ["kind", "outcome"],
    (put) => {
      for (const { kind, outcome, count } of payments.state()?.settled ?? []) put(count, { kind, outcome });
    },
  );
  gauge("insole_payment_requests_due", "Requests to the payment gateway without an answer", [], (put) => {
    const waiting = payments.state()?.waiting;
    if (waiting) put(waiting.requests);
  });
  gauge("insole_orders_waiting", "Orders that hold stock and wait for their payment", [], (put) => {
    const waiting = payments.state()?.waiting;
    if (waiting) put(waiting.orders);
  });
}
