// Lags out of acknowledgements and sightings, and writes that always change something.
import { describe, expect, test } from "bun:test";
import { lagsOf, priceSequence } from "./cluster-lag.ts";

describe("lag", () => {
  const seen = [
    { seq: 1, atMs: 90 },
    { seq: 3, atMs: 130 },
    { seq: 4, atMs: 150 },
  ];
  test("is the time from the acknowledgement until the change or a newer one is seen", () => {
    expect(
      lagsOf(
        [
          { seq: 2, atMs: 100 },
          { seq: 4, atMs: 110 },
        ],
        seen,
      ),
    ).toEqual([30, 40]);
  });
  test("a change that was seen before its acknowledgement has no lag", () => {
    expect(lagsOf([{ seq: 1, atMs: 100 }], seen)).toEqual([0]);
  });
  test("every write changes something: no shoe gets the price it has", () => {
    const next = priceSequence(1_000);
    const prices = new Map<number, number>();
    for (let count = 0; count < 5_000; count += 1) {
      const { shoe, price } = next();
      expect(prices.get(shoe)).not.toBe(price);
      prices.set(shoe, price);
    }
    expect(prices.size).toBe(1_000);
    expect(Math.max(...prices.values())).toBeLessThan(10);
  });
  test("a change that was not seen throws", () => {
    expect(() => lagsOf([{ seq: 5, atMs: 100 }], seen)).toThrow("the change 5 was not seen");
  });
});
