// The addresses that are requested: demo ids, wide queries, Zipf-distributed shoes.
import { expect, test } from "bun:test";
import { demoShoes } from "../../app/import/demo/demo.ts";
import { demoId, distinctWidePaths, relatedPath, WIDE, widePath, zipfPaths } from "./urls.ts";

test("ids are those of the demo", () => {
  const [first, second] = demoShoes(2);
  expect([demoId(1), demoId(2)]).toEqual([first?.shoeId ?? "", second?.shoeId ?? ""]);
  expect(demoId(1_000_000)).toBe("demo-1000000");
});

test("about twenty wide queries with hostile ones, and many distinct ones", () => {
  expect(Object.keys(WIDE).length).toBeGreaterThanOrEqual(20);
  expect(Object.keys(WIDE).filter((name) => name.startsWith("hostile")).length).toBeGreaterThanOrEqual(4);
  expect(widePath("")).toBe("/api/shoes");
  const paths = distinctWidePaths();
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths.length).toBeGreaterThan(1_000);
});

test("few shoes are requested often and many rarely, each at least once, in random order", () => {
  const counts = new Map<string, number>();
  for (const path of zipfPaths(1_000, 1)) counts.set(path, (counts.get(path) ?? 0) + 1);
  const sorted = [...counts.values()].sort((a, b) => b - a);
  expect(sorted.slice(0, 4)).toEqual([1_000, 500, 333, 250]);
  expect([sorted.length, sorted.at(-1)]).toEqual([1_000, 1]);
  expect(counts.get(relatedPath(1))).toBeLessThan(500);
  expect(zipfPaths(10, 1)).toEqual(zipfPaths(10, 1));
  expect(zipfPaths(10, 1)).not.toEqual(zipfPaths(10, 2));
});
