// Likes: how many are committed a second, and how much they slow cached answers down.
import { bootWithCustomers } from "../boot/shop.ts";
import { eachRound } from "../harness/rounds.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { disturb, disturbanceLines, hotLoad } from "../load/disturbance.ts";
import type { Load } from "../load/oha.ts";
import { expectLikesCounted, signIn } from "../load/people.ts";
import { likePaths } from "../load/traffic.ts";
import { demoId, relatedPaths, writeUrls } from "../load/urls.ts";
import { memoryShare, readMetrics } from "../metrics/metrics.ts";
import { cpuUs } from "../metrics/proc.ts";

const LIKES_MIN = 15_000;
const P99_GROWTH_MS_MAX = 5;
const HIT_SHARE_MIN = 0.9;
const CUSTOMERS = 2_000;
const SEED = 3;
const HOT_SHOES = 100;
const CONNECTIONS = 128;
const WARM_UP_SECONDS = 1;
const FULL = { shoes: 1_000, likes: 400_000, seconds: 6, hotRate: 1_000 };
const QUICK = { shoes: 1_000, likes: 5_000, seconds: 1, hotRate: 100 };

export const likes: Scenario = {
  name: "likes",
  boot: "the shop in production settings on a file, 1,000 shoes, 2,000 customers; it may use all cores",
  load: "POST random likes, 128 connections, as fast as it goes; cached related shoes at 1,000/s without and with half of that",
  measures:
    "acknowledged likes per second; p99 of cached answers and the share of browsing from memory meanwhile",
  needsOha: true,
  async *run(bench) {
    const { children, isQuick } = bench;
    const { shoes, seconds, hotRate } = isQuick ? QUICK : FULL;
    const { base, child, dataDir } = await bootWithCustomers(bench, { shoes, customers: CUSTOMERS });
    const load = likesOn(bench, base, await signIn({ base }));
    const { perSecond, us } = await sendLikes(bench, load, child.pid);
    yield [
      { what: "likes acknowledged", unit: "/s", values: perSecond, target: { atLeast: LIKES_MIN } },
      { what: "  CPU per like, all threads", unit: "us", values: us },
    ];
    const half = { ...load, rate: Math.floor(Math.min(...perSecond) / 2) };
    const hot = hotLoad(bench, base, { seconds, rate: hotRate, seed: SEED });
    const disturbance = await disturb(bench, hot, half, WARM_UP_SECONDS);
    const what = "cached answers while half as many likes come: p99 grows by";
    yield disturbanceLines(what, disturbance, P99_GROWTH_MS_MAX);
    yield await browse(bench, base, half);
    expectLikesCounted(dataDir);
    await children.end(child);
  },
};

/** Browsing (related shoes, shoes and first pages) beside half as many likes: the share answered from memory. */
async function browse(bench: Bench, base: string, half: Load): Promise<Line[]> {
  const { children, cores, isQuick } = bench;
  const { seconds, hotRate } = isQuick ? QUICK : FULL;
  const shoes = Array.from({ length: HOT_SHOES }, (_, at) => `/api/shoes/${demoId(at + 1)}`);
  const lists = ["", "?sort=popular", "?category=running", "?category=boots", "?sort=price_asc"];
  const paths = [
    ...relatedPaths(HOT_SHOES),
    ...shoes,
    ...lists.flatMap((list) => Array(8).fill(`/api/shoes${list}`)),
  ];
  const browsing: Load = {
    target: { urlsPath: writeUrls(children.folder, "browsing", base, paths, SEED) },
    connections: 16,
    seconds,
    rate: hotRate * 2,
    encoding: "gzip" as const,
    cores: cores.load,
  };
  const shares = await eachRound(bench, "browsing beside likes", async () => {
    const before = await readMetrics(base);
    await Promise.all([ohaOf(bench).send(browsing), ohaOf(bench).send({ ...half, seconds: seconds + 1 })]);
    return memoryShare(before, await readMetrics(base));
  });
  return [
    {
      what: "share of browsing answered from memory meanwhile",
      unit: "",
      values: shares,
      target: { atLeast: HIT_SHARE_MIN },
    },
  ];
}

function likesOn({ children, cores, isQuick }: Bench, base: string, token: string): Load {
  const { shoes, likes, seconds } = isQuick ? QUICK : FULL;
  const paths = likePaths(shoes, CUSTOMERS, likes, SEED);
  return {
    target: { urlsPath: writeUrls(children.folder, "likes", base, paths, SEED) },
    connections: CONNECTIONS,
    seconds,
    rate: null,
    encoding: "identity" as const,
    post: { token },
    cores: cores.load,
  };
}

async function sendLikes(bench: Bench, load: Load, pid: number) {
  await ohaOf(bench).send({ ...load, seconds: WARM_UP_SECONDS });
  const seen = await eachRound(bench, "likes", async () => {
    const before = cpuUs(pid);
    const { answers, perSecond } = await ohaOf(bench).send(load);
    return { perSecond, us: (cpuUs(pid) - before) / answers };
  });
  return { perSecond: seen.map(({ perSecond }) => perSecond), us: seen.map(({ us }) => us) };
}
