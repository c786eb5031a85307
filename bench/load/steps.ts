// A load in steps: at full speed, then at shares of that capacity, with CPU time and the layers that answered.
import { type Bench, type How, ohaOf } from "../harness/scenario.ts";
import { median, turns } from "../harness/stats.ts";
import type { Load, Run } from "./oha.ts";
import { RateNotReached } from "./oha.ts";

/** The shares of the capacity at which latencies are measured. */
export const SHARES = [0.5, 0.7, 0.9] as const;

/** What is measured: a load without time and rate, and the readings before and after it. */
export type Subject = {
  load: Omit<Load, "seconds" | "rate">;
  /** CPU time that the server has used, in microseconds; `null` where it runs elsewhere. */
  cpuUs: (() => number) | null;
  /** Counters of the layers that answered; `null` where there are none. */
  layers: (() => Promise<Record<string, number>>) | null;
};

/** One run; `us` is the server's CPU time per answer, NaN where the server runs elsewhere. */
export type Step = { run: Run; us: number; layers: Record<string, number> | null };

/** The steps at a share of the capacity; `fault` is the reason why there are none. */
export type Held = { share: number; rate: number; steps: Step[]; fault: string | null };

/** Sends a load once and reads before and after it; a run below its rate is repeated (`Oha.measure`). */
async function stepOf(
  bench: Bench,
  { load, cpuUs, layers }: Subject,
  { seconds, rate }: Pick<Load, "seconds" | "rate">,
): Promise<Step> {
  return ohaOf(bench).measure({ ...load, seconds, rate }, async (send) => {
    const [counted, used] = [await layers?.(), cpuUs?.()];
    const run = await send();
    const us = cpuUs && used !== undefined ? (cpuUs() - used) / run.answers : Number.NaN;
    return { run, us, layers: layers && counted ? sharesOf(counted, await layers()) : null };
  });
}

/** At full speed, once a round. */
export async function atFullSpeed(bench: Bench, subject: Subject, seconds: number): Promise<Step[]> {
  const steps: Step[] = [];
  for (let round = 0; round < bench.rounds; round += 1)
    steps.push(await stepOf(bench, subject, { seconds, rate: null }));
  return steps;
}

/** A value for each round, over all its short turns: answers per second, and CPU time per answer in us. */
export type Rates = { perSecond: number[]; us: number[] };

/** Measures subjects in rounds of several short turns, because virtual machines change their speed every second. */
export async function inShortTurns<T extends Subject>(
  bench: Bench,
  subjects: readonly T[],
  { turnsOfRound, ...load }: Pick<Load, "seconds" | "rate"> & { turnsOfRound: number },
): Promise<Map<T, Rates>> {
  const rates = new Map<T, Rates>(subjects.map((each) => [each, { perSecond: [], us: [] }]));
  for (let round = 0; round < bench.rounds; round += 1) {
    const sums = new Map(subjects.map((each) => [each, { us: 0, answers: 0, seconds: 0 }]));
    for (let turn = 0; turn < turnsOfRound; turn += 1)
      for (const subject of turns(subjects, round + turn)) {
        const { run, us } = await stepOf(bench, subject, load);
        const sum = sums.get(subject);
        if (sum === undefined) continue;
        sum.us += us * run.answers;
        sum.answers += run.answers;
        sum.seconds += run.answers / run.perSecond;
      }
    for (const [subject, { us, answers, seconds }] of sums) {
      rates.get(subject)?.us.push(us / answers);
      rates.get(subject)?.perSecond.push(answers / seconds);
    }
  }
  return rates;
}

/** At shares of a capacity in answers per second; each round reverses their order. */
export async function atShares(
  bench: Bench,
  subject: Subject,
  { capacity, seconds }: { capacity: number; seconds: number },
): Promise<Held[]> {
  const held: Held[] = SHARES.map((share) => ({
    share,
    rate: Math.max(1, Math.floor(capacity * share)),
    steps: [],
    fault: null,
  }));
  for (let round = 0; round < bench.rounds; round += 1)
    for (const one of round % 2 === 0 ? held : held.toReversed()) {
      if (one.fault !== null) continue;
      try {
        one.steps.push(await stepOf(bench, subject, { seconds, rate: one.rate }));
      } catch (thrown) {
        if (!(thrown instanceof RateNotReached)) throw thrown;
        Object.assign(one, { fault: thrown.message, steps: [] });
      }
    }
  return held;
}

/** The median of several steps, in answers per second. */
export const capacityOf = (steps: readonly Step[]): number => median(steps.map(({ run }) => run.perSecond));

/** The load of these steps, and the shares of the layers that answered. */
export function howOf(subject: Subject, rate: number | null, bytes: number, steps: readonly Step[]): How {
  const { connections, encoding } = subject.load;
  const layers = medianShares(steps);
  return { connections, rate, encoding, bytes, ...(layers ? { layers } : {}) };
}

function medianShares(steps: readonly Step[]): Record<string, number> | null {
  const shares = steps.flatMap(({ layers }) => (layers === null ? [] : [layers]));
  const names = [...new Set(shares.flatMap((layers) => Object.keys(layers)))];
  if (names.length === 0) return null;
  return Object.fromEntries(names.map((name) => [name, median(shares.map((layers) => layers[name] ?? 0))]));
}

/** What was counted between two readings, as shares from 0 to 1; layers that did not answer are left out. */
export function sharesOf(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const counts = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  const sum = counts.reduce((total, [, count]) => total + count, 0);
  return Object.fromEntries(
    counts.filter(([, count]) => count > 0).map(([name, count]) => [name, count / sum]),
  );
}
