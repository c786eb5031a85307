// An order as its page and its mails show it.
import type { Database } from "../../db/database.ts";
import { maySee } from "./access.ts";
import { findOrder } from "./find.ts";
import { historyOf } from "./list.ts";
import type { Actor, Status } from "./steps.ts";
import type { OrderTokens } from "./tokens.ts";

/** An order as the API answers it, and as the rows of its mails hold it; amounts in major units. */
export type OrderView = {
  id: string;
  number: string;
  userId: string | null;
  /** Empty for an order whose account was removed. */
  email: string;
  status: Status;
  items: ItemView[];
  totals: { items: number; shipping: number; tax: number; total: number };
  currency: string;
  shippingAddress: AddressView | null;
  shippingMethod: string;
  paymentMethod: "card" | "invoice";
  payment: { status: string; reference: string | null; redirectUrl?: string };
  trackingUrl?: string;
  createdAt: string;
};

/** Pairs of one size; `price` is that of one pair. */
export type ItemView = { productName: string; size: string; quantity: number; price: number };

type AddressView = {
  name: string | null;
  street: string;
  street2: string | null;
  city: string;
  state: string | null;
  zip: string | null;
  country: string;
  phone: string | null;
};

/** An order with its history. */
export type ShownOrder = OrderView & { history: { status: Status; changedBy: Actor; at: string }[] };

/** The price of all pairs of an item; computed in minor units. */
export const priceOf = ({ quantity, price }: Pick<ItemView, "quantity" | "price">): number =>
  (Math.round(price * 100) * quantity) / 100;

/** The lines of a postal address, with the name of its country. */
export function linesOfAddress(address: AddressView, nameOfCountry: (code: string) => string): string[] {
  const { name, street, street2, zip, city, state, country } = address;
  const place = [zip, city].filter(Boolean).join(" ");
  return [name, street, street2, place, state, nameOfCountry(country)].filter((line) => !!line) as string[];
}

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
