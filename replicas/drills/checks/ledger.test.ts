// What was told against what is there: lost, too many, and what nobody can know.
import { expect, test } from "bun:test";
import { type Outcome, openLedger } from "./ledger.ts";

const ledgerOf = (...notes: [string, string, Outcome][]) => {
  const ledger = openLedger();
  for (const [effect, write, fate] of notes) ledger.note(effect, write, fate);
  return ledger;
};

const CASES: { told: Outcome[]; fits: number[]; lost: number[]; extra: number[] }[] = [
  { told: ["acknowledged"], fits: [1], lost: [0], extra: [2] },
  { told: ["refused"], fits: [0], lost: [], extra: [1] },
  { told: ["unknown"], fits: [0, 1], lost: [], extra: [2] },
  { told: ["acknowledged", "unknown", "refused"], fits: [1, 2], lost: [0], extra: [3] },
  { told: ["acknowledged", "acknowledged"], fits: [2], lost: [0, 1], extra: [3] },
];

test.each(CASES)("writes with one effect, told $told", ({ told, fits, lost, extra }) => {
  const ledger = ledgerOf(...told.map((fate, at): [string, string, Outcome] => ["stock", `${at}`, fate]));
  const found = (times: number) => {
    const { examples, ...counts } = ledger.check(new Map([["stock", times]]));
    return { ...counts, isSaid: examples.length === 1 };
  };
  const fine = { lost: 0, extra: 0, isSaid: false };
  for (const times of fits) expect(found(times)).toEqual(fine);
  for (const times of lost) expect(found(times)).toMatchObject({ extra: 0, isSaid: true });
  for (const times of lost) expect(found(times).lost).toBeGreaterThan(0);
  for (const times of extra) expect(found(times)).toEqual({ lost: 0, extra: 1, isSaid: true });
});

const TRIES: [Outcome[], Outcome][] = [
  [["refused", "acknowledged"], "acknowledged"],
  [["acknowledged", "unknown"], "acknowledged"],
  [["unknown", "refused"], "unknown"],
  [["refused", "unknown"], "unknown"],
  [["refused", "refused"], "refused"],
];

test.each(TRIES)("tries of one write, told %p, are one write: %s", (tries, fate) => {
  const ledger = ledgerOf(...tries.map((each): [string, string, Outcome] => ["title", "1", each]));
  expect(ledger.counts()).toEqual({ acknowledged: 0, refused: 0, unknown: 0, [fate]: 1 });
});

test("an effect that nobody asked for is one too many", () => {
  expect(openLedger().check(new Map([["like", 1]]))).toMatchObject({ lost: 0, extra: 1 });
});

test("only a few examples are given", () => {
  const ledger = ledgerOf(
    ...Array.from({ length: 9 }, (_, at): [string, string, Outcome] => [`${at}`, "", "acknowledged"]),
  );
  const { lost, examples } = ledger.check(new Map());
  expect([lost, examples.length]).toEqual([9, 5]);
});
