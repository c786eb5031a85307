// Ten minutes of constant load: whether the shop's memory or its open descriptors grow.
import { readdirSync } from "node:fs";
import { bootWithCustomers, type Server } from "../boot/shop.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { written } from "../harness/stats.ts";
import type { Load, Run } from "../load/oha.ts";
import { expectLikesCounted, signIn } from "../load/people.ts";
import { answersText, browsingPaths, errorsIn, likePaths, sumOf } from "../load/traffic.ts";
import { writeUrls } from "../load/urls.ts";
import { memoryShare, readMetrics } from "../metrics/metrics.ts";
import { memoryOf } from "../metrics/proc.ts";
import {
  from,
  growthOf,
  lowerEnvelope,
  type Reading,
  type Slope,
  slopeOf,
  thinned,
} from "../metrics/slope.ts";

/** The uncertainty of a slope without growth; a leak in one of a thousand requests exceeds it. */
const MEMORY_MIB_PER_MINUTE_MAX = 1;
/** One leaked descriptor in 60 sign-ins, which come 60 times a minute, exceeds this. */
const DESCRIPTORS_PER_MINUTE_MAX = 1;
const RATE_SHARE_MIN = 0.98;
const SECONDS_PER_MINUTE = 60;
const SAMPLE_MS = 1_000;
const QUICK_SAMPLE_MS = 250;
const CUSTOMERS = 2_000;
const CUSTOMER = { email: "customer@shop.example", password: "a-password-of-the-bench" };
const RATES = { browsing: 1_500, likes: 50, signIns: 1 };
const CONNECTIONS = { browsing: 16, likes: 8, signIns: 2 };
const FILLING_AT_A_TIME = 16;
const POINTS = 60;
/** Garbage is collected several times in a window, so its lowest reading is the memory in use. */
const WINDOW_SECONDS = 20;
const FULL = {
  shoes: 10_000,
  addresses: 200_000,
  seconds: 600,
  settleSeconds: 120,
  windowSeconds: WINDOW_SECONDS,
};
const QUICK = { shoes: 1_000, addresses: 5_000, seconds: 4, settleSeconds: 1, windowSeconds: 0.5 };

export const soak: Scenario = {
  name: "soak",
  boot: "the shop in production settings on a file, 10,000 shoes, 2,000 customers; it may use all cores",
  load: "Zipf-distributed browsing at 1,500/s, likes at 50/s and sign-ins at 1/s together for 10 minutes",
  measures:
    "growth of memory and descriptors after the first 2 minutes (slope by least squares through the lowest reading of every 20 s)",
  needsOha: true,
  async *run(bench) {
    const { children, log } = bench;
    const { shoes, seconds } = settingsOf(bench);
    const server = await bootWithCustomers(bench, { shoes, customers: CUSTOMERS });
    // Another account than the admin's, whose session would end after 500 further sign-ins.
    await register(server);
    const loads = loadsOf(bench, server, await signIn(server));
    log("filling the cache with every address");
    await fillMemory(bench, server);
    log(`${written(seconds / SECONDS_PER_MINUTE)} minutes of constant load`);
    const before = await readMetrics(server.base);
    const sampling = sample(bench, server.child.pid);
    const runs = await ohaOf(bench)
      .together(loads)
      .finally(() => sampling.stop());
    const fromMemory = memoryShare(before, await readMetrics(server.base));
    yield linesOf(bench, await sampling.readings, { runs, fromMemory });
    expectLikesCounted(server.dataDir);
    await children.end(server.child);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** Makes the account that signs in once a second. */
async function register({ base }: Server): Promise<void> {
  const response = await fetch(`${base}/api/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...CUSTOMER, name: "Customer" }),
  });
  await response.arrayBuffer();
  if (response.status !== 201) throw new Error(`registration responds with ${response.status}`);
}

/** Requests every address, because a cache that fills up grows too; twice, because the second request compresses. */
async function fillMemory(bench: Bench, { base }: Server): Promise<void> {
  const { shoes, addresses } = settingsOf(bench);
  const paths = [...new Set(browsingPaths(shoes, addresses, bench.seed))];
  const request = async (path: string) => void (await (await fetch(base + path)).arrayBuffer());
  for (const all of [paths, paths])
    for (let at = 0; at < all.length; at += FILLING_AT_A_TIME)
      await Promise.all(all.slice(at, at + FILLING_AT_A_TIME).map(request));
}

function loadsOf(bench: Bench, { base }: Server, token: string): Load[] {
  const { children, cores, seed } = bench;
  const { shoes, addresses, seconds } = settingsOf(bench);
  const drawn = (name: string, paths: string[]) => ({
    target: { urlsPath: writeUrls(children.folder, name, base, paths, seed) },
    seconds,
    cores: cores.load,
  });
  return [
    {
      ...drawn("browsing", browsingPaths(shoes, addresses, seed)),
      connections: CONNECTIONS.browsing,
      rate: RATES.browsing,
      encoding: "gzip",
    },
    {
      ...drawn("soak-likes", likePaths(shoes, CUSTOMERS, addresses, seed)),
      connections: CONNECTIONS.likes,
      rate: RATES.likes,
      encoding: "identity",
      post: { token },
    },
    {
      target: { url: `${base}/api/auth/login` },
      seconds,
      cores: cores.load,
      post: { body: JSON.stringify(CUSTOMER) },
      connections: CONNECTIONS.signIns,
      rate: RATES.signIns,
      encoding: "identity",
    },
  ];
}

type Sample = { minutes: number; memoryMib: number; descriptors: number };

/** Samples the memory and the descriptors of a process until it is stopped. */
function sample({ isQuick }: Bench, pid: number) {
  const stopping = new AbortController();
  const everyMs = isQuick ? QUICK_SAMPLE_MS : SAMPLE_MS;
  const read = async (): Promise<Sample[]> => {
    const samples: Sample[] = [];
    const startedAt = performance.now();
    for (let dueMs = everyMs; !stopping.signal.aborted; dueMs += everyMs) {
      samples.push({
        minutes: (performance.now() - startedAt) / 1_000 / SECONDS_PER_MINUTE,
        memoryMib: memoryOf(pid).nowMib,
        descriptors: readdirSync(`/proc/${pid}/fd`).length,
      });
      await Bun.sleep(Math.max(0, startedAt + dueMs - performance.now()));
    }
    return samples;
  };
  return { readings: read(), stop: () => stopping.abort() };
}

/** A slope with its confidence interval in words. */
function intervalText({ perMinute, low, high }: Slope, unit: string): string {
  return `${written(perMinute)}${unit} a minute, 95 % interval ${written(low)} to ${written(high)}`;
}

function linesOf(
  bench: Bench,
  samples: readonly Sample[],
  { runs, fromMemory }: { runs: readonly Run[]; fromMemory: number },
): Line[] {
  const { settleSeconds, windowSeconds } = settingsOf(bench);
  const rate = RATES.browsing + RATES.likes + RATES.signIns;
  const connections = CONNECTIONS.browsing + CONNECTIONS.likes + CONNECTIONS.signIns;
  const layers = { memory: fromMemory, computed: 1 - fromMemory };
  const how: How = { connections, rate, encoding: "gzip", layers };
  const all = (of: (each: Sample) => number): Reading[] =>
    samples.map((each) => ({ minutes: each.minutes, value: of(each) }));
  const settled = (readings: readonly Reading[]) => from(readings, settleSeconds / SECONDS_PER_MINUTE);
  const memory = all(({ memoryMib }) => memoryMib);
  const lowest = slopeOf(lowerEnvelope(settled(memory), windowSeconds / SECONDS_PER_MINUTE));
  const every = slopeOf(settled(memory));
  const descriptors = slopeOf(settled(all((each) => each.descriptors)));
  const one = (what: string, unit: string, value: number): Line => ({ what, unit, values: [value], how });
  return [
    {
      ...one("soak: growth of memory per minute", "MiB", growthOf(lowest)),
      target: { atMost: MEMORY_MIB_PER_MINUTE_MAX },
      note: `judged: the lowest reading of each ${windowSeconds} s, ${intervalText(lowest, " MiB")}; growth is 0 when that interval reaches 0, else its upper end. All readings: ${intervalText(every, " MiB")}`,
    },
    {
      ...one("  its slope is known to within, either side", "MiB", (lowest.high - lowest.low) / 2),
      target: { atMost: MEMORY_MIB_PER_MINUTE_MAX },
    },
    {
      ...one("soak: growth of open descriptors per minute", "", growthOf(descriptors)),
      target: { atMost: DESCRIPTORS_PER_MINUTE_MAX },
      note: intervalText(descriptors, ""),
    },
    {
      ...one("soak: errors in all", "", errorsIn(runs)),
      target: { atMost: 0 },
      note: answersText(runs, "all good"),
    },
    {
      ...one("  share of its rate that was kept", "", sumOf(runs).perSecond / rate),
      target: { atLeast: RATE_SHARE_MIN },
    },
    one("  p99 of browsing", "ms", runs[0]?.p99Ms ?? Number.NaN),
    ...curveOf(memory, how),
  ];
}

/** Memory over time as a curve. */
const curveOf = (memory: readonly Reading[], how: How): Line[] =>
  thinned(memory, POINTS).map(({ minutes, value }) => ({
    what: `  memory after ${minutes.toFixed(2)} minutes`,
    unit: "MiB",
    values: [value],
    how,
    point: {
      chart: "memory over the soak",
      series: "the shop",
      x: Number(minutes.toFixed(2)),
      xUnit: "minutes",
    },
  }));
