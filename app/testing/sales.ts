// Orders written as plain rows for tests of the sales report, and a second report in plain code to compare with.
import type { Database, Statement } from "../../db/database.ts";
import { saveAll, shoe } from "./shop.ts";

/** An order as a test describes it. Amounts in minor units, times in ms since 1970; `null`: it did not happen. */
export type Sale = {
  confirmedMs: number | null;
  cancelledMs?: number;
  method?: "card" | "invoice";
  currency?: string;
  shippingCents?: number;
  lines: { productId: string; title?: string; quantity: number; priceCents: number }[];
  refunds?: { atMs: number; cents: number; state?: "due" | "done" | "refused" }[];
};

const totalOf = ({ lines, shippingCents = 0 }: Sale): number =>
  lines.reduce((sum, { quantity, priceCents }) => sum + quantity * priceCents, shippingCents);

/** The shoe whose stock all sales take, with any ids of their lines. */
const STOCKED = shoe("stocked", { sizes: [{ size: "9", stock: 1_000_000 }] });

/** Writes the sales, numbered from 10001 in their order; the schema's triggers write their history. */
export async function writeSales(db: Database, sales: readonly Sale[]): Promise<void> {
  await saveAll(db, [STOCKED], false);
  for (const [index, sale] of sales.entries()) await db.write(statementsOf(sale, 10_001 + index));
}

function statementsOf(sale: Sale, number: number): Statement[] {
  const { confirmedMs, cancelledMs, method = "card", currency = "USD", shippingCents = 0 } = sale;
  const { lines, refunds = [] } = sale;
  const total = totalOf(sale);
  const isInvoice = method === "invoice";
  const placedMs = (confirmedMs ?? cancelledMs ?? 60_000) - 60_000;
  const isCaptured = confirmedMs !== null && (isInvoice || refunds.length > 0);
  const refunded = refunds.reduce((sum, { cents, state }) => sum + (state === "refused" ? 0 : cents), 0);
  const step = (status: string, atMs: number): Statement => ({
    sql: "UPDATE orders SET status = ?, updated_at = ?, changed_by = 'admin' WHERE number = ?",
    args: [status, atMs, number],
  });
  return [
    {
      sql: `INSERT INTO orders (number, id, email, email_key, status, currency, items_cents, shipping_cents, tax_cents,
  total_cents, shipping_method, payment_method, payment_status, changed_by, created_at, updated_at)
VALUES (?, ?, 'a@b.example', 'a@b.example', 'pending', ?, ?, ?, 0, ?, 'standard', ?, 'none', 'customer', ?, ?)`,
      args: [
        number,
        `order-${number}`.padEnd(36, "."),
        currency,
        total - shippingCents,
        shippingCents,
        total,
        method,
        placedMs,
        placedMs,
      ],
    },
    ...lines.map(({ productId, title = `Shoe ${productId}`, quantity, priceCents }, position) => ({
      sql: `INSERT INTO order_lines (number, position, shoe, product_id, title, size, quantity, price_cents, tax_cents)
SELECT ?, ?, s.id, ?, ?, '9', ?, ?, 0 FROM shoes AS s WHERE s.shoe_id = ?`,
      args: [number, position, productId, title, quantity, priceCents, STOCKED.shoeId],
    })),
    ...(confirmedMs === null
      ? []
      : [
          step("confirmed", confirmedMs),
          {
            sql: "UPDATE orders SET confirmed_at = ?, captured_cents = ?, refunded_cents = ? WHERE number = ?",
            args: [confirmedMs, isCaptured ? total : 0, refunded, number],
          },
        ]),
    ...refunds.map(({ atMs, cents, state = "done" }, index) => ({
      sql: "INSERT INTO refunds (number, position, amount_cents, restock, state, created_at) VALUES (?, ?, ?, 0, ?, ?)",
      args: [number, index + 1, cents, state, atMs],
    })),
    ...(cancelledMs === undefined ? [] : [step("cancelled", cancelledMs)]),
  ];
}

type Shoe = { productId: string; productName: string; pairs: number; revenueCents: number };
type DayByHand = {
  orders: number;
  items: number;
  revenueCents: number;
  refundsCents: number;
  topShoes: Shoe[];
};

/** The days on which something was sold or given back, from all rows of the tables and the clocks of `Intl`. */
export function reportByHand(db: Database, timezone: string, currency: string): Record<string, DayByHand> {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  const days: Record<string, DayByHand> = {};
  const day = (ms: number): DayByHand => {
    const date = format.format(ms);
    days[date] ??= { orders: 0, items: 0, revenueCents: 0, refundsCents: 0, topShoes: [] };
    return days[date];
  };
  const rows = <R extends (string | number | null)[]>(sql: string) => db.read.all<R>(sql);
  const orders = rows<[number, string, string, number, number | null]>(
    "SELECT number, currency, status, total_cents, confirmed_at FROM orders ORDER BY number",
  ).filter(([, each]) => each === currency);
  const lines = Map.groupBy(
    rows<[number, string, string, number, number]>(
      "SELECT number, product_id, title, quantity, price_cents FROM order_lines ORDER BY number, position",
    ),
    ([number]) => number,
  );
  const refunds = Map.groupBy(
    rows<[number, number, number]>(
      "SELECT number, amount_cents, created_at FROM refunds WHERE state <> 'refused'",
    ),
    ([number]) => number,
  );
  const cancellations = new Map(
    rows<[number, number]>("SELECT number, at FROM order_history WHERE status = 'cancelled'"),
  );
  for (const [number, , status, total, confirmedMs] of orders) {
    if (confirmedMs === null) continue;
    const on = day(confirmedMs);
    on.orders += 1;
    on.revenueCents += total;
    const named = new Set<string>();
    for (const [, productId, title, quantity, cents] of lines.get(number) ?? []) {
      on.items += quantity;
      let sold = on.topShoes.find((each) => each.productId === productId);
      if (!sold) {
        sold = { productId, productName: title, pairs: 0, revenueCents: 0 };
        on.topShoes.push(sold);
      }
      // The first line of the newest order names the shoe.
      if (!named.has(productId)) sold.productName = title;
      named.add(productId);
      sold.pairs += quantity;
      sold.revenueCents += quantity * cents;
    }
    let left = total;
    for (const [, cents, atMs] of refunds.get(number) ?? []) {
      day(atMs).refundsCents += cents;
      left -= cents;
    }
    if (status === "cancelled") day(cancellations.get(number) ?? Number.NaN).refundsCents += left;
  }
  for (const { topShoes } of Object.values(days)) {
    topShoes.sort(
      (a, b) => b.pairs - a.pairs || b.revenueCents - a.revenueCents || (a.productId < b.productId ? -1 : 1),
    );
    topShoes.splice(5);
  }
  return days;
}
