// Shares of the sources of reads with a version.
import { expect, test } from "bun:test";
import { sharesBetween } from "./versioned-reads.ts";

const none = { here: 0, waited: 0, primary: 0, behind: 0 };

test("the shares of what came between two readings", () => {
  const before = { here: 100, waited: 5, primary: 1, behind: 0 };
  const after = { here: 180, waited: 20, primary: 5, behind: 1 };
  expect(sharesBetween(before, after)).toEqual({ here: 0.8, waited: 0.15, primary: 0.04, behind: 0.01 });
  expect(sharesBetween(before, before)).toEqual(none);
});
