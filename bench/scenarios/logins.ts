// Fifty customers who sign in at once: peak memory, and how much they slow cached answers down. Then wrong logins.
import { must } from "../../db/must.ts";
import { bootShop, CACHE_BYTES, type Server } from "../boot/shop.ts";
import { eachRound } from "../harness/rounds.ts";
import type { Bench, Line, Scenario } from "../harness/scenario.ts";
import { catalogueCopy } from "../load/catalogue.ts";
import { disturb, disturbanceLines, hotLoad } from "../load/disturbance.ts";
import { type Flood, guessesChecked, loginDuring, loginMs } from "../load/guesses.ts";
import type { Load } from "../load/oha.ts";
import { ADMIN_SETTINGS, SIGN_IN, signIn } from "../load/people.ts";
import { memoryOf } from "../metrics/proc.ts";

const AT_ONCE = 50;
const MEMORY_MIB_MAX = 150;
const P99_GROWTH_MS_MAX = 10;
const SEED = 5;
const WARM_UP_SECONDS = 1;
const FULL = { shoes: 1_000, seconds: 6, hotRate: 1_000, guesses: 40 };
const QUICK = { shoes: 1_000, seconds: 1, hotRate: 100, guesses: 2 };
const WRONG = 180;
const ADDED_MS_MAX = 1_000;
/** The address of logins that nothing disturbs. */
const QUIET = "203.0.113.1";

export const logins: Scenario = {
  name: "logins",
  boot: "the shop in production settings, 1,000 shoes; it may use all cores",
  load: "50 connections that sign in repeatedly; cached related shoes at 1,000/s without and with them; 180 wrong logins at once and a right one after them; 8 failures and 40 guesses at once",
  measures:
    "memory above idle; sign-ins per second; p99 of cached answers, quiet and meanwhile; how much longer the right login takes; guesses checked per second",
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
    const behindProxy = await bootShop(children, {
      dataDir,
      cores: cores.wide,
      cacheBytesMax: CACHE_BYTES,
      // Wrong logins come from many addresses.
      env: { ...ADMIN_SETTINGS, TRUST_PROXY: "loopback" },
    });
    yield await addedDelays(bench, behindProxy);
    yield await guessLines(bench, behindProxy);
    await children.end(behindProxy.child);
  },
};

/** The floods with addresses of a network that the shop has not seen before. */
const floodsOf = (token: string, network: string): Flood[] => {
  const fromOne = () => `${network}.1`;
  const fromMany = (number: number) => `${network}.${number + 1}`;
  const elsewhere = { address: `${network}.250` };
  const there = { address: fromOne() };
  return [
    { name: "one address at 180 accounts", at: "other accounts", addressOf: fromOne, right: elsewhere },
    { name: "one address at this account", at: "the account", addressOf: fromOne, right: elsewhere },
    { name: "180 addresses at 180 accounts", at: "other accounts", addressOf: fromMany, right: elsewhere },
    { name: "180 addresses at this account", at: "the account", addressOf: fromMany, right: elsewhere },
    { name: "its own address at 180 accounts", at: "other accounts", addressOf: fromOne, right: there },
    {
      name: "its own address at this account, but it has a session",
      at: "the account",
      addressOf: fromOne,
      right: { ...there, token },
    },
  ];
};

/** How much longer a right login takes during wrong ones from other addresses and its own. */
async function addedDelays(bench: Bench, server: Server): Promise<Line[]> {
  const token = await signIn(server);
  let networks = 0;
  const names = floodsOf(token, "").map(({ name }) => name);
  const rounds = await eachRound(bench, "a right login during wrong ones", async () => {
    const added: number[] = [];
    for (const index of names.keys()) {
      networks += 1;
      const flood = floodsOf(token, `198.18.${networks}`)[index];
      const quietMs = await loginMs(server, { address: QUIET });
      added.push((await loginDuring(server, must(flood, "a flood"), WRONG)) - quietMs);
    }
    return added;
  });
  return [
    {
      what: `a right login during ${WRONG} wrong ones: added delay`,
      unit: "ms",
      values: rounds.map((added) => Math.max(...added)),
      target: { atMost: ADDED_MS_MAX },
    },
    ...names.map((name, at) => ({
      what: `  wrong ones from ${name}`,
      unit: "ms",
      values: rounds.map((added) => added[at] ?? Number.NaN),
    })),
  ];
}

/** How fast guesses at one account are checked that come at once after 8 failures. */
async function guessLines(bench: Bench, server: Server): Promise<Line[]> {
  const { guesses } = bench.isQuick ? QUICK : FULL;
  let account = WRONG;
  const rounds = await eachRound(bench, "guesses after 8 failures", () => {
    account += 1;
    return guessesChecked(server, account, guesses);
  });
  return [
    {
      what: `${guesses} guesses at once after 8 failures: checked, by what the throttle promises`,
      unit: "times",
      values: rounds.map(({ perSecond, promisedPerSecond }) => perSecond / promisedPerSecond),
      target: { atMost: 1 },
    },
    { what: "  checked", unit: "/s", values: rounds.map(({ perSecond }) => perSecond) },
  ];
}

const signingIn = ({ cores, isQuick }: Bench, { base }: Server): Load => ({
  target: { url: `${base}/api/auth/login` },
  connections: AT_ONCE,
  seconds: (isQuick ? QUICK : FULL).seconds,
  rate: null,
  encoding: "identity",
  post: { body: SIGN_IN },
  cores: cores.load,
});
