// Orders for the tests of the contract suite: rows, steps, and what the primary then has.
import type { Row, Statement } from "../database.ts";
import { ORDER_ID, ORDER_ROWS } from "./contract-orders.ts";
import { adding, type RowOf, type Subject } from "./contract-parts.ts";

/** The number of the first order. */
export const FIRST = 10_001;
/** Pairs of size 42 of shoe `a`, which is the first row of its table. */
export const STOCK = 5;
/** When orders take their steps. */
export const LATER = 9;

/** Adds an order, pending unless `row` says otherwise. */
export const order = (number = FIRST, row: RowOf = {}): Statement =>
  adding("orders", { ...ORDER_ROWS.orders, number, id: ORDER_ID.slice(5) + number, ...row });
/** Adds a line of size 42 of shoe `a`. */
export const line = (quantity: number, number = FIRST, row: RowOf = {}): Statement =>
  adding("order_lines", { ...ORDER_ROWS.order_lines, number, quantity, ...row });
export const mail = (part: number, row: RowOf = {}): Statement =>
  adding("outbox", { ...ORDER_ROWS.outbox, part, ...row });
export const user = (id: string): Statement =>
  adding("users", {
    id,
    email: "u@a",
    email_key: `${id}@a`,
    name: "U",
    password_hash: "",
    created_at: 0,
    updated_at: 0,
  });

/** Takes a step. */
export const step = (status: string, number = FIRST): Statement => ({
  sql: "UPDATE orders SET status = ?, changed_by = 'admin', updated_at = ? WHERE number = ?",
  args: [status, LATER, number],
});
export const returning = (pairs: number): Statement => ({
  sql: "UPDATE order_lines SET returned = ?",
  args: [pairs],
});

/** Rows of the primary. */
export const rowsOf = ({ db }: Subject, sql: string): Promise<Row[]> =>
  Promise.resolve(db().onPrimary(({ read }) => read.all(sql)));

/** The stock of the size, the stock of its shoe, and the pairs that orders hold. */
export const stockOf = async (subject: Subject): Promise<Row | undefined> =>
  (
    await rowsOf(
      subject,
      `SELECT (SELECT stock FROM sizes WHERE size = '42'), (SELECT stock FROM shoes),
       (SELECT pairs FROM stock_taken WHERE size = '42')`,
    )
  )[0];
