// The addresses and bodies of traffic, their shares, and which responses count.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomFrom } from "../harness/stats.ts";
import { runOf } from "../testing/bench.ts";
import {
  apportion,
  browsingPaths,
  faultsOf,
  likePaths,
  repeatsMax,
  sumOf,
  withoutRepeats,
  writeRegistrations,
  zipfRank,
} from "./traffic.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-traffic-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("shares", () => {
  test("parts add up to the whole, and each is at least 1", () => {
    expect(apportion(10, [1, 1, 1])).toEqual([4, 3, 3]);
    expect(apportion(50, [0.99, 0.01])).toEqual([49, 1]);
    expect(apportion(3, [100, 1, 1])).toEqual([2, 1, 1]);
  });
});

describe("browsing", () => {
  test("depends only on the seed, and has its shares of lists, related shoes and shoes", () => {
    const paths = browsingPaths(1_000, 10_000, 1);
    expect(browsingPaths(1_000, 10_000, 1)).toEqual(paths);
    const share = (pattern: RegExp) => paths.filter((path) => pattern.test(path)).length / paths.length;
    expect(share(/^\/api\/shoes(\?|$)/)).toBeCloseTo(0.2, 1);
    expect(share(/^\/api\/shoes\/demo-\d+\/relatedproducts$/)).toBeCloseTo(0.35, 1);
    expect(share(/^\/api\/shoes\/demo-\d+$/)).toBeCloseTo(0.45, 1);
  });
  test("Zipf: rank 2 comes half as often as rank 1, and every rank is in range", () => {
    const [rank, random] = [zipfRank(1_000), randomFrom(2)];
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
  test("likes are of existing shoes and customers", () => {
    for (const path of likePaths(3, 2, 100, 1))
      expect(path).toMatch(/^\/api\/shoes\/demo-00000[1-3]\/likes\/bench-[01]$/);
  });
});

describe("registrations", () => {
  test("all have different addresses, and new ones each time", () => {
    const read = () => readFileSync(writeRegistrations(folder), "utf8").trim().split("\n");
    const [first, second] = [read(), read()];
    expect(new Set([...first, ...second]).size).toBe(first.length + second.length);
    const fields = JSON.parse(first[0] ?? "") as Record<string, string>;
    expect(Object.keys(fields)).toEqual(["email", "password", "name"]);
  });
  test("a body that oha picked twice is no error; many refusals are one", () => {
    expect(withoutRepeats(runOf({ "201": 440, "409": 1 }), 440).statuses).toEqual({ "201": 440 });
    expect(() => withoutRepeats(runOf({ "201": 400, "409": 40 }), 400)).toThrow("40 new addresses");
    expect(repeatsMax(440)).toBeLessThan(10);
  });
  test("a 201 without an account is a fault, an account whose response was aborted is none", () => {
    expect(() => withoutRepeats(runOf({ "201": 10 }), 9)).toThrow("10 registrations answered 201 made 9");
    expect(withoutRepeats(runOf({ "201": 10 }), 12).statuses).toEqual({ "201": 10 });
  });
});

test("several runs are added up, and each fault is named once", () => {
  expect(sumOf([runOf({ "200": 3 }), runOf({ "201": 4 })])).toEqual({ perSecond: 7 });
  const bad = runOf({ "200": 3, "503": 1 });
  expect(faultsOf([runOf({ "200": 3 }), bad, bad])).toBe("1 answers 503");
});
