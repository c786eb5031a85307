// Batches: which items go together, the result of each item, and what follows from a batch that is refused.
import { expect, test } from "bun:test";
import { DatabaseError } from "../../../db/errors.ts";
import { openBatches } from "./batches.ts";

/** Doubles numbers; throws for a negative one. Notes the batches. */
function openDoubling(error: unknown) {
  const batches: number[][] = [];
  const double = openBatches(async (items: number[]) => {
    batches.push(items);
    await Promise.resolve();
    if (items.some((item) => item < 0)) throw error;
    return items.map((item) => item * 2);
  });
  return { batches, double };
}

const refused = new DatabaseError("check", "CHECK constraint failed");

test("the items of one turn go together, those of the next apart", async () => {
  const { batches, double } = openDoubling(refused);
  expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
  expect(await double(4)).toBe(8);
  expect(batches).toEqual([[1, 2, 3], [4]]);
});

test("a batch is bounded", async () => {
  const { batches, double } = openDoubling(refused);
  const numbers = Array.from({ length: 450 }, (_, at) => at);
  expect(await Promise.all(numbers.map(double))).toEqual(numbers.map((number) => number * 2));
  expect(batches.map(({ length }) => length)).toEqual([200, 200, 50]);
});

test("an item that is refused fails alone", async () => {
  const { batches, double } = openDoubling(refused);
  const outcomes = await Promise.allSettled([1, -2, 3].map(double));
  expect(outcomes).toEqual([
    { status: "fulfilled", value: 2 },
    { status: "rejected", reason: refused },
    { status: "fulfilled", value: 6 },
  ]);
  expect(batches).toEqual([[1, -2, 3], [1], [-2], [3]]);
});

test.each(["uncertain", "overloaded", "closed"] as const)(
  "a batch that is %s is not sent again",
  async (kind) => {
    const error = new DatabaseError(kind, kind);
    const { batches, double } = openDoubling(error);
    const outcomes = await Promise.allSettled([1, -2].map(double));
    expect(outcomes).toEqual([1, 2].map(() => ({ status: "rejected", reason: error })));
    expect(batches).toEqual([[1, -2]]);
  },
);
