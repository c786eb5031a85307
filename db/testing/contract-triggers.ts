// The tests of the contract suite for the rules and triggers of orders: steps, stock, mails and removed accounts.
import { beforeEach, expect, test } from "bun:test";
import type { Statement } from "../database.ts";
import { DatabaseError, type DatabaseErrorKind } from "../errors.ts";
import { FIRST, LATER, line, mail, order, rowsOf, STOCK, step, user } from "./contract-order-parts.ts";
import { ORDER_ID, ORDER_ROWS } from "./contract-orders.ts";
import { adding, expectRefusal, failure, ofShoe, type Subject, shoe, size } from "./contract-parts.ts";
import { stock } from "./contract-stock.ts";

const STATUSES = ["pending", "confirmed", "shipped", "delivered", "cancelled"];
/** Written out, so that the schema is not compared with itself. */
const ALLOWED = [
  "pending confirmed",
  "pending cancelled",
  "confirmed shipped",
  "confirmed cancelled",
  "shipped delivered",
];
const MAIL_STATES = ["held", "due", "sent", "parked", "withdrawn"];
const CART = "c".repeat(16);

/** Tests of orders. */
export function orders(subject: Subject): void {
  beforeEach(() =>
    subject.db().write([shoe("a"), size("42", 0), ofShoe("UPDATE sizes SET stock = ?1", STOCK)]),
  );
  rules(subject);
  steps(subject);
  stock(subject);
  mails(subject);
  removals(subject);
}

function rules({ db }: Subject): void {
  const refused: [what: string, Statement, DatabaseErrorKind, columns: string[]][] = [
    ["a second order of one number", order(FIRST, { id: ORDER_ID }), "unique", ["orders.number"]],
    ["a second order of one id", order(20_000, { id: ORDER_ID.slice(5) + FIRST }), "unique", ["orders.id"]],
    ["a second order of one cart", order(20_000, { cart_id: CART }), "unique", ["orders.cart_id"]],
    ["an order of an unknown user", order(20_000, { user_id: "nobody" }), "reference", []],
    ["an order's removal", { sql: "DELETE FROM orders" }, "check", []],
    ["a line's removal", { sql: "DELETE FROM order_lines" }, "check", []],
    ["another quantity", { sql: "UPDATE order_lines SET quantity = 2" }, "check", ["quantity"]],
    ["another price", { sql: "UPDATE order_lines SET price_cents = 2" }, "check", ["quantity"]],
    ["a line of an unknown order", line(1, 20_000), "reference", []],
    ["a line twice", line(1), "unique", ["order_lines.number", "order_lines.position"]],
    ["a mail twice", mail(0), "unique", ["outbox.number", "outbox.kind", "outbox.part"]],
    [
      "a request twice",
      adding("payment_requests", ORDER_ROWS.payment_requests),
      "unique",
      ["payment_requests.number", "payment_requests.kind", "payment_requests.refund"],
    ],
    ["an event twice", adding("payment_events", ORDER_ROWS.payment_events), "unique", ["payment_events.id"]],
    ["lines of an unknown refund", adding("refund_lines", ORDER_ROWS.refund_lines), "reference", []],
    ["another number of an order with lines", { sql: "UPDATE orders SET number = 20000" }, "reference", []],
  ];

  test("refuse what breaks a rule of orders", async () => {
    await db().write([
      order(FIRST, { cart_id: CART }),
      line(1),
      mail(0),
      adding("payment_requests", ORDER_ROWS.payment_requests),
      adding("payment_events", ORDER_ROWS.payment_events),
    ]);
    for (const [what, statement, kind, columns] of refused) {
      const thrown = await failure(db().write([statement]));
      expect([what, thrown]).toEqual([what, expect.any(DatabaseError)]);
      expectRefusal(thrown, kind, columns);
    }
    // What the rules leave free: the cart of a cancelled order, and several mails that belong to no order.
    await db().write([step("cancelled"), order(20_000, { cart_id: CART })]);
    await db().write([mail(0, { number: null }), mail(0, { number: null })]);
  });
}

function steps(subject: Subject): void {
  const { db } = subject;
  const history = (number: number) =>
    rowsOf(
      subject,
      `SELECT position, status, changed_by, at FROM order_history WHERE number = ${number} ORDER BY position`,
    );

  test("an order takes the steps that are allowed and no other, and its history has them", async () => {
    const pairs = STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const));
    expect(pairs).toHaveLength(25);
    for (const [index, [from, to]] of pairs.entries()) {
      const number = FIRST + index;
      const stays = [1, from, "customer", 1];
      await db().write([order(number, { status: from })]);
      const outcome = await failure(db().write([step(to, number)]));
      const isAllowed = ALLOWED.includes(`${from} ${to}`);
      if (isAllowed || from === to) expect([from, to, outcome]).toEqual([from, to, "it was done"]);
      else expectRefusal(outcome, "check", ["status"]);
      expect(await history(number)).toEqual(isAllowed ? [stays, [2, to, "admin", LATER]] : [stays]);
      expect(await rowsOf(subject, `SELECT status FROM orders WHERE number = ${number}`)).toEqual([
        [isAllowed ? to : from],
      ]);
    }
  });

  test("an order takes one step after another", async () => {
    await db().write([order(), step("confirmed"), step("shipped"), step("delivered")]);
    expect((await history(FIRST)).map(([position, status]) => [position, status])).toEqual([
      [1, "pending"],
      [2, "confirmed"],
      [3, "shipped"],
      [4, "delivered"],
    ]);
  });

  test("the times of a history do not run backwards when the clocks of processes differ", async () => {
    await db().write([order(), step("confirmed")]);
    await db().write([
      {
        sql: `UPDATE orders SET status = 'shipped', updated_at = ? WHERE number = ${FIRST}`,
        args: [LATER - 1],
      },
    ]);
    expect((await history(FIRST)).map(([, status, , at]) => [status, at])).toEqual([
      ["pending", 1],
      ["confirmed", LATER],
      ["shipped", LATER],
    ]);
  });
}

function mails(subject: Subject): void {
  test.each([
    ["confirmed", "due"],
    ["cancelled", "withdrawn"],
  ])("a mail that is held when its order is %s becomes %s", async (status, state) => {
    const states = () => rowsOf(subject, "SELECT number, state, due_at FROM outbox ORDER BY number, part");
    const others = MAIL_STATES.slice(1).map((each) => [FIRST, each, 1]);
    const ofOther = [FIRST + 1, "held", 1];
    await subject.db().write([order(), ...MAIL_STATES.map((each, part) => mail(part, { state: each }))]);
    await subject.db().write([order(FIRST + 1), mail(0, { number: FIRST + 1 })]);
    await subject.db().write([{ sql: "UPDATE orders SET payment_status = 'unknown', status = status" }]);
    expect(await states()).toEqual([[FIRST, "held", 1], ...others, ofOther]);
    await subject.db().write([step(status)]);
    expect(await states()).toEqual([[FIRST, state, LATER], ...others, ofOther]);
  });
}

function removals(subject: Subject): void {
  const { db } = subject;
  const PERSON = { user_id: "u", client: "10.0.0.1" };
  const all = () =>
    rowsOf(
      subject,
      "SELECT number - 10000, user_id, email, email_key, client, address FROM orders ORDER BY number",
    );
  const addresses = async () => (await all()).map((row) => row[5]);
  const place = () =>
    db().write([
      user("u"),
      user("v"),
      ...STATUSES.map((status, index) => order(FIRST + index, { ...PERSON, status })),
      order(FIRST + 5, { ...PERSON, user_id: "v" }),
      order(FIRST + 6, { client: "10.0.0.1" }),
    ]);
  const remove = { sql: "DELETE FROM users WHERE id = 'u'" };

  test("a user who is removed leaves orders without a person", async () => {
    await place();
    await db().write([remove]);
    expect(await all()).toEqual([
      [1, null, "", "", "10.0.0.1", "{}"],
      [2, null, "", "", null, "{}"],
      [3, null, "", "", null, null],
      [4, null, "", "", null, null],
      [5, null, "", "", null, null],
      [6, "v", "u@a", "u@a", "10.0.0.1", "{}"],
      [7, null, "u@a", "u@a", "10.0.0.1", "{}"],
    ]);
    expect(await rowsOf(subject, "SELECT count(*), max(position) FROM order_history")).toEqual([[7, 1]]);
  });

  test("an address that was kept is forgotten when its order is shipped or cancelled", async () => {
    await place();
    await db().write([remove]);
    await db().write([step("confirmed"), step("confirmed", FIRST + 5), step("confirmed", FIRST + 6)]);
    expect(await addresses()).toEqual(["{}", "{}", null, null, null, "{}", "{}"]);
    await db().write([step("cancelled"), step("shipped", FIRST + 1)]);
    await db().write([step("shipped", FIRST + 5), step("cancelled", FIRST + 6)]);
    expect(await addresses()).toEqual([null, null, null, null, null, "{}", "{}"]);
  });

  test("a user who is removed leaves mails without a person, and those that are not sent are withdrawn", async () => {
    await place();
    await db().write([
      ...MAIL_STATES.map((state, part) => mail(part, { state })),
      mail(0, { number: FIRST + 5 }),
      mail(0, { number: FIRST + 6 }),
      mail(0, { number: null }),
    ]);
    await db().write([remove]);
    const others = [
      [FIRST + 5, "u@a", "{}", "held"],
      [FIRST + 6, "u@a", "{}", "held"],
    ];
    expect(
      await rowsOf(subject, "SELECT number, recipient, data, state FROM outbox ORDER BY number, part"),
    ).toEqual([
      [null, "u@a", "{}", "held"],
      ...MAIL_STATES.map((state) => [FIRST, null, null, state === "sent" ? "sent" : "withdrawn"]),
      ...others,
    ]);
  });
}
