// The notice that an order is cancelled, to its customer.
import type { Kind } from "../kind.ts";
import { itemsOf, linkOf, type MailedOrder, orderOf } from "./order.ts";

export const cancelled: Kind = {
  name: "cancelled",
  write(mail, context) {
    const order = orderOf(mail);
    return {
      subject: `Your order ${order.number} is cancelled`,
      blocks: [
        { kind: "heading", text: "Your order is cancelled" },
        { kind: "text", text: `Order ${order.number} is cancelled. ${paymentOf(order)}` },
        itemsOf(order, context),
        linkOf(order, context),
      ],
    };
  },
};

/** An order whose amount was captured is an invoice that was confirmed: a card's is captured when the order ships. */
function paymentOf({ payment, paymentMethod }: MailedOrder): string {
  if (payment.status === "refunded") return "If you have paid the invoice, you get the amount back.";
  return paymentMethod === "invoice" ? "There is nothing to pay." : "Your card is not charged.";
}
