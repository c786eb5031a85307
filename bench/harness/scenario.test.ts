// Verdicts of lines, and the division of cores.
import { describe, expect, test } from "bun:test";
import { type Line, missingNumber, shareCores, verdictOf } from "./scenario.ts";

describe("verdicts", () => {
  const line = (values: number[], target?: Line["target"]): Line => ({
    what: "",
    unit: "",
    values,
    ...(target ? { target } : {}),
  });
  test.each<[Line, string]>([
    [line([1, 1.1, 9], { atMost: 1.1 }), "met"],
    [line([1, 1.2, 1.3], { atMost: 1.1 }), "missed"],
    [line([12_000], { atLeast: 12_000 }), "met"],
    [line([11_999], { atLeast: 12_000 }), "missed"],
    [line([1]), ""],
  ])("%j is %p", (given, verdict) => {
    expect(verdictOf(given)).toBe(verdict as ReturnType<typeof verdictOf>);
  });
  test("a line without numbers is a fault", () => {
    expect(missingNumber([line([1])])).toBeNull();
    expect(missingNumber([{ what: " a", unit: "", values: [1, Number.NaN] }])).toBe('no number for "a"');
    expect(missingNumber([{ what: "b", unit: "", values: [] }])).toBe('no number for "b"');
  });
});

test("the server gets the first core, the generator the last", () => {
  expect(shareCores([0, 1])).toEqual({ server: [0], load: [1], wide: null });
  expect(shareCores([2, 3, 4])).toEqual({ server: [2], load: [4], wide: [2, 3] });
  expect(shareCores([0])).toEqual({ server: null, load: null, wide: null });
});
