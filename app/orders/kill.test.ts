// Buyers under kill -9: exactly the pairs in stock are sold, each to one buyer, who is charged once.
import { expect, test } from "bun:test";
import { PAIRS_EACH, runBuyers, SIZES } from "../testing/buyers/buyers.ts";

const BUYERS = 600;
const KILLS = 2;

test(`${BUYERS} buyers for ${PAIRS_EACH * SIZES.length} pairs, the process killed ${KILLS} times: each pair is sold once, and the books are right`, async () => {
  const { trouble, acknowledged, outOfStock, killed } = await runBuyers({
    buyers: BUYERS,
    kills: KILLS,
    skipsLeases: true,
  });
  expect(trouble).toEqual([]);
  expect(acknowledged).toBe(PAIRS_EACH * SIZES.length);
  expect(acknowledged + outOfStock).toBe(BUYERS);
  expect(killed.length).toBe(KILLS);
}, 60_000);
