// Loads in steps: the layers that answered, and a rate that is not reached.
import { describe, expect, test } from "bun:test";
import type { Bench } from "../harness/scenario.ts";
import { runOf } from "../testing/bench.ts";
import { type Load, type Oha, RateNotReached } from "./oha.ts";
import { atFullSpeed, atShares, capacityOf, howOf, SHARES, type Subject, sharesOf } from "./steps.ts";

const RUN = runOf({ "200": 1_000 });

/** An oha that returns at once and records the rates; those above `reachable` are not reached. */
function benchOf(rounds: number, reachable = Number.POSITIVE_INFINITY) {
  const rates: (number | null)[] = [];
  const measure: Oha["measure"] = async (load, around) => {
    if ((load.rate ?? 0) > reachable) throw new RateNotReached(`not reached: ${load.rate}/s`);
    rates.push(load.rate);
    return around(async () => RUN);
  };
  const bench = { rounds, oha: { measure }, log: () => undefined } as unknown as Bench;
  return { bench, rates };
}

const LOAD: Omit<Load, "seconds" | "rate"> = {
  target: { url: "http://127.0.0.1/" },
  connections: 8,
  encoding: "gzip",
  cores: null,
};

function subjectOf(): Subject {
  let [used, counted] = [0, 0];
  return {
    load: LOAD,
    cpuUs: () => {
      used += 5_000;
      return used;
    },
    layers: async () => {
      counted += 100;
      return { "memory hit": counted * 3, computed: counted };
    },
  };
}

test("each round sends once, and reads CPU time and layers before and after", async () => {
  const { bench, rates } = benchOf(3);
  const subject = subjectOf();
  const steps = await atFullSpeed(bench, subject, 1);
  expect(rates).toEqual([null, null, null]);
  expect(steps.map(({ us }) => us)).toEqual([5, 5, 5]);
  expect(capacityOf(steps)).toBe(1_000);
  expect(howOf(subject, null, 42, steps)).toEqual({
    connections: 8,
    rate: null,
    encoding: "gzip",
    bytes: 42,
    layers: { "memory hit": 0.75, computed: 0.25 },
  });
});

test("shares of the capacity take turns", async () => {
  const { bench, rates } = benchOf(2);
  const held = await atShares(bench, subjectOf(), { capacity: 1_000, seconds: 1 });
  expect(rates).toEqual([500, 700, 900, 900, 700, 500]);
  expect(held.map(({ share, steps }) => [share, steps.length])).toEqual(SHARES.map((share) => [share, 2]));
});

test("a share that is not reached has a fault and is not repeated; the others go on", async () => {
  const { bench, rates } = benchOf(2, 800);
  const held = await atShares(bench, subjectOf(), { capacity: 1_000, seconds: 1 });
  expect(rates).toEqual([500, 700, 700, 500]);
  expect(held[2]).toMatchObject({ fault: "not reached: 900/s", steps: [] });
});

describe("shares", () => {
  test("are those between two readings", () => {
    expect(sharesOf({ a: 10, b: 5 }, { a: 40, b: 15, c: 0 })).toEqual({ a: 0.75, b: 0.25 });
    expect(sharesOf({}, { a: 2 })).toEqual({ a: 1 });
  });

  test("a server elsewhere has none, nor a CPU time", async () => {
    const { bench } = benchOf(1);
    const subject: Subject = { load: LOAD, cpuUs: null, layers: null };
    const steps = await atFullSpeed(bench, subject, 1);
    expect(steps[0]?.us).toBeNaN();
    expect(howOf(subject, null, 1, steps)).not.toHaveProperty("layers");
  });
});
