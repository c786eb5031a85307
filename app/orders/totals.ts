// The totals of an order: the one place where its amounts are computed and rounded, in minor units.

/** A line as it is priced. */
type PricedLine = { priceCents: number; quantity: number };

/** The totals of an order; `taxCents` is what the total contains, `lineTaxCents` what each line contains. */
export type Totals = {
  itemsCents: number;
  shippingCents: number;
  taxCents: number;
  totalCents: number;
  lineTaxCents: number[];
};

/** Hundredths of a percent in the whole. */
const WHOLE = 10_000;

/** The tax that an amount contains, half up; `rate` in hundredths of a percent. Exact up to amounts of 4e11. */
export const taxIn = (cents: number, rate: number): number =>
  Math.floor((2 * cents * rate + WHOLE + rate) / (2 * (WHOLE + rate)));

/** The totals of lines and their delivery. Prices contain the tax, which is rounded for each line and for the delivery. */
export function totalsOf(
  lines: readonly PricedLine[],
  shippingOf: (itemsCents: number) => number,
  rate: number,
): Totals {
  const amounts = lines.map(({ priceCents, quantity }) => priceCents * quantity);
  const itemsCents = sum(amounts);
  const shippingCents = shippingOf(itemsCents);
  const lineTaxCents = amounts.map((cents) => taxIn(cents, rate));
  return {
    itemsCents,
    shippingCents,
    taxCents: sum(lineTaxCents) + taxIn(shippingCents, rate),
    totalCents: itemsCents + shippingCents,
    lineTaxCents,
  };
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, each) => total + each, 0);
