// The report of one day with its hours, as it is mailed.
import type { Row, Statement } from "../../../db/database.ts";
import type { Day } from "./days.ts";
import { dayJsonOf } from "./formats.ts";
import { type Hour, hoursOf } from "./hours.ts";
import { type Books, dayQueries, readDay, type Scan } from "./sales.ts";

/** A day as the API's report shows it, and the sales of each of its hours; amounts in major units. */
export type DayReport = ReturnType<typeof dayJsonOf> & Books & { hours: HourOfSales[] };

/** `start` is what the clocks show (HH:MM); where they go back, a time may come twice. */
export type HourOfSales = { start: string; orders: number; revenue: number };

/** Reads the report of a day. All its numbers are of one snapshot, so the sums of the hours are those of the day. */
export async function dayReportOf(scan: Scan, day: Day, { timezone, currency }: Books): Promise<DayReport> {
  const hours = hoursOf(day, timezone);
  const [byHour = [], ...ofDay] = await scan([hoursQuery(hours, currency), ...dayQueries(day, currency)]);
  return { ...dayJsonOf(readDay(day, ofDay)), timezone, currency, hours: hours.map(openHours(byHour)) };
}

// Hours without an order have no row.
const BY_HOUR = `SELECT h.key, count(*), sum(o.total_cents)
FROM json_each(?1) AS h CROSS JOIN orders AS o INDEXED BY orders_by_confirmation
WHERE o.confirmed_at >= json_extract(h.value, '$[0]') AND o.confirmed_at < json_extract(h.value, '$[1]')
  AND o.currency = ?2
GROUP BY h.key`;

const hoursQuery = (hours: readonly Hour[], currency: string): Statement => ({
  sql: BY_HOUR,
  args: [JSON.stringify(hours.map(({ startMs, endMs }) => [startMs, endMs])), currency],
});

function openHours(rows: Row[]): (hour: Hour, index: number) => HourOfSales {
  const sums = new Map(rows.map(([key, orders, cents]) => [Number(key), { orders, cents }]));
  return ({ start }, index) => {
    const { orders = 0, cents = 0 } = sums.get(index) ?? {};
    return { start, orders: Number(orders), revenue: Number(cents) / 100 };
  };
}
