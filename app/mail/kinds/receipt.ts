// The receipt of an order, to its customer.
import type { Kind } from "../kind.ts";
import { addressOf, itemsOf, linkOf, type MailedOrder, orderOf } from "./order.ts";

export const receipt: Kind = {
  name: "receipt",
  write(mail, context) {
    const order = orderOf(mail);
    return {
      subject: `Your order ${order.number}`,
      blocks: [
        { kind: "heading", text: "Thank you for your order" },
        {
          kind: "text",
          text: `Order ${order.number} of ${context.time(order.createdAt)}. ${paymentOf(order)}`,
        },
        itemsOf(order, context),
        ...addressOf(order),
        linkOf(order, context),
      ],
    };
  },
};

const paymentOf = ({ paymentMethod }: MailedOrder): string =>
  paymentMethod === "invoice"
    ? "You pay by invoice: the order waits until we confirm it."
    : "You pay by card: the amount is taken when we ship.";
