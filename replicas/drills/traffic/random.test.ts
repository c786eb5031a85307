// Pseudo-random choices: spread evenly, and the same each time.
import { expect, test } from "bun:test";
import { pick, random } from "./random.ts";

const NUMBERS = Array.from({ length: 20_000 }, (_, number) => number);

test("pseudo-random numbers are spread evenly from 0 up to 1, and the same each time", () => {
  const drawn = NUMBERS.map((number) => random(number, 7));
  expect(drawn).toEqual(NUMBERS.map((number) => random(number, 7)));
  for (let part = 0; part < 10; part += 1) {
    const share =
      drawn.filter((value) => value >= part / 10 && value < (part + 1) / 10).length / drawn.length;
    expect(share).toBeWithin(0.09, 0.11);
  }
});

test("every item is picked at times, and an empty list is refused", () => {
  expect(new Set(NUMBERS.map((number) => pick(["a", "b", "c"], number))).size).toBe(3);
  expect(() => pick([], 1)).toThrow("nothing to choose");
});
