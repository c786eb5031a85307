// The notice of a refund, to the customer of its order; an order may have several.
import { type ItemView, type OrderView, priceOf } from "../../orders/orders.ts";
import type { Line } from "../blocks.ts";
import type { Kind, Mail, MailContext } from "../kind.ts";
import { linesOf, linkOf, orderOf, reasonOf } from "./order.ts";

/** A refund of the pairs in `items`, or of an amount without any. */
type MailedRefund = { items: ItemView[]; amount: number; currency: string };

export const refunded: Kind = {
  name: "refunded",
  write(mail, context) {
    const order = orderOf(mail);
    const refund = refundOf(mail);
    const amount = context.money(refund.amount, refund.currency);
    return {
      subject: `Refund for your order ${order.number}`,
      blocks: [
        { kind: "heading", text: `We refund you ${amount}` },
        { kind: "text", text: `This is a refund for your order ${order.number}. ${wayOf(order)}` },
        linkOf(order, context),
        {
          kind: "lines",
          lines: [...itemsOf(refund, context), { label: "Refund", value: amount, isStrong: true }],
        },
        reasonOf(context),
      ],
    };
  },
};

function refundOf({ data, kind }: Mail): MailedRefund {
  const { refund } = data as { refund?: MailedRefund };
  if (!refund) throw new Error(`a mail ${kind} has no refund`);
  return refund;
}

/** Where the amount is not the price of the items, no prices stand above it that would not add up. */
function itemsOf({ items, amount, currency }: MailedRefund, context: MailContext): Line[] {
  const cents = items.reduce((sum, item) => sum + Math.round(priceOf(item) * 100), 0);
  const lines = linesOf(items, currency, context);
  return cents === Math.round(amount * 100) ? lines : lines.map((line) => ({ ...line, value: "" }));
}

const wayOf = ({ paymentMethod }: OrderView): string =>
  paymentMethod === "invoice"
    ? "Pay that much less of the invoice; if you paid it already, you get the amount back."
    : "The amount goes back to the card that you paid with, which can take some days.";
