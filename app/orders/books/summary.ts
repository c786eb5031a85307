// The summary of the books: counts and sums of the orders and their mails, added up slice by slice.
import type { Value } from "../../../db/database.ts";
import { UNSETTLED } from "../payment/settle.ts";
import { type Ask, IN_SLICE } from "./rule.ts";

export type Summary = {
  orders: number;
  lines: number;
  /** Sold and not returned. */
  pairs: number;
  /** Orders whose payment is unsettled, and requests that the gateway has not answered yet: neither is an error. */
  waiting: number;
  requests: number;
  /** Mails by their state. */
  mails: Map<string, number>;
  /** By currency, in minor units: the totals of orders that were confirmed and not cancelled, less refunds. */
  revenue: Map<string, number>;
};

const ORDERS = `SELECT o.currency, count(*),
  sum(iif(o.confirmed_at IS NULL OR o.status = 'cancelled', 0, o.total_cents - o.refunded_cents)),
  sum(o.status = 'pending' AND o.payment_status IN ${UNSETTLED})
FROM orders AS o WHERE ${IN_SLICE} GROUP BY o.currency`;
const LINES = `SELECT count(*), coalesce(sum(o.quantity - o.returned), 0) FROM order_lines AS o WHERE ${IN_SLICE}`;
const REQUESTS = `SELECT count(*) FROM payment_requests AS o WHERE ${IN_SLICE} AND o.state = 'due' AND o.kind <> 'authorise'`;

const MAILS = "SELECT state, count(*) FROM outbox WHERE seq > ?1 AND seq <= ?2 GROUP BY state";

export const emptySummary = (): Summary => ({
  orders: 0,
  lines: 0,
  pairs: 0,
  waiting: 0,
  requests: 0,
  mails: new Map(),
  revenue: new Map(),
});

/** Adds the orders of a slice. Rejects with the database's error. */
export async function addSlice(ask: Ask, summary: Summary, slice: [Value, Value]): Promise<void> {
  for (const row of await ask(ORDERS, ...slice)) {
    const [currency, orders, cents, waiting] = row as [string, number, number, number];
    summary.orders += orders;
    summary.waiting += waiting;
    summary.revenue.set(currency, (summary.revenue.get(currency) ?? 0) + cents);
  }
  const [[lines, pairs] = [0, 0]] = (await ask(LINES, ...slice)) as [number, number][];
  const [[requests] = [0]] = (await ask(REQUESTS, ...slice)) as [number][];
  summary.lines += lines;
  summary.pairs += pairs;
  summary.requests += requests;
}

/** Adds the mails of a slice. Rejects with the database's error. */
export async function addMails(ask: Ask, { mails }: Summary, slice: [Value, Value]): Promise<void> {
  for (const row of await ask(MAILS, ...slice)) {
    const [state, count] = row as [string, number];
    mails.set(state, (mails.get(state) ?? 0) + count);
  }
}

/** The summary in one line. */
export function textOf({ orders, lines, pairs, waiting, requests, mails, revenue }: Summary): string {
  const counts = `${count(orders, "order")}, ${count(lines, "line")}, ${count(pairs, "pair")} sold`;
  const amounts = [...revenue].map(
    ([currency, cents]) => `, revenue ${(cents / 100).toFixed(2)} ${currency}`,
  );
  const mailsIn = (state: string): number => mails.get(state) ?? 0;
  const [sent, due, parked] = [mailsIn("sent"), mailsIn("due"), mailsIn("parked")];
  const open = [
    ...(waiting > 0 ? [`${count(waiting, "order")} unsettled`] : []),
    ...(requests > 0 ? [`${count(requests, "request")} to the gateway unanswered`] : []),
    ...(due > 0 ? [`${count(due, "mail")} due`] : []),
    ...(parked > 0 ? [`${count(parked, "mail")} parked`] : []),
  ];
  return `${counts}${amounts.join("")}, ${count(sent, "mail")} sent${open.length > 0 ? `; ${open.join(", ")}` : ""}`;
}

const count = (number: number, noun: string): string =>
  `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
