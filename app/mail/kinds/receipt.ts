// The receipt of an order, to its customer.
import type { OrderView } from "../../orders/orders.ts";
import type { Kind } from "../kind.ts";
import { addressOf, itemsOf, linkOf, orderOf, reasonOf } from "./order.ts";

export const receipt: Kind = {
  name: "receipt",
  write(mail, context) {
    const order = orderOf(mail);
    const { number, createdAt } = order;
    return {
      subject: `Your order ${number}`,
      blocks: [
        { kind: "heading", text: "Thank you for your order" },
        { kind: "text", text: `We received your order ${number} on ${context.time(createdAt)}.` },
        { kind: "text", text: paymentOf(order) },
        linkOf(order, context),
        itemsOf(order, context),
        ...addressOf(order, context),
        reasonOf(context),
      ],
    };
  },
};

const paymentOf = ({ paymentMethod }: OrderView): string =>
  paymentMethod === "invoice"
    ? "You pay by invoice. The order now waits until we confirm it; we then prepare it for you."
    : "You pay by card. We take the amount when we ship the order, and write to you then.";
