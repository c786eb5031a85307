// A missing value is an error that names it; an empty one is a value.
import { expect, test } from "bun:test";
import { must } from "./must.ts";

test("returns what is there, and names what is missing", () => {
  expect([must("", "a text"), must(0, "a number"), must(false, "a flag")]).toEqual(["", 0, false]);
  expect(() => must(undefined, "the port")).toThrow("the port is missing");
  expect(() => must(null, "the port")).toThrow("the port is missing");
});
