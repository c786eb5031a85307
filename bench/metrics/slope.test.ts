// The slope of readings whose slope is known.
import { describe, expect, test } from "bun:test";
import { randomFrom } from "../harness/stats.ts";
import { from, growthOf, lowerEnvelope, type Reading, slopeOf, studentOf, thinned } from "./slope.ts";

const readings = (values: readonly number[]): Reading[] =>
  values.map((value, at) => ({ minutes: at, value }));

describe("the slope", () => {
  test("of a straight line is exact", () => {
    const { perMinute, low, high } = slopeOf(readings([10, 12, 14, 16]));
    expect([perMinute, low, high].map((each) => Number(each.toFixed(9)))).toEqual([2, 2, 2]);
  });
  test("and its interval are those of a textbook", () => {
    // By hand: b = 0.6, residual sum 2.4 over 3, t = 3.182: 3.182 * sqrt(0.8 / 10).
    const { perMinute, low, high } = slopeOf(readings([2, 4, 5, 4, 5]));
    expect(perMinute).toBeCloseTo(0.6, 10);
    expect(high - 0.6).toBeCloseTo(0.9, 1);
    expect(0.6 - low).toBeCloseTo(high - 0.6, 10);
  });
  test("the interval contains the true slope in about 95 of 100 noisy series", () => {
    const random = randomFrom(1);
    // Twelve draws added up are nearly normal.
    const noise = () => Array.from({ length: 12 }, random).reduce((sum, each) => sum + each, -6);
    const hits = Array.from({ length: 1_000 }, () => {
      const { low, high } = slopeOf(readings(Array.from({ length: 24 }, (_, at) => 0.1 * at + noise())));
      return low <= 0.1 && 0.1 <= high;
    }).filter(Boolean).length;
    expect(hits).toBeGreaterThan(925);
    expect(hits).toBeLessThan(975);
  });
  test("Student's points are those of the tables", () => {
    expect(studentOf(3)).toBeCloseTo(3.182, 1);
    expect(studentOf(10)).toBeCloseTo(2.228, 2);
    expect(studentOf(22)).toBeCloseTo(2.074, 3);
    expect(studentOf(1_000)).toBeCloseTo(1.962, 3);
  });
  test("two readings have no slope", () => {
    expect(() => slopeOf(readings([1, 2]))).toThrow(RangeError);
  });
});

test("growth is 0 where the interval reaches zero, else its upper end", () => {
  expect(growthOf({ perMinute: 0.2, low: -0.1, high: 0.5 })).toBe(0);
  expect(growthOf({ perMinute: -1, low: -2, high: -0.5 })).toBe(0);
  expect(growthOf({ perMinute: 0.3, low: 0.1, high: 0.5 })).toBe(0.5);
});

test("readings before the start are left out", () => {
  expect(from(readings([9, 5, 6, 7]), 2).map(({ value }) => value)).toEqual([6, 7]);
});

test("the lower envelope of a sawtooth is its minima, at their times", () => {
  const saw = readings([5, 9, 6, 6, 10, 7]);
  expect(lowerEnvelope(saw, 3)).toEqual([
    { minutes: 0, value: 5 },
    { minutes: 3, value: 6 },
  ]);
});

test("thinned readings keep the first and the last", () => {
  const many = readings(Array.from({ length: 601 }, (_, at) => at));
  const few = thinned(many, 61);
  expect(few).toHaveLength(61);
  expect([few[0]?.value, few[1]?.value, few.at(-1)?.value]).toEqual([0, 10, 600]);
  expect(thinned(readings([1, 2]), 60)).toHaveLength(2);
});
