// The rate of writes that are sent to a server directly, with the number of writers that does best.
import { type Primary, writeRaw } from "../boot/sqld.ts";
import type { RawWrites } from "../ceilings/sqld-raw.ts";
import { eachRound } from "../harness/rounds.ts";
import type { Bench, Line } from "../harness/scenario.ts";

/** The writes, and the numbers of writers to choose from; each is tried for `trySeconds`. */
export type RawLoad = Omit<RawWrites, "url" | "tokenPath" | "writers" | "first"> & {
  writers: readonly number[];
  trySeconds: number;
};

/** The rate of the best number of writers; `timedOut`: the numbers of writers for which sqld was too slow. */
type Fastest = { writers: number; perSecond: number[]; refused: number; timedOut: number[] };

/** Tries every number of writers, and measures the best one each round. */
export async function fastest(
  bench: Bench,
  primary: Primary,
  { writers, trySeconds, ...writes }: RawLoad,
): Promise<Fastest> {
  const title = `sqld alone, ${writes.what} in groups of ${writes.group}`;
  // Stored likes would cost less, so every run goes on with new ones.
  let [first, refused] = [0, 0];
  const write = async (count: number, seconds: number): Promise<number> => {
    const run = await writeRaw(bench, primary, { ...writes, writers: count, seconds, first });
    first += run.done;
    refused += run.refused;
    return run.perSecond;
  };
  const tries: { count: number; perSecond: number }[] = [];
  const timedOut: number[] = [];
  for (const count of writers.length > 1 ? writers : []) {
    bench.log(`${title}, ${count} writers`);
    try {
      tries.push({ count, perSecond: await write(count, trySeconds) });
    } catch (thrown) {
      // With many writers sqld may hang: not the best number, and named in the note.
      if (!String(thrown).includes("timed out")) throw thrown;
      timedOut.push(count);
    }
  }
  const [best] = tries.sort((one, other) => other.perSecond - one.perSecond);
  const count = best?.count ?? writers[0] ?? 1;
  const perSecond = await eachRound(bench, title, () => write(count, writes.seconds));
  return { writers: count, perSecond, refused, timedOut };
}

/** The line of such a rate. */
export const rawLine = (what: string, { writers, perSecond, refused, timedOut }: Fastest): Line => ({
  what,
  unit: "/s",
  values: perSecond,
  note: `${writers} writers did best; ${refused} groups found the server locked for long and went again${timedOut.map((count) => `; ${count} writers got no answer in time`).join("")}`,
  how: { connections: writers, rate: null, encoding: "identity" },
});
