// The notice that an order is cancelled, to its customer.
import type { OrderView } from "../../orders/orders.ts";
import type { Kind } from "../kind.ts";
import { itemsOf, linkOf, orderOf, reasonOf } from "./order.ts";

export const cancelled: Kind = {
  name: "cancelled",
  write(mail, context) {
    const order = orderOf(mail);
    const { number, createdAt } = order;
    return {
      subject: `Your order ${number} is cancelled`,
      blocks: [
        { kind: "heading", text: "Your order is cancelled" },
        {
          kind: "text",
          text: `Your order ${number} of ${context.time(createdAt)} is cancelled. ${paymentOf(order)}`,
        },
        linkOf(order, context),
        itemsOf(order, context),
        reasonOf(context),
      ],
    };
  },
};

/** An order whose amount was captured is an invoice that was confirmed: a card's is captured when the order ships. */
function paymentOf({ payment, paymentMethod }: OrderView): string {
  if (payment.status === "refunded")
    return "You do not have to pay its invoice. If you paid it already, you get the amount back.";
  return paymentMethod === "invoice" ? "You do not have to pay anything." : "Your card is not charged.";
}
