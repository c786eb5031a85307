// Response times over a run: what they are without a failure, and when they are so again after one.

import type { Window } from "../traffic/load.ts";
import { openTimes } from "../traffic/times.ts";

/** The 99th percentile of all requests in these windows, in milliseconds. */
export function p99Of(windows: readonly Window[]): number {
  const all = openTimes();
  for (const { times } of windows) all.merge(times);
  return all.percentile(0.99);
}

/** The windows that lie wholly between two moments of `performance.now()`. */
export const windowsBetween = (
  windows: readonly Window[],
  from: number,
  to: number,
  windowMs: number,
): Window[] => windows.filter(({ startsAt }) => startsAt >= from && startsAt + windowMs <= to);

const p99s = (windows: readonly Window[]): number[] => windows.map(({ times }) => times.percentile(0.99));

/** The 99th percentile of the slowest window, in milliseconds; 0 without windows. */
export const slowestP99 = (windows: readonly Window[]): number => Math.max(0, ...p99s(windows));

/** The median, the greater of the two middle values where there are two; 0 of nothing. One pause of the machine does not move it. */
export const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The median of the windows' 99th percentiles, in milliseconds. */
export const medianP99 = (windows: readonly Window[]): number => medianOf(p99s(windows));

/**
 * How long after `failedAt` the windows' 99th percentile was at most `normalMs` again and stayed so for `steadyMs`, in
 * milliseconds; `Infinity` when these windows do not show that.
 */
export function recoveryMs(
  windows: readonly Window[],
  failedAt: number,
  { normalMs, steadyMs, windowMs }: { normalMs: number; steadyMs: number; windowMs: number },
): number {
  let normalSince: number | undefined;
  for (const { startsAt, times } of windows) {
    const endsAt = startsAt + windowMs;
    if (endsAt <= failedAt) continue;
    if (times.percentile(0.99) > normalMs) normalSince = undefined;
    else normalSince ??= startsAt;
    if (normalSince !== undefined && endsAt - normalSince >= steadyMs)
      return Math.max(0, normalSince - failedAt);
  }
  return Number.POSITIVE_INFINITY;
}
