// The notice that an order is on its way, to its customer.
import type { Kind } from "../kind.ts";
import { addressOf, itemsOf, linkOf, orderOf } from "./order.ts";

export const shipped: Kind = {
  name: "shipped",
  write(mail, context) {
    const order = orderOf(mail);
    const { number, trackingUrl } = order;
    return {
      subject: `Your order ${number} is on its way`,
      blocks: [
        { kind: "heading", text: "Your order is on its way" },
        { kind: "text", text: `We have shipped your order ${number}.` },
        ...(trackingUrl ? [{ kind: "link" as const, label: "Track the parcel", url: trackingUrl }] : []),
        itemsOf(order, context),
        ...addressOf(order),
        linkOf(order, context),
      ],
    };
  },
};
