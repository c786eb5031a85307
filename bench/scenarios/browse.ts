// Browsing beside a few writes: latencies at shares of the capacity, and how much is answered from memory.
import { bootWithCustomers, type Server } from "../boot/shop.ts";
import { eachRound } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, orNotReached, type Scenario } from "../harness/scenario.ts";
import { median, turns, written } from "../harness/stats.ts";
import type { Load, Run } from "../load/oha.ts";
import { expectLikesCounted, signIn } from "../load/people.ts";
import { answersText, browsingPaths, errorsIn, likePaths, sumOf } from "../load/traffic.ts";
import { writeUrls } from "../load/urls.ts";
import { memoryShare, readMetrics } from "../metrics/metrics.ts";

const WRITES_SHARE = 0.05;
const STEPS = [0.5, 0.7, 0.9];
const SHOES = 1_000;
const CUSTOMERS = 2_000;
const BROWSERS = 32;
/** A like waits for the disk, so 5 % of the requests need more than 5 % of the connections. */
const WRITERS = 32;
const SETTLING_ROUNDS = 2;
const FULL = { addresses: 50_000, seconds: 5, capacitySeconds: 3, steps: STEPS };
const QUICK = { addresses: 2_000, seconds: 1, capacitySeconds: 1, steps: [0.5] };
const MILLISECONDS = { p50: "p50Ms", p95: "p95Ms", p99: "p99Ms" } as const;

export const browse: Scenario = {
  name: "browse",
  boot: "the shop in production settings on a file, 1,000 shoes, 2,000 customers; it may use all cores",
  load: "browsing, 32 connections, as fast as it goes, alone and beside likes that are 5 % of all; then both held to 50, 70 and 90 % of that",
  measures: "latencies of browsing, errors, and the share of browsing answered from memory",
  needsOha: true,
  async *run(bench) {
    const { children } = bench;
    const server = await bootWithCustomers(bench, { shoes: SHOES, customers: CUSTOMERS });
    const loads = loadsOf(bench, server, await signIn(server));
    const perSecond = await findCapacity(bench, loads.browsing);
    yield [
      {
        what: "browsing alone, as fast as it goes",
        unit: "/s",
        values: perSecond,
        how: { connections: BROWSERS, rate: null, encoding: "gzip" },
      },
    ];
    const besideLikes = await findMixed(bench, loads, median(perSecond));
    yield [
      {
        what: "95 % browsing, 5 % likes, as fast as it goes",
        unit: "/s",
        values: besideLikes,
        how: { connections: BROWSERS + WRITERS, rate: null, encoding: "gzip" },
      },
    ];
    yield* mixed(bench, server, loads, median(besideLikes));
    expectLikesCounted(server.dataDir);
    await children.end(server.child);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

type Loads = Record<"browsing" | "writes", Load>;

function loadsOf(bench: Bench, { base }: Server, token: string): Loads {
  const { children, cores, seed } = bench;
  const { addresses, seconds } = settingsOf(bench);
  const drawn = (name: string, paths: string[]) => ({
    target: { urlsPath: writeUrls(children.folder, name, base, paths, seed) },
    seconds,
    rate: null,
    cores: cores.load,
  });
  return {
    browsing: {
      ...drawn("browsing", browsingPaths(SHOES, addresses, seed)),
      connections: BROWSERS,
      encoding: "gzip",
    },
    writes: {
      ...drawn("browse-likes", likePaths(SHOES, CUSTOMERS, addresses, seed)),
      connections: WRITERS,
      encoding: "identity",
      post: { token },
    },
  };
}

async function findCapacity(bench: Bench, load: Load): Promise<number[]> {
  await ohaOf(bench).send({ ...load, seconds: 1 });
  const { capacitySeconds: seconds } = settingsOf(bench);
  const runs = await eachRound(bench, "browsing alone", () => ohaOf(bench).send({ ...load, seconds }));
  return runs.map(({ perSecond }) => perSecond);
}

/** The capacity of both together: browsing at full speed beside likes at 5 % of it, adjusted until the shares agree. */
async function findMixed(bench: Bench, { browsing, writes }: Loads, alone: number): Promise<number[]> {
  const { rounds, log } = bench;
  const { capacitySeconds: seconds } = settingsOf(bench);
  const perSecond: number[] = [];
  let pages = alone / 2;
  for (let round = -SETTLING_ROUNDS; round < rounds; round += 1) {
    log(round < 0 ? "settling" : `round ${round + 1} of ${rounds}: browsing beside likes`);
    const rate = Math.max(1, Math.round((pages * WRITES_SHARE) / (1 - WRITES_SHARE)));
    const runs = await ohaOf(bench).together([
      { ...browsing, seconds },
      { ...writes, seconds, rate },
    ]);
    pages = runs[0]?.perSecond ?? pages;
    if (round >= 0) perSecond.push(sumOf(runs).perSecond);
  }
  return perSecond;
}

/** A share of the capacity with its rounds, or the line that says why it was not reached. */
type Step = { share: number; rate: number; rounds: Round[]; notReached: Line[] };
type Round = { browsing: Run; writes: Run; fromMemory: number };

async function* mixed(bench: Bench, server: Server, loads: Loads, capacity: number): AsyncGenerator<Line[]> {
  const steps = settingsOf(bench).steps.map(
    (share): Step => ({ share, rate: Math.floor(capacity * share), rounds: [], notReached: [] }),
  );
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const step of turns(steps, round)) {
      if (step.notReached.length > 0) continue;
      const { share, rate } = step;
      bench.log(`round ${round + 1} of ${bench.rounds}: ${written(100 * share)} % of capacity`);
      const line = { what: titleOf(step), unit: "ms", how: howOf(step) };
      step.notReached = await orNotReached(line, async () => {
        step.rounds.push(await ohaOf(bench).keepRate(rate, () => send(bench, server, loads, rate)));
        return [];
      });
    }
  }
  for (const step of steps) yield step.notReached.length > 0 ? step.notReached : linesOf(step);
}

async function send(
  bench: Bench,
  { base }: Server,
  loads: Loads,
  rate: number,
): Promise<Round & { run: Pick<Run, "perSecond"> }> {
  const before = await readMetrics(base);
  const runs = await ohaOf(bench).together([
    { ...loads.browsing, rate: Math.round(rate * (1 - WRITES_SHARE)) },
    { ...loads.writes, rate: Math.round(rate * WRITES_SHARE) },
  ]);
  const [browsing, writes] = runs as [Run, Run];
  return { browsing, writes, run: sumOf(runs), fromMemory: memoryShare(before, await readMetrics(base)) };
}

const titleOf = ({ share }: Step): string =>
  `95 % browsing, 5 % likes at ${written(100 * share)} % of capacity`;

const howOf = ({ rate }: Step): How => ({ connections: BROWSERS + WRITERS, rate, encoding: "gzip" });

function linesOf(step: Step): Line[] {
  const { rounds, share } = step;
  const runs = rounds.flatMap(({ browsing, writes }) => [browsing, writes]);
  const memory = median(rounds.map(({ fromMemory }) => fromMemory));
  const how: How = { ...howOf(step), layers: { memory, computed: 1 - memory } };
  const latencies = Object.entries(MILLISECONDS).map(
    ([name, field]): Line => ({
      what: `  browsing at ${Math.round(100 * share)} %: ${name}`,
      unit: "ms",
      values: rounds.map(({ browsing }) => browsing[field]),
      how,
      point: {
        chart: "95 % browsing, 5 % likes: latencies of browsing",
        series: name,
        x: Math.round(100 * share),
        xUnit: "% of capacity",
      },
    }),
  );
  return [
    {
      what: `${titleOf(step)}: errors in all`,
      unit: "",
      values: [errorsIn(runs)],
      target: { atMost: 0 },
      note: answersText(runs),
      how,
    },
    ...latencies,
    {
      what: `  likes at ${Math.round(100 * share)} %: p95`,
      unit: "ms",
      values: rounds.map(({ writes }) => writes.p95Ms),
      how,
    },
    {
      what: `  share of browsing answered from memory at ${Math.round(100 * share)} %`,
      unit: "",
      values: rounds.map(({ fromMemory }) => fromMemory),
      how,
    },
  ];
}
