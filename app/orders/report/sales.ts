// The sales report: what the shop sold and gave back on each day.
import type { Row, Statement } from "../../../db/database.ts";
import { type Day, daysOf } from "./days.ts";
import type { Period } from "./period.ts";

/** Sales and refunds. Amounts in minor units. */
export type Sums = { orders: number; items: number; revenueCents: number; refundsCents: number };

/** A shoe among those of which most pairs were sold; `revenueCents` is their price without delivery. */
export type TopShoe = { productId: string; productName: string; pairs: number; revenueCents: number };

export type SalesDay = Sums & { date: string; topShoes: TopShoe[] };

export type SalesReport = Period & { timezone: string; currency: string; days: SalesDay[]; totals: Sums };

/** The days of which zone, and the currency whose orders count: one sum has one currency. */
export type Books = { timezone: string; currency: string };

/** Runs the queries on one snapshot, off the serving thread. */
export type Scan = (queries: Statement[]) => Promise<Row[][]>;

/** Shoes that a day names. */
export const TOP_MAX = 5;

const CONFIRMED = "o.confirmed_at >= ?1 AND o.confirmed_at < ?2 AND o.currency = ?3";
const SOLD = `SELECT count(*), coalesce(sum(o.total_cents), 0)
FROM orders AS o INDEXED BY orders_by_confirmation WHERE ${CONFIRMED}`;
// The window's sum is that of every shoe, beyond the limit too. A shoe is named as in its newest order of the day.
const SHOES = `SELECT s.product_id,
  (SELECT title FROM order_lines WHERE number = s.newest AND product_id = s.product_id ORDER BY position LIMIT 1),
  s.pairs, s.cents, sum(s.pairs) OVER ()
FROM (SELECT l.product_id, sum(l.quantity) AS pairs, sum(l.quantity * l.price_cents) AS cents, max(l.number) AS newest
  FROM orders AS o INDEXED BY orders_by_confirmation CROSS JOIN order_lines AS l ON l.number = o.number
  WHERE ${CONFIRMED} GROUP BY l.product_id) AS s
ORDER BY s.pairs DESC, s.cents DESC, s.product_id LIMIT ${TOP_MAX}`;
const REFUNDED = `SELECT coalesce(sum(r.amount_cents), 0)
FROM refunds AS r INDEXED BY refunds_by_time CROSS JOIN orders AS o ON o.number = r.number
WHERE r.created_at >= ?1 AND r.created_at < ?2 AND r.state <> 'refused' AND o.currency = ?3`;
// Rows of `refunds`, before or by the cancellation, count by their own time: the rest of the total counts here.
const CANCELLED = `SELECT coalesce(sum(o.total_cents
  - (SELECT coalesce(sum(amount_cents), 0) FROM refunds WHERE number = o.number AND state <> 'refused')), 0)
FROM order_history AS h INDEXED BY order_history_cancelled CROSS JOIN orders AS o ON o.number = h.number
WHERE h.status = 'cancelled' AND h.at >= ?1 AND h.at < ?2 AND o.confirmed_at IS NOT NULL AND o.currency = ?3`;
const QUERIES = [SOLD, SHOES, REFUNDED, CANCELLED];

/**
 * The sales of each day of the period, those without any too, and their totals.
 *
 * An order counts on the day when it was confirmed: once, with its pairs, and with its total (delivery included) as revenue.
 * A refund counts on the day when it was made, unless the gateway refused it. A confirmed order that is cancelled counts as
 * a refund of what was not refunded before, on the day of the cancellation: its total was voided or is given back. So
 * nothing that happens today changes an earlier day; only the gateway's refusal of a refund takes it back from its day.
 *
 * Each day is read by itself, so that other wide queries come in between.
 */
export async function salesOf(
  scan: Scan,
  { from, to }: Period,
  { timezone, currency }: Books,
): Promise<SalesReport> {
  const days: SalesDay[] = [];
  for (const day of daysOf(from, to, timezone)) days.push(await dayOfSales(scan, day, currency));
  return { from, to, timezone, currency, days, totals: days.reduce(added, NOTHING) };
}

async function dayOfSales(scan: Scan, day: Day, currency: string): Promise<SalesDay> {
  return readDay(day, await scan(dayQueries(day, currency)));
}

/** The queries of a day's sales, for one snapshot. */
export const dayQueries = ({ startMs, endMs }: Day, currency: string): Statement[] =>
  QUERIES.map((sql) => ({ sql, args: [startMs, endMs, currency] }));

/** The sales of a day, from what its queries found. */
export function readDay({ date }: Day, rows: Row[][]): SalesDay {
  const [sold = [], shoes = [], refunded = [], cancelled = []] = rows;
  const number = (row: Row | undefined, column: number) => Number(row?.[column] ?? 0);
  return {
    date,
    orders: number(sold[0], 0),
    items: number(shoes[0], 4),
    revenueCents: number(sold[0], 1),
    refundsCents: number(refunded[0], 0) + number(cancelled[0], 0),
    topShoes: shoes.map((row) => ({
      productId: String(row[0]),
      productName: String(row[1]),
      pairs: number(row, 2),
      revenueCents: number(row, 3),
    })),
  };
}

const NOTHING: Sums = { orders: 0, items: 0, revenueCents: 0, refundsCents: 0 };

const added = (sums: Sums, day: Sums): Sums => ({
  orders: sums.orders + day.orders,
  items: sums.items + day.items,
  revenueCents: sums.revenueCents + day.revenueCents,
  refundsCents: sums.refundsCents + day.refundsCents,
});
