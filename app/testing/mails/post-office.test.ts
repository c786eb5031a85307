// The failures of the mail server: how many, in every way, and always the same.
import { expect, test } from "bun:test";
import { behaviourOf } from "./post-office.ts";

test("the given share of the tries fails, in every way, and the same try always ends the same way", () => {
  const attempts = Array.from({ length: 20_000 }, (_, at) => `customer-${at}@mail.example 0`);
  const count = (behaviour: string) =>
    attempts.filter((attempt) => behaviourOf(attempt, 0.33) === behaviour).length / attempts.length;
  expect(count("accept")).toBeWithin(0.65, 0.69);
  for (const [behaviour, least, most] of [
    ["greylist", 0.12, 0.15],
    ["refuse", 0.05, 0.08],
    ["reject", 0.05, 0.08],
    ["drop", 0.05, 0.08],
    ["stall", 0.001, 0.006],
  ] as const)
    expect(count(behaviour)).toBeWithin(least, most);
  expect(attempts.every((attempt) => behaviourOf(attempt, 0) === "accept")).toBe(true);
});
