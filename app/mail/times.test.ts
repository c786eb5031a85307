// The rests and the pace of a sender: rests grow and end with the clock, and no clock that is set makes one last for hours.
import { expect, test } from "bun:test";
import { openRest, paceAfter, SENDER_TIMES } from "./times.ts";

const DAY_MS = 86_400_000;
const TIMES = { restMs: 1_000, restMaxMs: 60_000 };

function openTestRest() {
  const clock = { ms: 10 * DAY_MS };
  return { clock, rest: openRest({ times: TIMES, now: () => clock.ms, random: () => 1 }) };
}

test("a rest ends after its time, and the next one is twice as long", () => {
  const { clock, rest } = openTestRest();
  for (const lengthMs of [1_000, 2_000, 4_000]) {
    expect(rest.isOver()).toBe(true);
    rest.begin();
    clock.ms += lengthMs - 1;
    expect(rest.isOver()).toBe(false);
    clock.ms += 1;
  }
  rest.forget();
  rest.begin();
  clock.ms += 1_000;
  expect(rest.isOver()).toBe(true);
});

test.each([-DAY_MS, -1, DAY_MS])("a rest is over when the clock is set by %d ms", (ms) => {
  const { clock, rest } = openTestRest();
  rest.begin();
  expect(rest.isOver()).toBe(false);
  clock.ms += ms;
  expect(rest.isOver()).toBe(true);
});

test.each([
  [0, 10],
  [1, 20],
  [2, 40],
  [16, 320],
  [1_000, 1_000],
])("after a commit of %i ms the next mail comes after %i ms", (committedMs, expected) => {
  expect(paceAfter(committedMs, SENDER_TIMES)).toBe(expected);
});
