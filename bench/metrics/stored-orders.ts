// Whether every acknowledged order is stored once, paid and taken from stock, and no other order.
import { existsSync } from "node:fs";
import { join } from "node:path";
import Libsql from "libsql";
import type { Children } from "../harness/children.ts";
import type { Acknowledged } from "../load/counting.ts";

const BOOKS = "app/orders/books/command.ts";
const BOOKS_MS_MAX = 600_000;

/** The orders in the file of a shop that has ended. */
export type StoredOrders = {
  orders: number;
  /** Orders that are confirmed and whose payment is authorised, at the gateway too. */
  paid: number;
  /** Pairs in the lines of orders, and pairs that were taken from stock. */
  ordered: number;
  taken: number;
};

export function readOrders(filePath: string): StoredOrders {
  const handle = new Libsql(filePath, { timeout: 5_000 });
  const one = (sql: string): number => {
    const [value] = handle.prepare(sql).raw(true).get([]) as [number | null];
    return value ?? 0;
  };
  try {
    return {
      orders: one("SELECT count(*) FROM orders"),
      paid: one(`SELECT count(*) FROM orders AS o JOIN sandbox_payments AS p ON p.id = o.id
        WHERE o.status = 'confirmed' AND o.payment_status = 'authorized' AND p.status = 'authorized' AND p.amount_cents = o.total_cents`),
      ordered: one("SELECT sum(quantity - returned) FROM order_lines"),
      taken: one("SELECT sum(pairs) FROM stock_taken"),
    };
  } finally {
    handle.close();
  }
}

/** The fault of stored orders in one phrase; `null` when there is none. Those whose outcome is open may be stored too. */
export function faultOfOrders(
  { orders, paid, ordered, taken }: StoredOrders,
  { created, openMax }: Acknowledged,
): string | null {
  if (orders < created) return `${created - orders} of ${created} acknowledged orders are not stored`;
  if (orders > created + openMax) return `${orders} orders are stored, but only ${created} were acknowledged`;
  if (paid < created) return `${created} orders were acknowledged as paid, but only ${paid} are`;
  if (ordered !== taken) return `${ordered} pairs were ordered, but ${taken} were taken from stock`;
  return null;
}

/** Throws unless the orders in the file of a shop that has ended are those that were acknowledged, and its books are right. */
export async function expectOrders(
  children: Children,
  filePath: string,
  acknowledged: Acknowledged,
): Promise<void> {
  const fault = faultOfOrders(readOrders(filePath), acknowledged);
  if (fault !== null) throw new Error(fault);
  if (!existsSync(join(children.tree, BOOKS))) return;
  await children.expectEnd(children.start([BOOKS, filePath], { cores: null }), BOOKS_MS_MAX);
}
