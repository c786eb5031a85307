// The sales report as JSON and as CSV; amounts in major units.
import Papa from "papaparse";
import { type SalesDay, type SalesReport, type Sums, TOP_MAX, type TopShoe } from "./sales.ts";

/** The report as the API shows it. */
export const jsonOf = ({ days, totals, ...head }: SalesReport) => ({
  ...head,
  days: days.map(dayJsonOf),
  totals: sumsOf(totals),
});

/** A day as the API shows it. */
export const dayJsonOf = ({ date, topShoes, ...sums }: SalesDay) => ({
  date,
  ...sumsOf(sums),
  topShoes: topShoes.map(({ revenueCents, ...shoe }) => ({ ...shoe, revenue: revenueCents / 100 })),
});

const sumsOf = ({ orders, items, revenueCents, refundsCents }: Sums) => ({
  orders,
  items,
  revenue: revenueCents / 100,
  refunds: refundsCents / 100,
});

const RANKS = Array.from({ length: TOP_MAX }, (_, index) => index + 1);
const HEADER = ["date", "orders", "items", "revenue", "refunds", "currency"].concat(
  RANKS.flatMap((rank) => [
    `top${rank}ProductId`,
    `top${rank}ProductName`,
    `top${rank}Pairs`,
    `top${rank}Revenue`,
  ]),
);

/** The report as CSV (RFC 4180): a header, a row for each day, and the totals. */
export function csvOf({ days, totals, currency }: SalesReport): string {
  const row = (name: string, { orders, items, revenueCents, refundsCents }: Sums, topShoes: TopShoe[]) => [
    name,
    orders,
    items,
    amount(revenueCents),
    amount(refundsCents),
    currency,
    ...RANKS.flatMap((rank) => cellsOf(topShoes[rank - 1])),
  ];
  const rows = [...days.map((day) => row(day.date, day, day.topShoes)), row("total", totals, [])];
  return `${Papa.unparse([HEADER, ...rows], { newline: "\r\n" })}\r\n`;
}

const amount = (cents: number): string => (cents / 100).toFixed(2);

const cellsOf = (shoe: TopShoe | undefined): (string | number)[] =>
  shoe
    ? [guarded(shoe.productId), guarded(shoe.productName), shoe.pairs, amount(shoe.revenueCents)]
    : ["", "", "", ""];

/**
 * A text that no spreadsheet takes for a formula: an apostrophe stands before `= + - @`, in their wide forms too, at the
 * start, and after what another program may take for the end of a cell. Papa's own guard knows neither these nor texts of
 * several lines.
 */
const guarded = (text: string): string => text.replace(FORMULA, "'");

const FORMULA = /(?<=^|[,;\t\r\n|])(?=[\s"']*[=+\-@＝＋－＠])|^(?=[\t\r\n])/g;
