// The alert about a new order, to the staff.
import type { OrderView } from "../../orders/orders.ts";
import type { Kind } from "../kind.ts";
import { addressOf, itemsOf, orderOf, staffLinkOf } from "./order.ts";

export const alert: Kind = {
  name: "alert",
  write(mail, context) {
    const order = orderOf(mail);
    const { number, totals, currency, createdAt } = order;
    const total = context.money(totals.total, currency);
    return {
      subject: `New order ${number}: ${total}`,
      blocks: [
        { kind: "heading", text: `New order ${number}: ${total}` },
        { kind: "text", text: `Placed on ${context.time(createdAt)}. ${paymentOf(order)}` },
        staffLinkOf(order, context),
        { kind: "lines", lines: [{ label: "Customer", detail: whoIs(order), value: order.email }] },
        itemsOf(order, context),
        ...addressOf(order, context),
      ],
    };
  },
};

const whoIs = ({ userId }: OrderView): string => (userId === null ? "a guest" : "an account");

const paymentOf = ({ paymentMethod }: OrderView): string =>
  paymentMethod === "invoice"
    ? "Payment by invoice: the order waits until you confirm it."
    : "Payment by card: the amount is authorised, and taken when you ship the order.";
