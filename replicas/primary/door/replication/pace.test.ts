// The pace of releases: at once when quiet, apart when replicas take long, bounded, and never far apart for a waiting client.
import { describe, expect, test } from "bun:test";
import { gapMs, msUntilRelease, PACE_AT_START, type Pace, withRelease, withTurnaround } from "./pace.ts";

const paceOf = (part: Partial<Pace>): Pace => ({ ...PACE_AT_START, ...part });

describe("the gap between releases", () => {
  test.each([
    ["before any measurement", 0, 0, 0],
    ["one quiet node", 3, 1, 4.5],
    ["twelve quick nodes", 10, 12, 42],
    ["twelve nodes on two cores", 40, 12, 60],
    ["a machine that is overloaded", 1_000, 12, 100],
    ["a hundred nodes", 3, 100, 100],
  ])("%s", (_, turnaroundMs, replicas, gap) => {
    expect(gapMs(paceOf({ turnaroundMs, replicas }), 0)).toBe(gap);
  });

  test("counts replicas that are on their way, and forgets those that do not come back", () => {
    const pace = withRelease(withRelease(PACE_AT_START, 12), 3);
    expect(pace.replicas).toBeGreaterThan(10);
    expect(Array.from({ length: 30 }).reduce<Pace>((each) => withRelease(each, 1), pace).replicas).toBe(1);
  });

  test("is short while a client waits", () => {
    const pace = paceOf({ turnaroundMs: 100, wishedAtMs: 1_000 });
    expect([1_000, 1_299, 1_300].map((nowMs) => gapMs(pace, nowMs))).toEqual([50, 50, 100]);
    expect(gapMs(paceOf({ turnaroundMs: 3, wishedAtMs: 1_000 }), 1_000)).toBe(4.5);
  });
});

describe("the next release", () => {
  test("comes at once before the first, and after a quiet time", () => {
    expect(msUntilRelease(PACE_AT_START, 0)).toBe(0);
    expect(msUntilRelease(paceOf({ turnaroundMs: 25, deliveredAtMs: 1_000 }), 1_050)).toBe(0);
  });

  test("comes a gap after the last one", () => {
    expect(msUntilRelease(paceOf({ turnaroundMs: 40, deliveredAtMs: 1_000 }), 1_020)).toBe(40);
  });

  test("comes within 50 ms of the wish of a node", () => {
    const pace = paceOf({ turnaroundMs: 125, deliveredAtMs: 1_000, wishedAtMs: 1_020 });
    expect(msUntilRelease(pace, 1_020)).toBeLessThanOrEqual(50);
  });
});

describe("the turnaround", () => {
  test("is the first sample, and follows later ones", () => {
    let pace = withTurnaround(PACE_AT_START, 20);
    expect(pace.turnaroundMs).toBe(20);
    for (let times = 0; times < 20; times += 1) pace = withTurnaround(pace, 60);
    expect(pace.turnaroundMs).toBeGreaterThan(55);
    expect(pace.turnaroundMs).toBeLessThanOrEqual(60);
  });

  test("is never above the largest gap", () => {
    expect(withTurnaround(PACE_AT_START, 60_000).turnaroundMs).toBe(100);
  });

  test("recovers from one slow release within a few", () => {
    let pace = withTurnaround(withTurnaround(PACE_AT_START, 10), 1_000);
    for (let times = 0; times < 10; times += 1) pace = withTurnaround(pace, 10);
    expect(gapMs(pace, 0)).toBeLessThan(40);
  });
});
