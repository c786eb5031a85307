// Sums over measured values, and how numbers are written.
import { describe, expect, test } from "bun:test";
import { median, quantile, spread, turns, written } from "./stats.ts";

describe("statistics", () => {
  test("medians", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 9, 1, 2])).toBe(5.5);
    expect(() => median([])).toThrow("median of nothing");
  });
  test("quantiles", () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect([0, 0.5, 0.99, 1].map((share) => quantile(hundred, share))).toEqual([1, 50, 99, 100]);
    expect(quantile([7], 0.99)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow("quantile of nothing");
  });
  test("numbers as text", () => {
    expect([12_345.6, 117.64, 1.17647, 0.01234, Number.NaN].map(written)).toEqual([
      "12,346",
      "118",
      "1.18",
      "0.0123",
      "?",
    ]);
    expect(spread([5, 1, 3], "ms")).toBe("3 ms (1 to 5)");
    expect(spread([5], "")).toBe("5");
  });
  test("the order is reversed each round", () => {
    expect([0, 1, 2].map((round) => turns(["a", "b"], round).join(""))).toEqual(["ab", "ba", "ab"]);
  });
});
