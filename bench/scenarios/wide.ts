// Wide queries (lists, searches, facets, hostile ones) on a small and a large catalogue, and beside cached answers.
import { bootShop, CACHE_BYTES, type Server } from "../boot/shop.ts";
import { inRounds } from "../harness/rounds.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { median, ratios, written } from "../harness/stats.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { disturb, disturbanceLines, hotLoad } from "../load/disturbance.ts";
import type { Load, Run } from "../load/oha.ts";
import { distinctWidePaths, WIDE, widePath, writeUrls } from "../load/urls.ts";

const P99_RATIO_MAX = 3;
/** Cached answers are undisturbed when their p99 grows by at most this. */
const P99_GROWTH_MS_MAX = 2;
const URLS_SEED = 2;
const SHOWN_MAX = 5;
const FULL = {
  small: 10_000,
  big: 1_000_000,
  seconds: 15,
  warmUpSeconds: 3,
  wideRate: 10,
  hotRate: 1_000,
  repeats: 5,
};
const QUICK = {
  small: 1_000,
  big: 5_000,
  seconds: 2,
  warmUpSeconds: 1,
  wideRate: 20,
  hotRate: 100,
  repeats: 1,
};

export const wide: Scenario = {
  name: "wide",
  boot: "the shop without its cache at 10,000 and at 1,000,000 shoes; then with it at 1,000,000",
  load: `oha, ${Object.keys(WIDE).length} random named queries, 10/s; then cached related shoes, 1,000/s, without and with them`,
  measures: "p50, p99 and their ratio; p99 of cached answers quiet and meanwhile",
  needsOha: true,
  async *run(bench) {
    yield* compareSizes(bench);
    yield await disturbHits(bench);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

type Side = { shoes: number; server: Server; load: Load; alone: Map<string, number>; runs: Run[] };

async function* compareSizes(bench: Bench): AsyncGenerator<Line[]> {
  const { children } = bench;
  const small = await bootSide(bench, "small");
  const big = await bootSide(bench, "big");
  yield aloneLines(small, big);
  await inRounds(
    bench,
    [small, big],
    ({ shoes }) => `${written(shoes)} shoes`,
    async ({ load, runs }) => {
      const { run } = await ohaOf(bench).measure(load, async (send) => ({ run: await send() }));
      runs.push(run);
    },
  );
  await Promise.all([children.end(small.server.child), children.end(big.server.child)]);
  yield [
    {
      what: `list, search, facets: p99 at ${written(big.shoes)} / at ${written(small.shoes)} shoes`,
      unit: "",
      values: ratios(
        big.runs.map(({ p99Ms }) => p99Ms),
        small.runs.map(({ p99Ms }) => p99Ms),
      ),
      target: { atMost: P99_RATIO_MAX },
    },
    ...[small, big].flatMap(({ shoes, runs }): Line[] => [
      { what: `  p50 at ${written(shoes)}`, unit: "ms", values: runs.map(({ p50Ms }) => p50Ms) },
      { what: `  p99 at ${written(shoes)}`, unit: "ms", values: runs.map(({ p99Ms }) => p99Ms) },
    ]),
  ];
}

/** A warm shop without its cache, and its time for each query alone. */
async function bootSide(bench: Bench, size: "small" | "big"): Promise<Side> {
  const { children, cores, log } = bench;
  const { seconds, warmUpSeconds, wideRate, repeats, ...sizes } = settingsOf(bench);
  const shoes = sizes[size];
  const dataDir = await catalogueOf(bench, shoes);
  const server = await bootShop(children, { dataDir, cores: cores.wide, cacheBytesMax: 0 });
  const paths = Object.values(WIDE).map(widePath);
  const urlsPath = writeUrls(children.folder, `wide-${shoes}`, server.base, paths, URLS_SEED);
  const load: Load = {
    target: { urlsPath },
    connections: 8,
    seconds,
    rate: wideRate,
    encoding: "gzip" as const,
    cores: cores.load,
  };
  log(`${written(shoes)} shoes: every query alone`);
  await ohaOf(bench).send({ ...load, seconds: warmUpSeconds });
  return { shoes, server, load, alone: await timeAlone(server, repeats), runs: [] };
}

const aloneLines = (small: Side, big: Side): Line[] => {
  const growth = new Map(
    [...big.alone].map(([name, ms]) => [name, ms / (small.alone.get(name) ?? Number.NaN)]),
  );
  return [
    {
      what: `the question that grows most from ${written(small.shoes)} to ${written(big.shoes)} shoes, each alone`,
      unit: "times",
      values: [Math.max(...growth.values())],
      note: greatest(growth),
    },
    ...[small, big].map(({ shoes, alone }) => ({
      what: `  the slowest question alone at ${written(shoes)}`,
      unit: "ms",
      values: [Math.max(...alone.values())],
      note: greatest(alone),
    })),
  ];
};

/** Sends every query alone, several times, and returns its median time in ms. */
async function timeAlone({ base }: Server, times: number): Promise<Map<string, number>> {
  const medians = new Map<string, number>();
  for (const [name, query] of Object.entries(WIDE)) {
    const took: number[] = [];
    for (let time = 0; time < times; time += 1) {
      const startedAt = performance.now();
      const response = await fetch(base + widePath(query));
      const body = (await response.json()) as { success?: boolean; data?: unknown[] };
      took.push(performance.now() - startedAt);
      if (response.status !== 200 || body.success !== true || !Array.isArray(body.data))
        throw new Error(`${response.status} and not a list: ${widePath(query)}`);
    }
    medians.set(name, median(took));
  }
  return medians;
}

const greatest = (byName: Map<string, number>): string =>
  [...byName]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN_MAX)
    .map(([name, value]) => `${name} ${written(value)}`)
    .join("; ");

/** Cached answers of one server, alone and beside wide queries that no cache holds. */
async function disturbHits(bench: Bench): Promise<Line[]> {
  const { children, cores } = bench;
  const { big: shoes, seconds, warmUpSeconds, wideRate, hotRate } = settingsOf(bench);
  const dataDir = await catalogueOf(bench, shoes);
  const server = await bootShop(children, { dataDir, cores: cores.wide, cacheBytesMax: CACHE_BYTES });
  const hot = hotLoad(bench, server.base, { seconds, rate: hotRate, seed: URLS_SEED });
  const urlsPath = writeUrls(children.folder, "beside", server.base, distinctWidePaths(), URLS_SEED);
  const disturbance = await disturb(
    bench,
    hot,
    { ...hot, target: { urlsPath }, rate: wideRate },
    warmUpSeconds,
  );
  await children.end(server.child);
  return disturbanceLines(
    "cached answers unhurt by wide questions: p99 grows by",
    disturbance,
    P99_GROWTH_MS_MAX,
  );
}
