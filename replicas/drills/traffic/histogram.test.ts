// Percentiles of a histogram compared with those of the sorted numbers.
import { expect, test } from "bun:test";
import { openHistogram } from "./histogram.ts";

test("percentiles are within two percent of the sorted numbers, and the maximum is exact", () => {
  const histogram = openHistogram();
  const times = Array.from({ length: 5_000 }, (_, at) => ((at * 7_919) % 5_000) * 0.37 + 0.2);
  for (const ms of times) histogram.add(ms);
  const sorted = [...times].sort((a, b) => a - b);
  for (const share of [0.01, 0.5, 0.9, 0.99, 0.999]) {
    const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
    expect(histogram.percentile(share)).toBeWithin(exact, exact * 1.021);
  }
  expect(histogram.percentile(1)).toBe(histogram.max());
  expect([histogram.count(), histogram.max()]).toEqual([5_000, Math.max(...times)]);
});

test("times outside the buckets count in the first or the last one", () => {
  const histogram = openHistogram();
  for (const ms of [0, -1, 1e12]) histogram.add(ms);
  expect(histogram.count()).toBe(3);
  expect(histogram.percentile(0.5)).toBeCloseTo(0.01);
  expect(histogram.max()).toBe(1e12);
});

test("a histogram merges another", () => {
  const [one, other] = [openHistogram(), openHistogram()];
  one.add(1);
  for (const ms of [5, 9]) other.add(ms);
  one.merge(other);
  expect([one.count(), one.max()]).toEqual([3, 9]);
  expect(one.percentile(0.6)).toBeWithin(5, 5.11);
});

test("an empty histogram has 0 for each percentile and as its maximum", () => {
  expect([openHistogram().percentile(0.99), openHistogram().max()]).toEqual([0, 0]);
});
