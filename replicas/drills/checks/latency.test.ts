// When the pace is normal: windows of made-up times, and the moment from which they stay below the line.
import { expect, test } from "bun:test";
import { openHistogram } from "../traffic/histogram.ts";
import type { Window } from "../traffic/load.ts";
import { latencyOf, medianP99, recoveryMs, slowestP99, windowsBetween } from "./latency.ts";

const WINDOW_MS = 250;

/** One window for each time in milliseconds, the first at 1,000. */
const windowsOf = (...times: number[]): Window[] =>
  times.map((ms, at) => {
    const histogram = openHistogram();
    for (let number = 0; number < 100; number += 1) histogram.add(ms);
    return { startsAt: 1_000 + at * WINDOW_MS, times: histogram, count: 100, failed: 0 };
  });

const options = { normalMs: 10, steadyMs: 500, windowMs: WINDOW_MS };

test("an ordinary day is as slow as its slowest window", () => {
  expect(slowestP99(windowsOf(3, 9, 5))).toBe(9);
  expect(slowestP99([])).toBe(0);
});

test("a single hiccup is not usual, what lasts is", () => {
  expect(medianP99(windowsOf(3, 900, 4))).toBe(4);
  expect(medianP99(windowsOf(30, 4, 40, 35, 3))).toBe(30);
  expect(medianP99([])).toBe(0);
});

test("the pace of several windows is that of all of their times", () => {
  const { p50, p99 } = latencyOf(windowsOf(2, 2, 2, 50));
  expect(p50).toBeCloseTo(2, 1);
  expect(p99).toBe(50);
});

test("only windows that lie wholly within are taken", () => {
  const windows = windowsOf(1, 1, 1, 1);
  expect(windowsBetween(windows, 1_001, 1_750, WINDOW_MS).map(({ startsAt }) => startsAt)).toEqual([
    1_250, 1_500,
  ]);
});

test("it is back at the start of the first windows that stay normal long enough", () => {
  expect(recoveryMs(windowsOf(5, 80, 40, 5, 5, 5), 1_300, options)).toBe(450);
});

test("a moment of rest in between is not back", () => {
  expect(recoveryMs(windowsOf(5, 80, 5, 80, 5, 5), 1_250, options)).toBe(750);
});

test("what nobody noticed took no time", () => {
  expect(recoveryMs(windowsOf(5, 5, 5, 5), 1_300, options)).toBe(0);
});

test("what was not seen to be steady is not back", () => {
  expect(recoveryMs(windowsOf(5, 80, 80, 5), 1_250, options)).toBe(Number.POSITIVE_INFINITY);
});
