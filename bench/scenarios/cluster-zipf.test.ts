// The rate of the Zipf mix, and how memories are compared.
import { describe, expect, test } from "bun:test";
import { runOf } from "../testing/bench.ts";
import { comparison, rateFor } from "./cluster-zipf.ts";

describe("the Zipf mix", () => {
  test("10,000 a second where the capacity has room, else half of it", () => {
    expect([20_000, 11_000, 10_999, 8_000].map(rateFor)).toEqual([10_000, 10_000, 5_500, 4_000]);
  });
  test("memories are compared by the requests that reached nodes", () => {
    const run = runOf({ "200": 1 });
    const many = [{ run, layers: { edge: 0.5, memory: 0.4, computed: 0.1 } }];
    const one = [{ run, layers: { edge: 0.9, memory: 0.09, computed: 0.01 } }];
    const [apart, ...sides] = comparison("many", many, "one", one);
    expect(apart?.values[0]).toBeCloseTo(0.1);
    expect(apart?.target).toEqual({ atMost: 0.05 });
    expect(sides.map(({ values }) => values[0]?.toFixed(2))).toEqual(["0.80", "0.90"]);
  });
});
