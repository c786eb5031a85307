// The visitors' reads: popular shoes often, every kind of read, and some lists only once.
import { expect, test } from "bun:test";
import { popularId, publicRead } from "./reads.ts";

const NUMBERS = Array.from({ length: 20_000 }, (_, number) => number);

test("the most popular shoe is read about ten times as often as the tenth", () => {
  const times = new Map<string, number>();
  for (const number of NUMBERS) times.set(popularId(number), (times.get(popularId(number)) ?? 0) + 1);
  const [first = 0, tenth = 1] = ["demo-000001", "demo-000010"].map((id) => times.get(id) ?? 0);
  expect(first / tenth).toBeWithin(5, 15);
});

test("every kind of public read occurs, and new lists are requested once", () => {
  const paths = NUMBERS.map(publicRead);
  const kinds = [
    /relatedproducts$/,
    /^\/v1\/products\//,
    /\.svg$/,
    /category=/,
    /facets=/,
    /\?q=/,
    /categories$/,
  ];
  for (const kind of kinds) expect(paths.filter((path) => kind.test(path)).length).toBeGreaterThan(100);
  const lists = paths.filter((path) => path.includes("minPrice="));
  expect(lists.length).toBeGreaterThan(1_000);
  expect(new Set(lists).size).toBe(lists.length);
});
