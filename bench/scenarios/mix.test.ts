// The rate and the connections of each kind.
import { expect, test } from "bun:test";
import { planOf } from "./mix.ts";

test("the gateway's mix: connections and rate by its shares", () => {
  const plan = planOf({ kinds: ["registration", "browsing", "orders", "health"], rate: 61 }, 50);
  expect(plan).toEqual([
    { kind: "registration", connections: 15, rate: 18.3 },
    { kind: "browsing", connections: 20, rate: 24.4 },
    { kind: "orders", connections: 10, rate: 12.2 },
    { kind: "health", connections: 5, rate: 6.1 },
  ]);
});

test("without registration the others grow to the whole", () => {
  const plan = planOf({ kinds: ["browsing", "orders", "health"], rate: 1_220 }, 100);
  expect(plan.map(({ rate }) => rate)).toEqual([697.14, 348.57, 174.29]);
  expect(plan.map(({ connections }) => connections)).toEqual([57, 29, 14]);
});
