// The rounds of a scenario: sides take turns, and each round reverses the order of the one before.
import type { Bench } from "./scenario.ts";
import { turns } from "./stats.ts";

/** Measures every side once a round. */
export async function inRounds<Side>(
  { rounds, log }: Bench,
  sides: readonly Side[],
  titleOf: (side: Side) => string,
  measure: (side: Side) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    for (const side of turns(sides, round)) {
      log(`round ${round + 1} of ${rounds}: ${titleOf(side)}`);
      await measure(side);
    }
}

/** Measures once a round and returns the value of each round. */
export async function eachRound<Value>(
  bench: Bench,
  title: string,
  measure: () => Promise<Value>,
): Promise<Value[]> {
  const values: Value[] = [];
  await inRounds(
    bench,
    [title],
    () => title,
    async () => void values.push(await measure()),
  );
  return values;
}
