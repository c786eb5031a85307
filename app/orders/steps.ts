// The steps between the statuses of an order: the one table of those that are allowed, the same as in the schema's trigger.

export const STATUSES = ["pending", "confirmed", "shipped", "delivered", "cancelled"] as const;
export type Status = (typeof STATUSES)[number];

/** Takes a step, as the history names it: `customer` is the order's owner or its guest, `system` the shop itself. */
export type Actor = "customer" | "admin" | "gateway" | "system";

/**
 * One allowed step. `payment`: what it does to the payment. `settle`: the gateway's answer decides; an invoice that an admin
 * confirms counts as captured. `release`: voids what was authorised, gives back what was captured. `capture`: takes what was
 * authorised.
 */
export type Step = {
  from: Status;
  to: Status;
  by: readonly Actor[];
  payment: "settle" | "release" | "capture" | "none";
};

/** Every allowed step; `shipped` and `cancelled` are never left backwards, so stock comes back once. */
export const STEPS: readonly Step[] = [
  { from: "pending", to: "confirmed", by: ["admin", "gateway"], payment: "settle" },
  { from: "pending", to: "cancelled", by: ["customer", "admin", "gateway", "system"], payment: "release" },
  { from: "confirmed", to: "shipped", by: ["admin"], payment: "capture" },
  { from: "confirmed", to: "cancelled", by: ["customer", "admin"], payment: "release" },
  { from: "shipped", to: "delivered", by: ["admin"], payment: "none" },
];

/** The step between two statuses, where it is allowed. */
export const stepOf = (from: string, to: Status): Step | undefined =>
  STEPS.find((step) => step.from === from && step.to === to);

/** Whether steps lead to this status, and an admin may take some of them but the customer none. */
export function isForAdmins(to: Status): boolean {
  const by = STEPS.flatMap((step) => (step.to === to ? step.by : []));
  return by.includes("admin") && !by.includes("customer");
}
