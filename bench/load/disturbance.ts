// How much another load slows cached answers down: their p99 alone, and beside that load.
import { inRounds } from "../harness/rounds.ts";
import { type Bench, type Line, ohaOf } from "../harness/scenario.ts";
import type { Load, Run } from "./oha.ts";
import { relatedPaths, writeUrls } from "./urls.ts";

const HOT_SHOES = 100;
const CONNECTIONS = 8;

/** The p99 of cached answers in ms by round, and the runs of the load beside them. */
type Disturbance = Record<"quiet" | "busy", number[]> & { beside: Run[] };

/** Related shoes of a hundred shoes at a fixed rate, so that all are answered from memory. */
export const hotLoad = (
  { children, cores }: Bench,
  base: string,
  { seconds, rate, seed }: { seconds: number; rate: number; seed: number },
): Load => ({
  target: { urlsPath: writeUrls(children.folder, "hot", base, relatedPaths(HOT_SHOES), seed) },
  connections: CONNECTIONS,
  seconds,
  rate,
  encoding: "gzip",
  cores: cores.load,
});

/** Sends the hot load alone and beside another one, in turns, after a warm-up. */
export async function disturb(
  bench: Bench,
  hot: Load,
  other: Load,
  warmUpSeconds: number,
): Promise<Disturbance> {
  const oha = ohaOf(bench);
  const seen: Disturbance = { quiet: [], busy: [], beside: [] };
  // Longer than the hot load, so that this one is never alone.
  const longer = { ...other, seconds: hot.seconds + 1 };
  await oha.send({ ...hot, seconds: warmUpSeconds });
  const measure = (side: "quiet" | "busy") =>
    oha.measure(hot, async (send) => {
      const [run, ...beside] = await Promise.all([send(), ...(side === "busy" ? [oha.send(longer)] : [])]);
      seen.beside.push(...beside);
      return { run };
    });
  await inRounds(
    bench,
    ["quiet", "busy"] as const,
    (side) => `cached answers, ${side}`,
    async (side) => {
      const { run } = await measure(side);
      seen[side].push(run.p99Ms);
    },
  );
  return seen;
}

/** How much the p99 grows, and both sides. */
export const disturbanceLines = (what: string, { quiet, busy }: Disturbance, atMost: number): Line[] => [
  {
    what,
    unit: "ms",
    values: busy.map((ms, round) => ms - (quiet[round] ?? Number.NaN)),
    target: { atMost },
  },
  { what: "  p99 of cached answers, quiet", unit: "ms", values: quiet },
  { what: "  p99 of cached answers, meanwhile", unit: "ms", values: busy },
];
