// Uncached related shoes of random shoes: how many one core answers.
import { bootBare, bootShop, type Server, takeSample } from "../boot/shop.ts";
import { eachRound, inRounds } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { catalogueOf } from "../load/catalogue.ts";
import type { Load } from "../load/oha.ts";
import { relatedPath, relatedPaths, writeUrls } from "../load/urls.ts";
import { cpuUs, MICROSECONDS } from "../metrics/proc.ts";

const PER_CORE_MIN = 12_000;
const URLS_SEED = 1;
const CONNECTIONS = 32;
const FULL = { shoes: 100_000, seconds: 8, warmUpSeconds: 3 };
const QUICK = { shoes: 1_000, seconds: 1, warmUpSeconds: 1 };
/** The loop may take this much longer than its own time, to start and to end. */
const STATEMENT_GRACE_MS = 30_000;

export const uncachedRelated: Scenario = {
  name: "uncached-related",
  boot: "the shop in production settings without its cache, 100,000 shoes, on one core; a bare Bun.serve",
  load: "oha, every shoe equally likely, 32 connections, as fast as it goes; then the statement alone in a loop",
  measures: "requests per second, CPU per request",
  needsOha: true,
  async *run(bench) {
    const { children, cores, isQuick } = bench;
    const { shoes } = isQuick ? QUICK : FULL;
    const dataDir = await catalogueOf(bench, shoes);
    const shop = await bootShop(children, { dataDir, cores: cores.server, cacheBytesMax: 0 });
    const bare = await bootBare(
      children,
      await takeSample(shop.base + relatedPath(1), "identity"),
      cores.server,
    );
    const values = await sendInTurns(bench, shop, bare, shoes);
    await Promise.all([children.end(shop.child), children.end(bare.child)]);
    const statement = await loopStatement(bench, dataDir, shoes);
    yield linesOf(values, statement);
  },
};

type Values = { perSecond: number[]; us: number[]; p99Ms: number[] };
type Both = { shop: Values; bare: Values };

async function sendInTurns(bench: Bench, shop: Server, bare: Server, shoes: number): Promise<Both> {
  const { children, cores, isQuick } = bench;
  const { seconds, warmUpSeconds } = isQuick ? QUICK : FULL;
  const sides = [
    { name: "shop" as const, server: shop },
    { name: "bare" as const, server: bare },
  ];
  const values: Both = {
    shop: { perSecond: [], us: [], p99Ms: [] },
    bare: { perSecond: [], us: [], p99Ms: [] },
  };
  const loads = sides.map(({ name, server }) => {
    const urlsPath = writeUrls(
      children.folder,
      `related-${name}`,
      server.base,
      relatedPaths(shoes),
      URLS_SEED,
    );
    const load: Load = {
      target: { urlsPath },
      connections: CONNECTIONS,
      seconds,
      rate: null,
      encoding: "identity" as const,
      cores: cores.load,
    };
    return { name, server, load };
  });
  for (const { load } of loads) await ohaOf(bench).send({ ...load, seconds: warmUpSeconds });
  await inRounds(
    bench,
    loads,
    ({ name }) => name,
    async ({ name, server, load }) => {
      const before = cpuUs(server.child.pid);
      const run = await ohaOf(bench).send(load);
      values[name].us.push((cpuUs(server.child.pid) - before) / run.answers);
      values[name].perSecond.push(run.perSecond);
      values[name].p99Ms.push(run.p99Ms);
    },
  );
  return values;
}

async function loopStatement(bench: Bench, dataDir: string, shoes: number): Promise<number[]> {
  const { children, cores, isQuick } = bench;
  const { seconds } = isQuick ? QUICK : FULL;
  const args = ["bench/ceilings/statement.ts", dataDir, String(shoes), String(seconds)];
  return eachRound(bench, "the statement alone", async () => {
    const loop = children.start(args, { cores: cores.server });
    return Number(await children.expectEnd(loop, seconds * 1_000 + STATEMENT_GRACE_MS));
  });
}

const HOW: How = { connections: CONNECTIONS, rate: null, encoding: "identity" };

const linesOf = ({ shop, bare }: Both, statement: number[]): Line[] => {
  const at = (series: string) => ({
    point: { chart: "Uncached related shoes per second of CPU time", series, x: "one core" },
  });
  return [
    {
      what: "uncached related per second, server held to one core",
      unit: "/s",
      how: HOW,
      values: shop.perSecond,
      target: { atLeast: PER_CORE_MIN },
    },
    {
      what: "uncached related per second of CPU time",
      unit: "/s",
      how: HOW,
      ...at("the shop"),
      values: shop.us.map((us) => MICROSECONDS / us),
      target: { atLeast: PER_CORE_MIN },
    },
    { what: "  CPU per request", unit: "us", values: shop.us },
    { what: "  p99 at full load", unit: "ms", values: shop.p99Ms },
    {
      what: "  ceiling: the statement alone per second of CPU time",
      unit: "/s",
      values: statement,
      ...at("the statement alone"),
    },
    { what: "  ceiling: bare Bun.serve per second, one core", unit: "/s", values: bare.perSecond, how: HOW },
    {
      what: "  ceiling: bare Bun.serve per second of CPU time",
      unit: "/s",
      how: HOW,
      values: bare.us.map((us) => MICROSECONDS / us),
      ...at("bare Bun.serve"),
    },
  ];
};
