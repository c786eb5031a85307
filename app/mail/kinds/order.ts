// The order as mails show it: the JSON that the outbox's row carries, and the blocks that several kinds share.
import type { Block } from "../blocks.ts";
import type { Mail, MailContext } from "../kind.ts";

/** An order as the API shows it; amounts in major units. */
export type MailedOrder = {
  id: string;
  number: string;
  userId: string | null;
  email: string;
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
  trackingUrl?: string;
  createdAt: string;
};

/** The order of a mail. Throws where the row has none. */
export function orderOf({ data, kind }: Mail): MailedOrder {
  if (typeof data !== "object" || data === null || !("items" in data))
    throw new Error(`a mail ${kind} has no order`);
  return data as MailedOrder;
}

/** The lines of an order and its totals. */
export function itemsOf({ items, totals, currency }: MailedOrder, { money }: MailContext): Block {
  const bought = items.map(({ productName, size, quantity, price }) => ({
    label: productName,
    detail: `${size === "" ? "" : `size ${size}, `}${quantity} × ${money(price, currency)}`,
    value: money((Math.round(price * 100) * quantity) / 100, currency),
  }));
  return {
    kind: "lines",
    lines: [
      ...bought,
      { label: "Delivery", value: money(totals.shipping, currency) },
      { label: "Total", value: money(totals.total, currency), isStrong: true },
      ...(totals.tax > 0 ? [{ label: "Tax contained", value: money(totals.tax, currency) }] : []),
    ],
  };
}

/** The link to the order's page; a guest's opens it. */
export const linkOf = ({ id, userId }: MailedOrder, { links }: MailContext): Block => ({
  kind: "link",
  label: "Your order",
  url: links.order(id, userId === null),
});
