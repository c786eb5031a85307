// Response times: windows of made-up times, and the moment from which they stay normal.
import { expect, test } from "bun:test";
import type { Window } from "../traffic/load.ts";
import { openTimes } from "../traffic/times.ts";
import { medianOf, medianP99, p99Of, recoveryMs, slowestP99, windowsBetween } from "./latency.ts";

const WINDOW_MS = 250;

/** One window for each time in milliseconds, the first at 1,000. */
const windowsOf = (...times: number[]): Window[] =>
  times.map((ms, at) => {
    const all = openTimes();
    for (let number = 0; number < 100; number += 1) all.add(ms);
    return { startsAt: 1_000 + at * WINDOW_MS, times: all, failed: 0 };
  });

const options = { normalMs: 10, steadyMs: 500, windowMs: WINDOW_MS };

test("the slowest window sets the slowest p99", () => {
  expect(slowestP99(windowsOf(3, 9, 5))).toBe(9);
  expect(slowestP99([])).toBe(0);
});

test("one slow window does not move the median p99, several do", () => {
  expect(medianP99(windowsOf(3, 900, 4))).toBe(4);
  expect(medianP99(windowsOf(30, 4, 40, 35, 3))).toBe(30);
  expect(medianP99([])).toBe(0);
});

test("the median of three is the middle one, of numbers, in any order", () => {
  const recoveries = [2_400, 0, 119];
  expect(medianOf(recoveries)).toBe(119);
  expect(recoveries).toEqual([2_400, 0, 119]);
  expect(medianOf([1_000, Number.POSITIVE_INFINITY, 20])).toBe(1_000);
});

test("the p99 of several windows is that of all their times", () => {
  expect(p99Of(windowsOf(2, 2, 2, 50))).toBe(50);
  expect(p99Of(windowsOf(...Array.from({ length: 199 }, () => 2), 50))).toBeCloseTo(2, 1);
});

test("only windows that lie wholly within are taken", () => {
  const windows = windowsOf(1, 1, 1, 1);
  const within = windowsBetween(windows, 1_001, 1_750, WINDOW_MS);
  expect(within.map(({ startsAt }) => startsAt)).toEqual([1_250, 1_500]);
});

test("recovery is the start of the first windows that stay normal long enough", () => {
  expect(recoveryMs(windowsOf(5, 80, 40, 5, 5, 5), 1_300, options)).toBe(450);
});

test("a single normal window is no recovery", () => {
  expect(recoveryMs(windowsOf(5, 80, 5, 80, 5, 5), 1_250, options)).toBe(750);
});

test("a failure without slow windows has a recovery of 0", () => {
  expect(recoveryMs(windowsOf(5, 5, 5, 5), 1_300, options)).toBe(0);
});

test("without steady windows there is no recovery", () => {
  expect(recoveryMs(windowsOf(5, 80, 80, 5), 1_250, options)).toBe(Number.POSITIVE_INFINITY);
});
