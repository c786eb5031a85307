// How quick the shop is on its ordinary days, and when it is so again.
import { openHistogram } from "../traffic/histogram.ts";
import type { Window } from "../traffic/load.ts";

/** The median and the slowest percent of what was due in these windows, in milliseconds. */
export function latencyOf(windows: readonly Window[]): { p50: number; p99: number } {
  const all = openHistogram();
  for (const { times } of windows) all.merge(times);
  return { p50: all.percentile(0.5), p99: all.percentile(0.99) };
}

/** The windows that lie wholly between two moments of `performance.now()`. */
export const windowsBetween = (
  windows: readonly Window[],
  from: number,
  to: number,
  windowMs: number,
): Window[] => windows.filter(({ startsAt }) => startsAt >= from && startsAt + windowMs <= to);

/** The slowest that a window may be on an ordinary day: as slow as the slowest of these, in milliseconds at the 99th percentile. */
export const slowestP99 = (windows: readonly Window[]): number =>
  Math.max(0, ...windows.map(({ times }) => times.percentile(0.99)));

/** What is usual: the median of the windows' 99th percentiles, in milliseconds; a single hiccup of the machine does not move it. */
export function medianP99(windows: readonly Window[]): number {
  const each = windows.map(({ times }) => times.percentile(0.99)).sort((a, b) => a - b);
  return each[Math.floor(each.length / 2)] ?? 0;
}

/**
 * How long after `at` the pace was normal again, and stayed so for `steadyMs`, in milliseconds; `Infinity` when it was not
 * seen to be.
 */
export function recoveryMs(
  windows: readonly Window[],
  at: number,
  { normalMs, steadyMs, windowMs }: { normalMs: number; steadyMs: number; windowMs: number },
): number {
  const later = windows.filter(({ startsAt }) => startsAt + windowMs > at);
  let since: number | undefined;
  for (const { startsAt, times } of later) {
    if (times.percentile(0.99) > normalMs) since = undefined;
    else since ??= startsAt;
    if (since !== undefined && startsAt + windowMs - since >= steadyMs) return Math.max(0, since - at);
  }
  return Number.POSITIVE_INFINITY;
}
