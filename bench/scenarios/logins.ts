// Fifty people signing in at once: what it takes in memory, and what it does to cached answers.

import { bootShop, type Server } from "../boot/shop.ts";
import { type Bench, ohaOf, type Scenario } from "../harness/scenario.ts";
import { turns } from "../harness/stats.ts";
import { catalogueCopy } from "../load/catalogue.ts";
import type { Load } from "../load/oha.ts";
import { ADMIN_SETTINGS, SIGN_IN, signIn } from "../load/people.ts";
import { relatedPaths, writeUrls } from "../load/urls.ts";
import { memoryOf } from "../metrics/proc.ts";

const AT_ONCE = 50;
const MEMORY_MIB_MAX = 150;
const HURT_MS_MAX = 10;
const CACHE_BYTES = 64 * 1024 * 1024;
const HOT_SHOES = 100;
const SEED = 5;
const FULL = { shoes: 1_000, seconds: 6, hotRate: 1_000 };
const QUICK = { shoes: 1_000, seconds: 1, hotRate: 100 };

export const logins: Scenario = {
  name: "logins",
  boot: "the shop in production settings, 1,000 shoes; it may use all cores",
  load: "50 connections that sign in, again and again; cached related shoes at 1,000/s without and with them",
  measures: "memory above idle; sign-ins per second; p99 of cached answers, quiet and meanwhile",
  needsOha: true,
  async *run(bench) {
    const { children, cores, isQuick, say } = bench;
    const { shoes } = isQuick ? QUICK : FULL;
    const dataDir = await catalogueCopy(shoes, children, say);
    const server = await bootShop(children, {
      dataDir,
      cores: cores.wide,
      cacheBytesMax: CACHE_BYTES,
      env: ADMIN_SETTINGS,
    });
    const idleMib = memoryOf(server.child.pid).nowMib;
    await signIn(server);
    const { quiet, busy, perSecond } = await inTurns(bench, server);
    yield [
      {
        what: "peak memory above idle while 50 sign in at once",
        unit: "MiB",
        values: [memoryOf(server.child.pid).peakMib - idleMib],
        target: { atMost: MEMORY_MIB_MAX },
      },
      {
        what: "cached answers meanwhile: p99 grows by",
        unit: "ms",
        values: busy.map((ms, round) => ms - (quiet[round] ?? Number.NaN)),
        target: { atMost: HURT_MS_MAX },
      },
      { what: "  p99 of cached answers, quiet", unit: "ms", values: quiet },
      { what: "  p99 of cached answers, meanwhile", unit: "ms", values: busy },
      { what: "  sign-ins", unit: "/s", values: perSecond },
    ];
    await children.end(server.child);
  },
};

async function inTurns(bench: Bench, { base }: Server) {
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
  const signing: Load = {
    target: { url: `${base}/api/auth/login` },
    connections: AT_ONCE,
    seconds: seconds + 1,
    rate: null,
    encoding: "identity" as const,
    post: { body: SIGN_IN },
    cores: cores.load,
  };
  await ohaOf(bench).send({ ...hot, seconds: 1 });
  const seen = { quiet: [] as number[], busy: [] as number[], perSecond: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (const side of turns(["quiet", "busy"] as const, round)) {
      say(`round ${round + 1} of ${rounds}: cached answers, ${side}`);
      const { run } = await ohaOf(bench).measure(hot, async (send) => {
        const [hits, signed] = await Promise.all([
          send(),
          side === "busy" ? ohaOf(bench).send(signing) : null,
        ]);
        if (signed) seen.perSecond.push(signed.perSecond);
        return { run: hits };
      });
      seen[side].push(run.p99Ms);
    }
  }
  return seen;
}
