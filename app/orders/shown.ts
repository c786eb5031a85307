// An order as its page shows it, to a guest with the order's token.
import type { Database } from "../../db/database.ts";
import { maySee } from "./access.ts";
import { findOrder } from "./find.ts";
import { historyOf } from "./list.ts";
import type { Actor, Status } from "./steps.ts";
import type { OrderTokens } from "./tokens.ts";

/** An order as the API answers it, with its history; amounts in major units. */
export type ShownOrder = {
  number: string;
  status: Status;
  items: { productName: string; size: string; quantity: number; price: number }[];
  totals: { items: number; shipping: number; tax: number; total: number };
  currency: string;
  shippingAddress: {
    name: string | null;
    street: string;
    street2: string | null;
    city: string;
    state: string | null;
    zip: string | null;
    country: string;
    phone: string | null;
  } | null;
  shippingMethod: string;
  paymentMethod: "card" | "invoice";
  payment: { status: string; redirectUrl?: string };
  trackingUrl?: string;
  createdAt: string;
  history: { status: Status; changedBy: Actor; at: string }[];
};

/** The guest's order that this token opens, read where writes go; `null` for any other. Rejects with `DatabaseError`. */
export async function findShownOrder(
  db: Database,
  tokens: OrderTokens,
  { orderId, orderToken }: { orderId: string; orderToken: string },
): Promise<ShownOrder | null> {
  // Checked first, so that a token that opens nothing costs no query, and takes the same time for every id.
  if (!tokens.opens(orderToken, orderId)) return null;
  return db.onPrimary((snapshot) => {
    const order = findOrder(snapshot, orderId);
    if (!order || !maySee({ caller: null, orderToken }, order, tokens)) return null;
    const [history] = historyOf(snapshot, orderId);
    return { ...JSON.parse(order.json), history: JSON.parse(history) };
  });
}
