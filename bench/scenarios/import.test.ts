// The check of an import.
import { expect, test } from "bun:test";
import { expectAllAdded } from "./import.ts";

test("an import that left out a row is invalid", () => {
  const summary = (read: number, added: number) => `Read ${read} = ${added} added + 0 replaced + 0 unchanged`;
  expect(() => expectAllAdded(summary(100, 100), 100)).not.toThrow();
  expect(() => expectAllAdded(summary(100, 99), 100)).toThrow("did not add 100 shoes");
  expect(() => expectAllAdded(summary(99, 99), 100)).toThrow("did not add 100 shoes");
  expect(() => expectAllAdded("", 100)).toThrow("did not add 100 shoes");
});
