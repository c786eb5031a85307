// Percentiles of times, of one collection and of two merged ones.
import { expect, test } from "bun:test";
import { openTimes } from "./times.ts";

test("a percentile is the time that this share of all did not exceed", () => {
  const times = openTimes();
  for (let at = 0; at < 1_000; at += 1) times.add(((at * 7_919) % 1_000) + 1);
  const shares = [0, 0.01, 0.5, 0.9, 0.99, 0.999, 1];
  expect(shares.map(times.percentile)).toEqual([1, 10, 500, 900, 990, 999, 1_000]);
  expect([times.count(), times.max()]).toEqual([1_000, 1_000]);
});

test("times are compared as numbers", () => {
  const times = openTimes();
  for (const ms of [9, 10, 1e12, 0.5]) times.add(ms);
  expect([times.percentile(0.5), times.max()]).toEqual([9, 1e12]);
});

test("a collection takes in the times of another", () => {
  const [one, other] = [openTimes(), openTimes()];
  one.add(1);
  for (const ms of [5, 9]) other.add(ms);
  one.merge(other);
  expect([one.count(), one.max(), one.percentile(0.6)]).toEqual([3, 9, 5]);
});

test("an empty collection has 0 for each percentile and as its maximum", () => {
  expect([openTimes().percentile(0.99), openTimes().max()]).toEqual([0, 0]);
});
