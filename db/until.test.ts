// Waiting ends when the condition holds, when it throws, or when the time is up.
import { expect, test } from "bun:test";
import { until } from "./until.ts";

test("resolves with how long it took", async () => {
  let polls = 0;
  const ms = await until("three polls", () => ++polls === 3);
  expect(polls).toBe(3);
  expect(ms).toBeGreaterThan(0);
});

test("names what did not come in time", async () => {
  await expect(until("the impossible", () => false, 20)).rejects.toThrow("not within 0.02 s: the impossible");
});

test("ends at once when the condition cannot be checked", async () => {
  const check = async () => {
    throw new Error("no such table");
  };
  await expect(until("a row", check)).rejects.toThrow("no such table");
});
