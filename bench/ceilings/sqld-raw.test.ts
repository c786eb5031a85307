// The libSQL server alone: likes and rows that were written directly are stored, each once.
import { afterAll, expect, test } from "bun:test";
import { addCustomersTo, bootSqld, writeRaw } from "../boot/sqld.ts";
import { openChildren } from "../harness/children.ts";
import { faultOfLikes, readLikes } from "../metrics/exactly-once.ts";
import { quickBench } from "../testing/bench.ts";
import { pairAt } from "./sqld-raw.ts";

const BOOT_MS_MAX = 60_000;
const SHOES = 1_000;
const CUSTOMERS = { from: 5, count: 10 };
const children = openChildren();

afterAll(() => children.close());

test(
  "likes written in groups by two writers are all stored once",
  async () => {
    const bench = quickBench(children);
    const sqld = await bootSqld(bench, SHOES);
    await addCustomersTo(sqld, CUSTOMERS.from + CUSTOMERS.count);
    const writes = { group: 7, shoes: SHOES, customers: CUSTOMERS, seconds: 0.3, first: 0 };
    const { done, perSecond } = await writeRaw(bench, sqld, { ...writes, what: "likes", writers: 2 });
    expect(done).toBeGreaterThan(0);
    expect(perSecond).toBeGreaterThan(0);
    const rows = await writeRaw(bench, sqld, { ...writes, what: "rows", writers: 1 });
    expect(rows.done % 7).toBe(0);
    await children.endAll();
    const acknowledged = new Set(
      Array.from({ length: done }, (_, place) => {
        const { shoeId, userId } = pairAt(place, SHOES, CUSTOMERS);
        return `${shoeId}/likes/${userId}`;
      }),
    );
    const stored = readLikes(sqld.filePath);
    expect(faultOfLikes(stored, acknowledged, 0)).toBeNull();
    expect(stored.rows).toBe(Math.min(done, SHOES * CUSTOMERS.count));
    expect(readLikes(sqld.filePath, (userId) => userId === "bench-5").rows).toBeLessThan(stored.rows);
  },
  BOOT_MS_MAX,
);

test("a series of likes repeats no pair before all have come", () => {
  const pairs = Array.from({ length: 60 }, (_, place) => {
    const { shoeId, userId } = pairAt(place, 6, CUSTOMERS);
    return `${shoeId} ${userId}`;
  });
  expect(new Set(pairs).size).toBe(60);
  expect(pairAt(60, 6, CUSTOMERS)).toEqual(pairAt(0, 6, CUSTOMERS));
});
