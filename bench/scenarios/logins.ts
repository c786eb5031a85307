// Fifty customers who sign in at once: peak memory, and how much they slow cached answers down.
import { bootShop, CACHE_BYTES, type Server } from "../boot/shop.ts";
import type { Bench, Scenario } from "../harness/scenario.ts";
import { catalogueCopy } from "../load/catalogue.ts";
import { disturb, disturbanceLines, hotLoad } from "../load/disturbance.ts";
import type { Load } from "../load/oha.ts";
import { ADMIN_SETTINGS, SIGN_IN, signIn } from "../load/people.ts";
import { memoryOf } from "../metrics/proc.ts";

const AT_ONCE = 50;
const MEMORY_MIB_MAX = 150;
const P99_GROWTH_MS_MAX = 10;
const SEED = 5;
const WARM_UP_SECONDS = 1;
const FULL = { shoes: 1_000, seconds: 6, hotRate: 1_000 };
const QUICK = { shoes: 1_000, seconds: 1, hotRate: 100 };

export const logins: Scenario = {
  name: "logins",
  boot: "the shop in production settings, 1,000 shoes; it may use all cores",
  load: "50 connections that sign in repeatedly; cached related shoes at 1,000/s without and with them",
  measures: "memory above idle; sign-ins per second; p99 of cached answers, quiet and meanwhile",
  needsOha: true,
  async *run(bench) {
    const { children, cores, isQuick } = bench;
    const { shoes, seconds, hotRate } = isQuick ? QUICK : FULL;
    const dataDir = await catalogueCopy(bench, shoes);
    const server = await bootShop(children, {
      dataDir,
      cores: cores.wide,
      cacheBytesMax: CACHE_BYTES,
      env: ADMIN_SETTINGS,
    });
    const idleMib = memoryOf(server.child.pid).nowMib;
    await signIn(server);
    const hot = hotLoad(bench, server.base, { seconds, rate: hotRate, seed: SEED });
    const disturbance = await disturb(bench, hot, signingIn(bench, server), WARM_UP_SECONDS);
    yield [
      {
        what: "peak memory above idle while 50 sign in at once",
        unit: "MiB",
        values: [memoryOf(server.child.pid).peakMib - idleMib],
        target: { atMost: MEMORY_MIB_MAX },
      },
      ...disturbanceLines("cached answers meanwhile: p99 grows by", disturbance, P99_GROWTH_MS_MAX),
      { what: "  sign-ins", unit: "/s", values: disturbance.beside.map(({ perSecond }) => perSecond) },
    ];
    await children.end(server.child);
  },
};

const signingIn = ({ cores, isQuick }: Bench, { base }: Server): Load => ({
  target: { url: `${base}/api/auth/login` },
  connections: AT_ONCE,
  seconds: (isQuick ? QUICK : FULL).seconds,
  rate: null,
  encoding: "identity",
  post: { body: SIGN_IN },
  cores: cores.load,
});
