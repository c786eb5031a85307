// The notice that an order is on its way, to its customer.

import type { OrderView } from "../../orders/orders.ts";
import type { Block } from "../blocks.ts";
import type { Kind } from "../kind.ts";
import { addressOf, itemsOf, linkOf, orderOf, reasonOf } from "./order.ts";

export const shipped: Kind = {
  name: "shipped",
  write(mail, context) {
    const order = orderOf(mail);
    const { number, totals, currency } = order;
    const total = context.money(totals.total, currency);
    return {
      subject: `Your order ${number} is on its way`,
      blocks: [
        { kind: "heading", text: "Your order is on its way" },
        { kind: "text", text: `We shipped your order ${number}. ${paymentOf(order, total)}` },
        ...trackingOf(order),
        { ...linkOf(order, context), isMinor: order.trackingUrl !== undefined },
        itemsOf(order, context),
        ...addressOf(order, context),
        reasonOf(context),
      ],
    };
  },
};

const trackingOf = ({ trackingUrl }: OrderView): Block[] =>
  trackingUrl === undefined ? [] : [{ kind: "link", label: "Track the parcel", url: trackingUrl }];

const paymentOf = ({ paymentMethod }: OrderView, total: string): string =>
  paymentMethod === "invoice" ? `You pay ${total} by invoice.` : `Your card was charged ${total}.`;
