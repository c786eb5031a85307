// Likes: how many a second are made durable, and what that does to cached answers.

import { bootShop } from "../boot/shop.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { randomFrom, turns } from "../harness/stats.ts";
import { catalogueCopy } from "../load/catalogue.ts";
import type { Load } from "../load/oha.ts";
import { ADMIN_SETTINGS, addCustomers, countLikes, customerId, signIn } from "../load/people.ts";
import { demoId, relatedPaths, writeUrls } from "../load/urls.ts";
import { memoryShare, readMetrics } from "../metrics/metrics.ts";
import { cpuUs } from "../metrics/proc.ts";

const LIKES_MIN = 15_000;
const HURT_MS_MAX = 5;
const HIT_SHARE_MIN = 0.9;
const CACHE_BYTES = 64 * 1024 * 1024;
const CUSTOMERS = 2_000;
const SEED = 3;
const HOT_SHOES = 100;
const CONNECTIONS = 128;
const FULL = { shoes: 1_000, likes: 400_000, seconds: 6, hotRate: 1_000 };
const QUICK = { shoes: 1_000, likes: 5_000, seconds: 1, hotRate: 100 };

export const likes: Scenario = {
  name: "likes",
  boot: "the shop in production settings on a file, 1,000 shoes, 2,000 customers; it may use all cores",
  load: "POST likes drawn by chance, 128 connections, as fast as it goes; cached related shoes at 1,000/s without and with half of that",
  measures:
    "acknowledged likes per second; p99 of cached answers and the share of browsing from memory meanwhile",
  needsOha: true,
  async *run(bench) {
    const { children, cores, isQuick, say } = bench;
    const { shoes } = isQuick ? QUICK : FULL;
    // Likes change the catalogue, so this one works on a copy.
    const dataDir = await catalogueCopy(shoes, children, say);
    const server = await bootShop(children, {
      dataDir,
      cores: cores.wide,
      cacheBytesMax: CACHE_BYTES,
      env: ADMIN_SETTINGS,
    });
    addCustomers(dataDir, CUSTOMERS);
    const token = await signIn(server);
    const load = likesOf(bench, server.base, token);
    const { perSecond, us } = await sendLikes(bench, load, server.child.pid);
    yield [
      { what: "likes acknowledged", unit: "/s", values: perSecond, target: { atLeast: LIKES_MIN } },
      { what: "  CPU per like, all threads", unit: "us", values: us },
    ];
    yield await disturbHits(bench, server.base, { ...load, rate: Math.floor(Math.min(...perSecond) / 2) });
    yield await browse(bench, server.base, { ...load, rate: Math.floor(Math.min(...perSecond) / 2) });
    const { rows, counted } = countLikes(dataDir);
    if (rows !== counted) throw new Error(`${rows} likes stand, but the shoes count ${counted}`);
    await children.end(server.child);
  },
};

/** Browsing (related shoes, shoes and first pages) while half as many likes come: the share that memory answers. */
async function browse(bench: Bench, base: string, half: Load): Promise<Line[]> {
  const { children, cores, rounds, isQuick, say } = bench;
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
  const shares: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    say(`round ${round + 1} of ${rounds}: browsing while likes come`);
    const before = await readMetrics(base);
    await Promise.all([ohaOf(bench).send(browsing), ohaOf(bench).send({ ...half, seconds: seconds + 1 })]);
    const after = await readMetrics(base);
    shares.push(memoryShare(before, after));
  }
  return [
    {
      what: "share of browsing answered from memory meanwhile",
      unit: "",
      values: shares,
      target: { atLeast: HIT_SHARE_MIN },
    },
  ];
}

function likesOf({ children, cores, isQuick }: Bench, base: string, token: string): Load {
  const { shoes, likes, seconds } = isQuick ? QUICK : FULL;
  const random = randomFrom(SEED);
  const draw = (count: number) => Math.floor(random() * count);
  const paths = Array.from(
    { length: likes },
    () => `/api/shoes/${demoId(1 + draw(shoes))}/likes/${customerId(draw(CUSTOMERS))}`,
  );
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
  const perSecond: number[] = [];
  const us: number[] = [];
  await ohaOf(bench).send({ ...load, seconds: 1 });
  for (let round = 0; round < bench.rounds; round += 1) {
    bench.say(`round ${round + 1} of ${bench.rounds}: likes`);
    const before = cpuUs(pid);
    const run = await ohaOf(bench).send(load);
    us.push((cpuUs(pid) - before) / run.answers);
    perSecond.push(run.perSecond);
  }
  return { perSecond, us };
}

async function disturbHits(bench: Bench, base: string, half: Load): Promise<Line[]> {
  const { children, cores, rounds, isQuick, say } = bench;
  const { seconds, hotRate } = isQuick ? QUICK : FULL;
  const hot: Load = {
    target: { urlsPath: writeUrls(children.folder, "hot", base, relatedPaths(HOT_SHOES), SEED) },
    connections: 8,
    seconds,
    rate: hotRate,
    encoding: "gzip" as const,
    cores: cores.load,
  };
  await ohaOf(bench).send({ ...hot, seconds: 1 });
  const p99Ms: Record<"quiet" | "busy", number[]> = { quiet: [], busy: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const side of turns(["quiet", "busy"] as const, round)) {
      say(`round ${round + 1} of ${rounds}: cached answers, ${side}`);
      const { run } = await ohaOf(bench).measure(hot, async (send) => {
        const beside = { ...half, seconds: seconds + 1 };
        const [hits] = await Promise.all([send(), ...(side === "busy" ? [ohaOf(bench).send(beside)] : [])]);
        return { run: hits };
      });
      p99Ms[side].push(run.p99Ms);
    }
  }
  const { quiet, busy } = p99Ms;
  return [
    {
      what: "cached answers while half as many likes come: p99 grows by",
      unit: "ms",
      values: busy.map((ms, round) => ms - (quiet[round] ?? Number.NaN)),
      target: { atMost: HURT_MS_MAX },
    },
    { what: "  p99 of cached answers, quiet", unit: "ms", values: quiet },
    { what: "  p99 of cached answers, meanwhile", unit: "ms", values: busy },
  ];
}
