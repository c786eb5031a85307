// The notice that the gateway did not release the payment of a cancelled order, to the staff, who does it by hand.
import type { Kind } from "../kind.ts";
import { orderOf, staffLinkOf } from "./order.ts";

export const voidRefused: Kind = {
  name: "void-refused",
  write(mail, context) {
    const order = orderOf(mail);
    const { number, totals, currency, payment, email } = order;
    return {
      subject: `Order ${number}: give back the payment by hand`,
      blocks: [
        { kind: "heading", text: "A payment has to be given back by hand" },
        {
          kind: "text",
          text: `Order ${number} is cancelled, but the payment gateway refused to release its payment. The customer expects that nothing is charged: look at the payment in the gateway's own pages, and release or refund it there.`,
        },
        {
          kind: "lines",
          lines: [
            { label: "Amount", value: context.money(totals.total, currency) },
            { label: "Reference of the gateway", value: payment.reference ?? "none" },
            ...(email === "" ? [] : [{ label: "Customer", value: email }]),
          ],
        },
        staffLinkOf(order, context),
      ],
    };
  },
};
