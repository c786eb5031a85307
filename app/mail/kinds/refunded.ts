// The notice of a refund, to the customer of its order; an order may have several.
import type { Kind, Mail } from "../kind.ts";
import { linesOf, linkOf, type MailedItem, type MailedOrder, orderOf } from "./order.ts";

/** A refund of the pairs in `items`, or of an amount without any. */
type MailedRefund = { items: MailedItem[]; amount: number; currency: string };

export const refunded: Kind = {
  name: "refunded",
  write(mail, context) {
    const order = orderOf(mail);
    const { items, amount, currency } = refundOf(mail);
    return {
      subject: `Refund of your order ${order.number}`,
      blocks: [
        { kind: "heading", text: "You get money back" },
        { kind: "text", text: `We refund ${context.money(amount, currency)} of your order ${order.number}.` },
        { kind: "text", text: wayOf(order) },
        {
          kind: "lines",
          lines: [
            ...linesOf(items, currency, context),
            { label: "Refund", value: context.money(amount, currency), isStrong: true },
          ],
        },
        linkOf(order, context),
      ],
    };
  },
};

function refundOf({ data, kind }: Mail): MailedRefund {
  const { refund } = data as { refund?: MailedRefund };
  if (!refund) throw new Error(`a mail ${kind} has no refund`);
  return refund;
}

const wayOf = ({ paymentMethod }: MailedOrder): string =>
  paymentMethod === "invoice"
    ? "Pay that much less of the invoice; if you have paid it, you get the amount back."
    : "The amount goes back to your card, which may take some days.";
