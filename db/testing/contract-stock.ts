// The tests of the contract suite for the stock that lines of orders take and give back.
import { expect, test } from "bun:test";
import type { Statement } from "../database.ts";
import { DatabaseError } from "../errors.ts";
import { FIRST, line, order, returning, rowsOf, STOCK, step, stockOf } from "./contract-order-parts.ts";
import { expectRefusal, failure, type Subject } from "./contract-parts.ts";

const STOCK_MAX = 1_000_000;

/** Tests of stock. */
export function stock(subject: Subject): void {
  takes(subject);
  returns(subject);
}

function takes(subject: Subject): void {
  const { db } = subject;

  test("a line takes its stock", async () => {
    await db().write([order(), line(2)]);
    expect(await stockOf(subject)).toEqual([STOCK - 2, STOCK - 2, 2]);
    await db().write([order(FIRST + 1), line(STOCK - 2, FIRST + 1)]);
    expect(await stockOf(subject)).toEqual([0, 0, STOCK]);
  });

  test("an order is refused where the stock of a line is short, or its size is gone", async () => {
    const refused: [what: string, Statement[]][] = [
      ["too many", [line(STOCK + 1)]],
      ["too many in two lines", [line(STOCK), line(1, FIRST, { position: 1 })]],
      ["an unknown size", [line(1, FIRST, { size: "43" })]],
      ["an unknown shoe", [line(1, FIRST, { shoe: 2 })]],
    ];
    for (const [what, lines] of refused) {
      const thrown = await failure(db().write([order(), ...lines]));
      expect([what, thrown]).toEqual([what, expect.any(DatabaseError)]);
      expectRefusal(thrown, "check", ["stock"]);
    }
    expect(await stockOf(subject)).toEqual([STOCK, STOCK, null]);
    expect(await rowsOf(subject, "SELECT 1 FROM orders UNION ALL SELECT 1 FROM order_history")).toEqual([]);
  });

  test("of orders at once only so many succeed as the stock has pairs for", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        failure(db().write([order(FIRST + index), line(2, FIRST + index)])),
      ),
    );
    const refused = outcomes.filter((outcome) => outcome !== "it was done");
    expect(refused).toHaveLength(18);
    for (const thrown of refused) expectRefusal(thrown, "check", ["stock"]);
    expect(await stockOf(subject)).toEqual([1, 1, 4]);
    expect(await rowsOf(subject, "SELECT count(*) FROM orders")).toEqual([[2]]);
  });
}

function returns(subject: Subject): void {
  const { db } = subject;

  test.each(["pending", "confirmed"])(
    "an order that is cancelled when %s gives its stock back once",
    async (from) => {
      await db().write([order(FIRST, { status: from }), line(2), line(2, FIRST, { position: 1 })]);
      await db().write([{ sql: "UPDATE order_lines SET returned = 1 WHERE position = 0" }]);
      expect(await stockOf(subject)).toEqual([STOCK - 3, STOCK - 3, 3]);
      await db().write([step("cancelled")]);
      const afterwards = [STOCK, STOCK, 0];
      expect(await stockOf(subject)).toEqual(afterwards);
      await db().write([step("cancelled")]);
      await db().write([returning(2)]);
      expect(await stockOf(subject)).toEqual(afterwards);
      expect(await rowsOf(subject, "SELECT quantity, returned FROM order_lines")).toEqual([
        [2, 2],
        [2, 2],
      ]);
    },
  );

  test("what came back never falls, and is not more than what was bought", async () => {
    await db().write([order(), line(2), returning(1)]);
    for (const pairs of [0, 3])
      expectRefusal(await failure(db().write([returning(pairs)])), "check", ["returned"]);
    expect(await stockOf(subject)).toEqual([STOCK - 1, STOCK - 1, 1]);
    await db().write([step("cancelled")]);
    for (const pairs of [0, 1])
      expectRefusal(await failure(db().write([returning(pairs)])), "check", ["returned"]);
    expect(await stockOf(subject)).toEqual([STOCK, STOCK, 0]);
  });

  test("a line whose size is gone gives nothing back, and a full stock stays at its limit", async () => {
    await db().write([order(), line(2), order(FIRST + 1), line(2, FIRST + 1)]);
    await db().write([{ sql: "UPDATE sizes SET stock = ?", args: [STOCK_MAX - 1] }, step("cancelled")]);
    expect(await stockOf(subject)).toEqual([STOCK_MAX, STOCK_MAX, 2]);
    await db().write([{ sql: "DELETE FROM sizes" }, step("cancelled", FIRST + 1)]);
    expect((await stockOf(subject))?.[2]).toBe(0);
    expect(await rowsOf(subject, "SELECT * FROM sizes")).toEqual([]);
  });
}
