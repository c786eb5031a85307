// The order as mails show it: the JSON that the outbox's row carries, and the blocks that several kinds share.
import type { Block, Line } from "../blocks.ts";
import type { Mail, MailContext } from "../kind.ts";

export type MailedItem = { productName: string; size: string; quantity: number; price: number };

/** An order as the API shows it; amounts in major units. */
export type MailedOrder = {
  id: string;
  number: string;
  userId: string | null;
  /** Empty for an order whose account was removed. */
  email: string;
  items: MailedItem[];
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
  payment: { status: string; reference: string | null };
  trackingUrl?: string;
  createdAt: string;
};

/** The order of a mail. Throws where the row has none. */
export function orderOf({ data, kind }: Mail): MailedOrder {
  if (typeof data !== "object" || data === null || !("items" in data) || !("totals" in data))
    throw new Error(`a mail ${kind} has no order`);
  return data as MailedOrder;
}

/** Items of an order as lines of a table. */
export const linesOf = (items: MailedItem[], currency: string, { money }: MailContext): Line[] =>
  items.map(({ productName, size, quantity, price }) => ({
    label: productName,
    detail: `${size === "" ? "" : `size ${size}, `}${quantity} × ${money(price, currency)}`,
    value: money(priceOf({ quantity, price }), currency),
  }));

/** The price of all pairs of an item; computed in minor units. */
export const priceOf = ({ quantity, price }: Pick<MailedItem, "quantity" | "price">): number =>
  (Math.round(price * 100) * quantity) / 100;

/** The items of an order and its totals. */
export function itemsOf(order: MailedOrder, context: MailContext): Block {
  const { items, totals, currency, shippingMethod } = order;
  const amount = (value: number) => context.money(value, currency);
  return {
    kind: "lines",
    lines: [
      ...linesOf(items, currency, context),
      { label: "Delivery", detail: shippingMethod, value: amount(totals.shipping) },
      { label: "Total", ...taxOf(totals.tax, amount), value: amount(totals.total), isStrong: true },
    ],
  };
}

const taxOf = (tax: number, amount: (value: number) => string): Pick<Line, "detail"> =>
  tax > 0 ? { detail: `tax contained: ${amount(tax)}` } : {};

/** Where an order goes; nothing for an order without an address. */
export function addressOf({ shippingAddress }: MailedOrder, { country }: MailContext): Block[] {
  if (!shippingAddress) return [];
  const { name, street, street2, zip, city, state, country: code } = shippingAddress;
  const place = [zip, city].filter(Boolean).join(" ");
  const lines = [name, street, street2, place, state, country(code)].filter((line) => !!line);
  return [{ kind: "address", label: "Delivery to", lines: lines as string[] }];
}

/** The link by which a customer sees the order; a guest's opens it. */
export const linkOf = ({ id, userId }: MailedOrder, { links }: MailContext) => ({
  kind: "link" as const,
  label: "See your order",
  url: links.order(id, userId === null),
});

/** The link by which the staff sees the order: it opens nothing for others. */
export const staffLinkOf = ({ id }: MailedOrder, { links }: MailContext): Block => ({
  kind: "link",
  label: "Open the order",
  url: links.order(id, false),
});

/** Anybody can order with another person's address, who then reads this. */
export const reasonOf = ({ shopName }: MailContext): Block => ({
  kind: "note",
  text: `You get this mail because this e-mail address was given for an order at ${shopName}. If you did not order, please tell us.`,
});
