// The order as mails show it: the JSON that the outbox's row carries, and the blocks that several kinds share.
import { type ItemView, linesOfAddress, type OrderView, priceOf } from "../../orders/orders.ts";
import type { Block, Line } from "../blocks.ts";
import type { Mail, MailContext } from "../kind.ts";

/** The order of a mail. Throws where the row has none. */
export function orderOf({ data, kind }: Mail): OrderView {
  if (typeof data !== "object" || data === null || !("items" in data) || !("totals" in data))
    throw new Error(`a mail ${kind} has no order`);
  return data as OrderView;
}

/** Items of an order as lines of a table. */
export const linesOf = (items: ItemView[], currency: string, { money }: MailContext): Line[] =>
  items.map(({ productName, size, quantity, price }) => ({
    label: productName,
    detail: `${size === "" ? "" : `size ${size}, `}${quantity} × ${money(price, currency)}`,
    value: money(priceOf({ quantity, price }), currency),
  }));

/** The items of an order and its totals. */
export function itemsOf(order: OrderView, context: MailContext): Block {
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
export function addressOf({ shippingAddress }: OrderView, { country }: MailContext): Block[] {
  if (!shippingAddress) return [];
  return [{ kind: "address", label: "Delivery to", lines: linesOfAddress(shippingAddress, country) }];
}

/** The link by which a customer sees the order; a guest's opens it. */
export const linkOf = ({ id, userId }: OrderView, { links }: MailContext) => ({
  kind: "link" as const,
  label: "See your order",
  url: links.order(id, userId === null),
});

/** The link by which the staff sees the order: it opens nothing for others. */
export const staffLinkOf = ({ id }: OrderView, { links }: MailContext): Block => ({
  kind: "link",
  label: "Open the order",
  url: links.order(id, false),
});

/** Anybody can order with another person's address, who then reads this. */
export const reasonOf = ({ shopName }: MailContext): Block => ({
  kind: "note",
  text: `You get this mail because this e-mail address was given for an order at ${shopName}. If you did not order, please tell us.`,
});
