// The alert about a new order, to the staff.
import type { Kind } from "../kind.ts";
import { addressOf, itemsOf, orderOf, staffLinkOf } from "./order.ts";

export const alert: Kind = {
  name: "alert",
  write(mail, context) {
    const order = orderOf(mail);
    const { number, email, userId, totals, currency, paymentMethod, createdAt } = order;
    const customer = `${userId === null ? "guest" : "account"} ${email}`;
    return {
      subject: `New order ${number}: ${context.money(totals.total, currency)}`,
      blocks: [
        { kind: "heading", text: `New order ${number}` },
        { kind: "text", text: `${context.time(createdAt)}, ${customer}, by ${paymentMethod}.` },
        ...(paymentMethod === "invoice"
          ? [{ kind: "text" as const, text: "It waits until you confirm it." }]
          : []),
        itemsOf(order, context),
        ...addressOf(order),
        staffLinkOf(order, context),
      ],
    };
  },
};
