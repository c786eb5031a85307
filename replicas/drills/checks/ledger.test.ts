// The ledger: which counts of an effect fit the outcomes that clients know, which mean a lost write, which one too many.
import { expect, test } from "bun:test";
import { type Outcome, openLedger } from "./ledger.ts";

const ledgerOf = (...notes: [string, string, Outcome][]) => {
  const ledger = openLedger();
  for (const [effect, write, outcome] of notes) ledger.note(effect, write, outcome);
  return ledger;
};

const CASES: { outcomes: Outcome[]; fits: number[]; lost: number[]; extra: number[] }[] = [
  { outcomes: ["acknowledged"], fits: [1], lost: [0], extra: [2] },
  { outcomes: ["refused"], fits: [0], lost: [], extra: [1] },
  { outcomes: ["unknown"], fits: [0, 1], lost: [], extra: [2] },
  { outcomes: ["acknowledged", "unknown", "refused"], fits: [1, 2], lost: [0], extra: [3] },
  { outcomes: ["acknowledged", "acknowledged"], fits: [2], lost: [0, 1], extra: [3] },
];

test.each(CASES)("writes with one effect and outcomes $outcomes", ({ outcomes, fits, lost, extra }) => {
  const ledger = ledgerOf(
    ...outcomes.map((outcome, number): [string, string, Outcome] => ["stock", `${number}`, outcome]),
  );
  const check = (times: number) => {
    const { examples, ...counts } = ledger.check(new Map([["stock", times]]));
    return { ...counts, hasExample: examples.length === 1 };
  };
  const fine = { lost: 0, extra: 0, hasExample: false };
  for (const times of fits) expect(check(times)).toEqual(fine);
  for (const times of lost) expect(check(times)).toMatchObject({ extra: 0, hasExample: true });
  for (const times of lost) expect(check(times).lost).toBeGreaterThan(0);
  for (const times of extra) expect(check(times)).toEqual({ lost: 0, extra: 1, hasExample: true });
});

const TRIES: [Outcome[], Outcome][] = [
  [["refused", "acknowledged"], "acknowledged"],
  [["acknowledged", "unknown"], "acknowledged"],
  [["unknown", "refused"], "unknown"],
  [["refused", "unknown"], "unknown"],
  [["refused", "refused"], "refused"],
];

test.each(TRIES)("tries of one write with outcomes %p are one write: %s", (tries, outcome) => {
  const ledger = ledgerOf(...tries.map((each): [string, string, Outcome] => ["title", "1", each]));
  expect(ledger.counts()).toEqual({ acknowledged: 0, refused: 0, unknown: 0, [outcome]: 1 });
});

test("an effect without a write is one too many", () => {
  expect(openLedger().check(new Map([["like", 1]]))).toMatchObject({ lost: 0, extra: 1 });
});

test("the examples are limited to five", () => {
  const ledger = ledgerOf(
    ...Array.from({ length: 9 }, (_, at): [string, string, Outcome] => [`${at}`, "", "acknowledged"]),
  );
  const { lost, examples } = ledger.check(new Map());
  expect([lost, examples.length]).toEqual([9, 5]);
});
