// What the drills' visitors ask: the same each time, hot shoes often, and some questions only once.
import { expect, test } from "bun:test";
import { chance, oneOf, publicRead, wantedId } from "./reads.ts";

const NUMBERS = Array.from({ length: 20_000 }, (_, number) => number);

test("chance is spread evenly from 0 up to 1, and the same each time", () => {
  const drawn = NUMBERS.map((number) => chance(number, 7));
  expect(drawn).toEqual(NUMBERS.map((number) => chance(number, 7)));
  for (let part = 0; part < 10; part += 1) {
    const share =
      drawn.filter((value) => value >= part / 10 && value < (part + 1) / 10).length / drawn.length;
    expect(share).toBeWithin(0.09, 0.11);
  }
});

test("of several each is chosen, of none none", () => {
  expect(new Set(NUMBERS.map((number) => oneOf(["a", "b", "c"], number))).size).toBe(3);
  expect(() => oneOf([], 1)).toThrow("nothing to choose");
});

test("the most wanted shoe is asked for about ten times as often as the tenth", () => {
  const times = new Map<string, number>();
  for (const number of NUMBERS) times.set(wantedId(number), (times.get(wantedId(number)) ?? 0) + 1);
  const [first = 0, tenth = 1] = ["demo-000001", "demo-000010"].map((id) => times.get(id) ?? 0);
  expect(first / tenth).toBeWithin(5, 15);
});

test("every kind of public answer is asked for, and new lists are asked for once", () => {
  const paths = NUMBERS.map(publicRead);
  for (const kind of [/relatedproducts$/, /^\/v1\/products\//, /\.svg$/, /category=/, /\?q=/, /categories$/])
    expect(paths.filter((path) => kind.test(path)).length).toBeGreaterThan(100);
  const lists = paths.filter((path) => path.includes("minPrice="));
  expect(lists.length).toBeGreaterThan(1_000);
  expect(new Set(lists).size).toBe(lists.length);
});
