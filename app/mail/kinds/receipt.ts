// The receipt of an order, to its customer.
import type { Kind } from "../kind.ts";
import { itemsOf, linkOf, orderOf } from "./order.ts";

export const receipt: Kind = {
  name: "receipt",
  write(mail, context) {
    const order = orderOf(mail);
    return {
      subject: `Your order ${order.number}`,
      blocks: [
        { kind: "heading", text: "Thank you for your order" },
        { kind: "text", text: `We have received your order ${order.number}.` },
        itemsOf(order, context),
        linkOf(order, context),
      ],
    };
  },
};
