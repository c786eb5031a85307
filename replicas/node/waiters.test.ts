// Requests that wait for a position: for how long, for which positions, and how many at once.
import { expect, test } from "bun:test";
import type { Position } from "../../db/database.ts";
import { isAsNew, openWaiters } from "./waiters.ts";

const WAITERS_MAX = 5_000;
/** A wait that the test resolves itself; longer than any test may take. */
const LONG_MS = 600_000;
const at = (seq: number, generation = "a"): Position => ({ generation, seq });

test("a wait for a position that does not come ends after its time, and is forgotten", async () => {
  const waiters = openWaiters();
  const startedAtMs = performance.now();
  expect(await waiters.wait(at(8), at(7), 100)).toBe(false);
  // A timer may round to the millisecond below. The upper bound is far: a wait in the wrong unit takes 100 s.
  expect(performance.now() - startedAtMs).toBeWithin(99, 10_000);
  expect(waiters.size()).toBe(0);
});

test("a position that the replica has already is not waited for", async () => {
  const waiters = openWaiters();
  const wait = waiters.wait(at(7), at(7), LONG_MS);
  expect(waiters.size()).toBe(0);
  expect(await wait).toBe(true);
});

test("an advance ends the waits for this position and older ones, and leaves the newer ones", async () => {
  const waiters = openWaiters();
  const ended: number[] = [];
  const waits = [9, 8, 10].map((seq) =>
    waiters.wait(at(seq), at(7), LONG_MS).then((isThere) => ended.push(isThere ? seq : -seq)),
  );
  waiters.advance(null);
  waiters.advance(at(20, "b"));
  expect(waiters.size()).toBe(3);
  waiters.advance(at(9));
  expect(waiters.size()).toBe(1);
  waiters.refuseAll();
  await Promise.all(waits);
  expect(ended).toEqual([9, 8, -10]);
  expect(waiters.size()).toBe(0);
});

test("a request beyond 5,000 waiting ones does not wait", async () => {
  const waiters = openWaiters();
  const waits = Array.from({ length: WAITERS_MAX }, () => waiters.wait(at(8), at(7), LONG_MS));
  expect(await waiters.wait(at(8), at(7), LONG_MS)).toBe(false);
  expect(waiters.size()).toBe(WAITERS_MAX);
  waiters.advance(at(8));
  expect(new Set(await Promise.all(waits))).toEqual(new Set([true]));
});

test.each<[string, Position | null, boolean]>([
  ["no copy", null, false],
  ["an older copy", at(6), false],
  ["a copy of this position", at(7), true],
  ["a newer copy", at(8), true],
  ["a copy of another generation", at(8, "b"), false],
])("%s", (_name, position, isNewEnough) => {
  expect(isAsNew(position, at(7))).toBe(isNewEnough);
});
