// The quote of an order: today's lines and totals, the ways of delivery, and what is short.
import type { QuoteRequest } from "./fields.ts";
import type { PlaceServices } from "./place.ts";
import { type PlannedLine, planFresh, shortOf } from "./plan.ts";
import { shippingCents } from "./terms.ts";

/** A quote as the API shows it; amounts in major units. */
export type Quote = {
  items: { productId: string; productName: string; size: string; quantity: number; price: number }[];
  totals: { items: number; shipping: number; tax: number; total: number };
  totalAmount: number;
  currency: string;
  shippingMethod: string;
  shippingMethods: { method: string; name: string; price: number }[];
  short: { productId: string; size: string; quantity: number; available: number }[];
};

/** Quotes an order; takes nothing. Throws the `Problem` 400 that placing it would throw. */
export async function quoteOf(
  { db, terms, currency }: Pick<PlaceServices, "db" | "terms" | "currency">,
  { items, country, shippingMethod }: QuoteRequest,
): Promise<Quote> {
  const wish = { items, country: country ?? null, shippingMethod: shippingMethod ?? null };
  const plan = await planFresh(db, wish, terms, { country: "/country" });
  const { itemsCents, shippingCents: deliveryCents, taxCents, totalCents } = plan.totals;
  return {
    items: plan.lines.map(itemOf),
    totals: {
      items: itemsCents / 100,
      shipping: deliveryCents / 100,
      tax: taxCents / 100,
      total: totalCents / 100,
    },
    totalAmount: totalCents / 100,
    currency,
    shippingMethod: plan.method.method,
    shippingMethods: plan.methods.map((method) => ({
      method: method.method,
      name: method.name,
      price: shippingCents(method, itemsCents) / 100,
    })),
    short: shortOf(plan).map(({ productId, size, quantity, stock }) => ({
      productId,
      size,
      quantity,
      available: stock,
    })),
  };
}

const itemOf = ({ productId, title, size, quantity, priceCents }: PlannedLine) => ({
  productId,
  productName: title,
  size,
  quantity,
  price: priceCents / 100,
});
