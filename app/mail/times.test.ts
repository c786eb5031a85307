// The pause between two mails: short, and longer where commits wait.
import { expect, test } from "bun:test";
import { paceAfter, SENDER_TIMES } from "./times.ts";

test.each([
  [0, 10],
  [1, 10],
  [2, 20],
  [16, 160],
  [1_000, 250],
])("after a commit of %i ms the next mail comes after %i ms", (committedMs, expected) => {
  expect(paceAfter(committedMs, SENDER_TIMES)).toBe(expected);
});
