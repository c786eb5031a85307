// The traffic mix of an earlier gateway: registrations, browsing, orders and health checks of 50, 100 and 200 users.
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { bootForOrders, type Server } from "../boot/shop.ts";
import {
  type Bench,
  type Line,
  ohaOf,
  orNotReached,
  type Scenario,
  type Target,
} from "../harness/scenario.ts";
import { median, turns } from "../harness/stats.ts";
import { countingBench } from "../load/counting.ts";
import type { Load, Run } from "../load/oha.ts";
import { ORDERS_PATH } from "../load/orders.ts";
import {
  answersText,
  apportion,
  browsingPaths,
  countAccounts,
  errorsIn,
  sumOf,
  withoutRepeats,
  writeRegistrations,
} from "../load/traffic.ts";
import { writeUrls } from "../load/urls.ts";
import { memoryShare, readMetrics } from "../metrics/metrics.ts";
import { expectOrders } from "../metrics/stored-orders.ts";

/** The published requests per second of that gateway, and the share of each kind. */
const PUBLISHED_RATE = 61;
const SHARES = { registration: 0.3, browsing: 0.4, orders: 0.2, health: 0.1 };
/** The rate without registrations, whose password hash is slow on purpose, is this many times higher. */
const TIMES = 20;
const BROWSING_P95_MS_MAX = 20;
const REGISTRATION_P95_MS_MAX = 250;
const SHOES = 1_000;

type Kind = keyof typeof SHARES;
/** How many connections for how long; five rounds add up to the published duration. */
type Shape = { name: "normal" | "stress" | "spike"; users: number; seconds: number };

const SHAPES: readonly Shape[] = [
  { name: "normal", users: 50, seconds: 12 },
  { name: "stress", users: 100, seconds: 24 },
  { name: "spike", users: 200, seconds: 6 },
];
type Settings = { addresses: number; withRegistration: readonly Shape[]; without: readonly Shape[] };
const FULL: Settings = { addresses: 20_000, withRegistration: SHAPES, without: SHAPES };
const QUICK: Settings = {
  addresses: 2_000,
  withRegistration: [{ name: "normal", users: 50, seconds: 1 }],
  without: [{ name: "spike", users: 200, seconds: 1 }],
};

export const mix: Scenario = {
  name: "mix",
  boot: "the shop in production settings on a file, 1,000 shoes, the sandbox gateway; it may use all cores",
  load: "30 % registrations, 40 % browsing, 20 % orders of two lines, 10 % health at 61/s together, from 50 connections, 100 and 200; then without registrations at 1,220/s",
  measures: "errors, and p95 of each kind",
  needsOha: true,
  async *run(given) {
    const { bench, acknowledged } = countingBench(given);
    const { withRegistration, without } = settingsOf(bench);
    const server = await bootForOrders(bench, SHOES);
    const all: Mix = {
      name: "the gateway's mix",
      rate: PUBLISHED_RATE,
      shapes: withRegistration,
      kinds: ["registration", "browsing", "orders", "health"],
    };
    yield* measure(bench, server, all);
    yield* measure(bench, server, {
      name: "the mix without registration",
      rate: PUBLISHED_RATE * TIMES,
      shapes: without,
      kinds: ["browsing", "orders", "health"],
    });
    await bench.children.end(server.child);
    await expectOrders(bench.children, join(server.dataDir, "insole.db"), acknowledged());
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

type Shop = Server & { dataDir: string; bodiesPath: string };
type Mix = { name: string; rate: number; shapes: readonly Shape[]; kinds: readonly Kind[] };
/** One round of a shape: the run of each kind, and the share of browsing answered from memory. */
type Round = { runs: Run[]; fromMemory: number };

async function* measure(bench: Bench, shop: Shop, mix: Mix): AsyncGenerator<Line[]> {
  await ohaOf(bench).send({
    ...partsOf(bench, shop).browsing(),
    connections: 16,
    seconds: 1,
    rate: null,
  });
  const rounds = new Map<Shape, Round[]>(mix.shapes.map((shape) => [shape, []]));
  const notReached = new Map<Shape, Line[]>();
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const shape of turns(mix.shapes, round)) {
      if (notReached.has(shape)) continue;
      bench.log(`round ${round + 1} of ${bench.rounds}: ${mix.name}, ${shape.name}`);
      const what = `${mix.name}, ${shape.name}`;
      const lines = await orNotReached({ what, unit: "" }, async () => {
        must(rounds.get(shape), "the rounds").push(
          await ohaOf(bench).keepRate(mix.rate, () => send(bench, shop, mix, shape)),
        );
        return [];
      });
      if (lines.length > 0) notReached.set(shape, lines);
    }
  }
  for (const shape of mix.shapes)
    yield notReached.get(shape) ?? linesOf(mix, shape, must(rounds.get(shape), "the rounds"));
}

/** Sends all kinds at the same time, and checks that every registration made an account. */
async function send(
  bench: Bench,
  shop: Shop,
  mix: Mix,
  shape: Shape,
): Promise<Round & { run: Pick<Run, "perSecond"> }> {
  const parts = partsOf(bench, shop);
  const loads = planOf(mix, shape.users).map(({ kind, connections, rate }) => ({
    ...parts[kind](),
    connections,
    rate,
    seconds: shape.seconds,
  }));
  const [accounts, metrics] = [countAccounts(shop.dataDir), await readMetrics(shop.base)];
  const runs = (await ohaOf(bench).together(loads)).map((run, at) =>
    mix.kinds[at] === "registration" ? withoutRepeats(run, countAccounts(shop.dataDir) - accounts) : run,
  );
  return { runs, run: sumOf(runs), fromMemory: memoryShare(metrics, await readMetrics(shop.base)) };
}

/** The rate and the connections of each kind. */
export function planOf({ kinds, rate }: Pick<Mix, "kinds" | "rate">, users: number) {
  const shares = kinds.map((kind) => SHARES[kind]);
  const sum = shares.reduce((total, share) => total + share, 0);
  const connections = apportion(users, shares);
  return kinds.map((kind, at) => ({
    kind,
    connections: connections[at] ?? 1,
    rate: Number(((rate * SHARES[kind]) / sum).toFixed(2)),
  }));
}

/** The load of each kind. */
function partsOf({ children, cores, seed, isQuick }: Bench, { base, bodiesPath }: Shop) {
  const { addresses } = isQuick ? QUICK : FULL;
  const { folder } = children;
  const drawn = (name: string, paths: string[]) => ({ urlsPath: writeUrls(folder, name, base, paths, seed) });
  const [gzip, identity] = [
    { encoding: "gzip" as const, cores: cores.load },
    { encoding: "identity" as const, cores: cores.load },
  ];
  return {
    registration: () => ({
      target: { url: `${base}/api/auth/register` },
      post: { bodiesPath: writeRegistrations(folder) },
      ...identity,
    }),
    browsing: () => ({ target: drawn("browsing", browsingPaths(SHOES, addresses, seed)), ...gzip }),
    orders: () => ({ target: { url: base + ORDERS_PATH }, post: { bodiesPath }, ...identity }),
    health: () => ({ target: { url: `${base}/health` }, ...identity }),
  } satisfies Record<Kind, () => Partial<Load>>;
}

const TARGETS: Partial<Record<Kind, Target>> = {
  browsing: { atMost: BROWSING_P95_MS_MAX },
  registration: { atMost: REGISTRATION_P95_MS_MAX },
};

/** The errors of all rounds added up, because a median hides those of one round; then the p95 of each kind. */
function linesOf(mix: Mix, shape: Shape, measured: readonly Round[]): Line[] {
  const runs = measured.flatMap((each) => each.runs);
  const hasRegistration = mix.kinds.includes("registration");
  const isJudged = hasRegistration && shape.name === "normal";
  const memory = median(measured.map(({ fromMemory }) => fromMemory));
  return [
    {
      what: `${mix.name}, ${shape.name} (${shape.users} users): errors in all`,
      unit: "",
      values: [errorsIn(runs)],
      ...(isJudged || !hasRegistration ? { target: { atMost: 0 } } : {}),
      note: answersText(runs),
      how: { connections: shape.users, rate: mix.rate, encoding: "gzip" },
    },
    ...planOf(mix, shape.users).map(({ kind, connections, rate }, at): Line => {
      const target = isJudged ? TARGETS[kind] : undefined;
      return {
        what: `  ${kind}: p95`,
        unit: "ms",
        values: measured.map((each) => each.runs[at]?.p95Ms ?? Number.NaN),
        ...(target ? { target } : {}),
        point: { chart: `${mix.name}: p95 per kind`, series: shape.name, x: kind },
        how: {
          connections,
          rate,
          encoding: kind === "browsing" ? "gzip" : "identity",
          ...(kind === "browsing" ? { layers: { memory, computed: 1 - memory } } : {}),
        },
      };
    }),
  ];
}
