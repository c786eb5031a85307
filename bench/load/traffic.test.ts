// Loads that stand for visitors: what they ask, in which shares, and which of their answers count.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomFrom } from "../harness/stats.ts";
import { runOf } from "../testing/bench.ts";
import {
  browsingPaths,
  dealt,
  faultsOf,
  likePaths,
  openZipf,
  repeatsMax,
  sumOf,
  withoutRepeats,
  writeNewcomers,
} from "./traffic.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-traffic-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("shares", () => {
  test("nothing is lost by rounding, and nobody goes empty-handed", () => {
    expect(dealt(10, [1, 1, 1])).toEqual([4, 3, 3]);
    expect(dealt(50, [0.99, 0.01])).toEqual([49, 1]);
    expect(dealt(3, [100, 1, 1])).toEqual([2, 1, 1]);
  });
});

describe("browsing", () => {
  test("is the same for the same seed, in its shares of lists, related shoes and shoes", () => {
    const paths = browsingPaths(1_000, 10_000, 1);
    expect(browsingPaths(1_000, 10_000, 1)).toEqual(paths);
    const share = (pattern: RegExp) => paths.filter((path) => pattern.test(path)).length / paths.length;
    expect(share(/^\/api\/shoes(\?|$)/)).toBeCloseTo(0.2, 1);
    expect(share(/^\/api\/shoes\/demo-\d+\/relatedproducts$/)).toBeCloseTo(0.35, 1);
    expect(share(/^\/api\/shoes\/demo-\d+$/)).toBeCloseTo(0.45, 1);
  });
  test("Zipf: the second comes half as often as the first, and none is outside", () => {
    const [rank, random] = [openZipf(1_000), randomFrom(2)];
    const counts = new Map<number, number>();
    for (let draw = 0; draw < 50_000; draw += 1) {
      const at = rank(random());
      counts.set(at, (counts.get(at) ?? 0) + 1);
    }
    expect((counts.get(1) ?? 0) / (counts.get(2) ?? 1)).toBeCloseTo(2, 0);
    expect(Math.min(...counts.keys())).toBe(1);
    expect(Math.max(...counts.keys())).toBeLessThanOrEqual(1_000);
    expect([rank(0), rank(1 - Number.EPSILON)]).toEqual([1, 1_000]);
  });
  test("likes are of shoes and customers that there are", () => {
    for (const path of likePaths(3, 2, 100, 1))
      expect(path).toMatch(/^\/api\/shoes\/demo-00000[1-3]\/likes\/bench-[01]$/);
  });
});

describe("registrations", () => {
  test("are all of different people, and of others each time", () => {
    const read = () => readFileSync(writeNewcomers(folder), "utf8").trim().split("\n");
    const [first, second] = [read(), read()];
    expect(new Set([...first, ...second]).size).toBe(first.length + second.length);
    const fields = JSON.parse(first[0] ?? "") as Record<string, string>;
    expect(Object.keys(fields)).toEqual(["email", "password", "name"]);
  });
  test("one that oha drew twice is rightly refused and no error; many refusals are", () => {
    expect(withoutRepeats(runOf({ "201": 440, "409": 1 }), 440).statuses).toEqual({ "201": 440 });
    expect(() => withoutRepeats(runOf({ "201": 400, "409": 40 }), 400)).toThrow("40 new addresses");
    expect(repeatsMax(440)).toBeLessThan(10);
  });
  test("a 201 without an account is a fault, an account whose answer was cut off is none", () => {
    expect(() => withoutRepeats(runOf({ "201": 10 }), 9)).toThrow("10 registrations answered 201 made 9");
    expect(withoutRepeats(runOf({ "201": 10 }), 12).statuses).toEqual({ "201": 10 });
  });
});

test("several runs are added up, and what was wrong is told once", () => {
  expect(sumOf([runOf({ "200": 3 }), runOf({ "201": 4 })])).toEqual({ perSecond: 7 });
  const bad = runOf({ "200": 3, "503": 1 });
  expect(faultsOf([runOf({ "200": 3 }), bad, bad])).toBe("1 answers 503");
});
