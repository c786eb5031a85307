// Request ids: the client's where it is safe to repeat, else a new one.
import { describe, expect, test } from "bun:test";
import { openRequestIds } from "./request-id.ts";

const takeRequestId = openRequestIds();
const OURS = /^[0-9a-f]{8}-[0-9a-z]+$/;

describe("an id from the client", () => {
  test.each(["a", "7f3c-01", "trace:0.1_x", "A".repeat(128)])("%s is taken", (given) => {
    expect(takeRequestId(given)).toBe(given);
  });

  test.each([
    "",
    " ",
    "a b",
    "a\nb",
    "a\r\nset-cookie: x",
    "<b>",
    "é",
    '"',
    "a,b",
    "A".repeat(129),
    "\u0000",
  ])("%p is replaced", (given) => {
    expect(takeRequestId(given)).toMatch(OURS);
  });
});

test("new ids are all different", () => {
  const ids = Array.from({ length: 10_000 }, () => takeRequestId(null));
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(OURS);
});

test("the ids of two processes are different too", () => {
  const others = openRequestIds();
  expect(others(null).split("-")[0]).not.toBe(takeRequestId(null).split("-")[0] as string);
});
