// Cached related shoes: the CPU of a request to the shop, and to a bare server that sends the same bytes.
import { bootBare, bootShop, CACHE_BYTES, type Server, takeSample } from "../boot/shop.ts";
import type { Sample } from "../ceilings/bare.ts";
import { type Bench, type Line, ohaOf, orNotReached, type Scenario } from "../harness/scenario.ts";
import { ratios, written } from "../harness/stats.ts";
import { catalogueOf } from "../load/catalogue.ts";
import {
  atFullSpeed,
  capacityOf,
  howOf,
  inShortTurns,
  SHARES,
  type Step,
  type Subject,
} from "../load/steps.ts";
import { relatedPath } from "../load/urls.ts";
import { cpuUs } from "../metrics/proc.ts";

const SHOE = 123;
const CONNECTIONS = 32;
/** The CPU of a bare server / the CPU of the shop must be at least this. */
const SHARE_OF_BARE = 0.85;
const ENCODINGS = ["gzip", "identity"] as const;
type Encoding = (typeof ENCODINGS)[number];
/** A low load, besides the shares of the capacity. */
const CALM_RATE = 10_000;
const FULL = { shoes: 10_000, calmRate: CALM_RATE, turnsOfRound: 2, seconds: 1.5, warmUpSeconds: 3 };
/** Long enough for several ticks of CPU time (10 ms) on both servers. */
const QUICK = { shoes: 1_000, calmRate: 2_000, turnsOfRound: 1, seconds: 1, warmUpSeconds: 0.5 };

export const cachedRelated: Scenario = {
  name: "cached-related",
  boot: "the shop in production settings, and a bare Bun.serve with the same bytes and headers, on one core",
  load: "oha, one address, 32 connections, gzip and not; to each in turn 10,000/s, then 50, 70 and 90 % of the capacity of the shop",
  measures: "server CPU per request, shop / bare",
  needsOha: true,
  async *run(bench) {
    for (const encoding of ENCODINGS) yield* compare(bench, encoding);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** Both servers with the same bytes and load. */
type Pair = { encoding: Encoding; bytes: number; shop: Subject; bare: Subject };

async function* compare(bench: Bench, encoding: Encoding): AsyncGenerator<Line[]> {
  const { children, cores, log } = bench;
  const { shoes, calmRate, seconds, warmUpSeconds } = settingsOf(bench);
  const dataDir = await catalogueOf(bench, shoes);
  const shop = await bootShop(children, { dataDir, cores: cores.server, cacheBytesMax: CACHE_BYTES });
  const sample = await takeHit(shop, encoding);
  const bare = await bootBare(children, sample, cores.server);
  await expectAlike(bare, sample, encoding);
  const subjectOf = ({ base, child }: Server): Subject => ({
    load: {
      target: { url: base + relatedPath(SHOE) },
      connections: CONNECTIONS,
      encoding,
      cores: cores.load,
    },
    cpuUs: () => cpuUs(child.pid),
    layers: null,
  });
  const bytes = Buffer.from(sample.body, "base64").length;
  const pair: Pair = { encoding, bytes, shop: subjectOf(shop), bare: subjectOf(bare) };
  for (const { load } of [pair.bare, pair.shop])
    await ohaOf(bench).send({ ...load, seconds: warmUpSeconds, rate: null });
  const full = await atFullSpeed(bench, pair.shop, seconds);
  yield [perSecondLine(pair, full)];
  const capacity = capacityOf(full);
  const steps = SHARES.map((share) => ({
    name: `${Math.round(share * 100)} % of its capacity`,
    rate: Math.floor(capacity * share),
  }));
  for (const step of [{ name: `${written(calmRate)}/s`, rate: calmRate }, ...steps]) {
    log(`${encoding}, ${step.name}`);
    const what = `CPU per cached request, shop / bare (${encoding}, ${step.name})`;
    yield await orNotReached({ what, unit: "" }, () => atRate(bench, pair, { ...step, what }));
  }
  await expectAlike(shop, sample, encoding);
  await Promise.all([children.end(shop.child), children.end(bare.child)]);
}

function perSecondLine({ encoding, bytes, shop }: Pair, full: readonly Step[]): Line {
  return {
    what: `cached related, one core (${encoding})`,
    unit: "/s",
    values: full.map(({ run }) => run.perSecond),
    how: howOf(shop, null, bytes, full),
  };
}

/** Both servers at this rate, in turns. */
async function atRate(
  bench: Bench,
  { encoding, bytes, shop, bare }: Pair,
  { what, name, rate }: { what: string; name: string; rate: number },
): Promise<Line[]> {
  const { turnsOfRound, seconds } = settingsOf(bench);
  const rates = await inShortTurns(bench, [shop, bare], { turnsOfRound, seconds, rate });
  const [ofShop = [], ofBare = []] = [...rates.values()].map(({ us }) => us);
  const how = howOf(shop, rate, bytes, []);
  const at = (series: string) => ({
    chart: `CPU per cached request (${encoding})`,
    series,
    x: name,
  });
  return [
    {
      what,
      unit: "",
      how,
      target: { atMost: 1 / SHARE_OF_BARE },
      values: ratios(ofShop, ofBare),
    },
    {
      what: `  the shop (${encoding}, ${name})`,
      unit: "us",
      values: ofShop,
      how,
      point: at("the shop"),
    },
    {
      what: `  ceiling: bare Bun.serve (${encoding}, ${name})`,
      unit: "us",
      values: ofBare,
      how,
      point: at("bare Bun.serve"),
    },
  ];
}

/** The response from memory; the first request computes it. */
async function takeHit({ base }: Server, encoding: string): Promise<Sample> {
  await takeSample(base + relatedPath(SHOE), encoding);
  const sample = await takeSample(base + relatedPath(SHOE), encoding);
  const status = sample.headers.find(([name]) => name === "cache-status")?.[1] ?? "";
  if (!status.includes("hit"))
    throw new Error(`the response does not come from memory: cache-status is "${status}"`);
  return sample;
}

/** Throws unless the response has the same body and the same header names as the sample. */
async function expectAlike({ base }: Server, sample: Sample, encoding: string): Promise<void> {
  const other = await takeSample(base + relatedPath(SHOE), encoding);
  const names = ({ headers }: Sample) => headers.map(([name]) => name).join(" ");
  if (other.body !== sample.body || names(other) !== names(sample))
    throw new Error("the bare server and the shop respond differently");
}
