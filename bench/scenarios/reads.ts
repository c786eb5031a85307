// Every kind of read on one node, with its cache and without, over small and big catalogues.
import { bootShop, CACHE_BYTES, type Server } from "../boot/shop.ts";
import type { Bench, Line, Scenario } from "../harness/scenario.ts";
import { ohaOf } from "../harness/scenario.ts";
import { quantile, randomFrom, written } from "../harness/stats.ts";
import { catalogueOf } from "../load/catalogue.ts";
import type { Load } from "../load/oha.ts";
import {
  atFullSpeed,
  atShares,
  capacityOf,
  type Held,
  howOf,
  type Step,
  type Subject,
} from "../load/steps.ts";
import { writeUrls } from "../load/urls.ts";
import { readMetrics, sumOfMetric } from "../metrics/metrics.ts";
import { cpuUs } from "../metrics/proc.ts";
import { demoShelf, KINDS, type Kind, type Shelf, shelfOf } from "./read-kinds.ts";

const CONNECTIONS = 32;
/** Of a running shop so many shoes are subject for. */
const URL_SHOES = 2_000;
const SAMPLES = 10;
/** So few addresses are each subject for once before, that a cache holds them all. */
const FILLED_MAX = 1_000;
/** At this size latencies are taken too. */
const FULL = { sizes: [1_000, 100_000, 1_000_000], latencySize: 100_000, seconds: 1.5, warmUpSeconds: 3 };
const QUICK = { sizes: [1_000], latencySize: 1_000, seconds: 0.2, warmUpSeconds: 0.1 };

export const reads: Scenario = {
  name: "reads",
  boot: "the shop in production settings on one core, with a cache of 64 MiB and without one; 1,000, 100,000 and 1,000,000 shoes",
  load: "oha, 32 connections: related shoes, items, lists of 20, search, facets, 304; as fast as it goes, and at 100,000 shoes held to 50, 70 and 90 % of that",
  measures: "answers per second, CPU per answer, latencies, who answered",
  needsOha: true,
  canUrl: true,
  async *run(bench) {
    const { children, cores, url } = bench;
    if (url !== null) {
      const shelf = await shelfOf(url, URL_SHOES);
      for (const kind of KINDS.filter(({ isCached }) => isCached))
        yield await measure(bench, kind, { base: url, pid: null, shelf, withLatencies: true });
      return;
    }
    const { sizes, latencySize } = settingsOf(bench);
    for (const shoes of sizes) {
      const dataDir = await catalogueOf(bench, shoes);
      for (const isCached of [true, false]) {
        const cacheBytesMax = isCached ? CACHE_BYTES : 0;
        const { base, child } = await bootShop(children, { dataDir, cores: cores.server, cacheBytesMax });
        const shelf = await demoShelf(base, shoes);
        const shop = { base, pid: child.pid, shelf, withLatencies: shoes === latencySize };
        for (const kind of KINDS.filter((one) => one.isCached === isCached))
          yield await measure(bench, kind, shop);
        await children.end(child);
      }
    }
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** A shop and what it has; `pid` is `null` where it runs elsewhere. */
type Measured = Pick<Server, "base"> & { pid: number | null; shelf: Shelf; withLatencies: boolean };

async function measure(bench: Bench, kind: Kind, shop: Measured): Promise<Line[]> {
  const { seconds, warmUpSeconds } = settingsOf(bench);
  const { base, pid, shelf } = shop;
  const of = `${kind.name}, ${written(shelf.ids.length)} shoes`;
  bench.log(of);
  const paths = kind.paths(shelf, bench.seed);
  const sample = await sampleOf(base, paths, kind, bench.seed);
  const subject: Subject = {
    load: loadOf(bench, base, paths, { kind, etag: sample.etag }),
    cpuUs: pid === null ? null : () => cpuUs(pid),
    layers: pid === null ? null : async () => readLayers(await readMetrics(base)),
  };
  if (kind.isCached && paths.length <= FILLED_MAX)
    for (const path of paths) await (await fetch(base + path)).arrayBuffer();
  await ohaOf(bench).send({ ...subject.load, seconds: warmUpSeconds, rate: null });
  const steps = await atFullSpeed(bench, subject, seconds);
  const held = shop.withLatencies
    ? await atShares(bench, subject, { capacity: capacityOf(steps), seconds })
    : [];
  await sampleOf(base, paths, kind, bench.seed);
  return [
    ...capacityLines(of, shelf, kind, { subject, steps, bytes: sample.bytes }),
    ...held.map((one) => latencyLine(of, kind, { subject, one, bytes: sample.bytes })),
  ];
}

function loadOf(
  { children, cores }: Bench,
  base: string,
  paths: readonly string[],
  { kind, etag }: { kind: Kind; etag: string },
): Subject["load"] {
  const [first = ""] = paths;
  const name = kind.name.replaceAll(/[^a-z0-9]+/gi, "-");
  const target: Load["target"] =
    paths.length === 1
      ? { url: base + first }
      : { urlsPath: writeUrls(children.folder, `reads-${name}`, base, paths, 1) };
  return {
    target,
    connections: CONNECTIONS,
    encoding: kind.encoding,
    cores: cores.load,
    ...(kind.isConditional ? { ifNoneMatch: etag } : {}),
  };
}

/** Asks for a few addresses; throws unless each answer is good and what its kind gives. */
async function sampleOf(
  base: string,
  paths: readonly string[],
  { name, proof, encoding, isConditional }: Kind,
  seed: number,
): Promise<{ bytes: number; etag: string }> {
  const random = randomFrom(seed);
  const bytes: number[] = [];
  let etag = "";
  for (let drawn = 0; drawn < SAMPLES; drawn += 1) {
    const url = base + paths[Math.floor(random() * paths.length)];
    const ask = (accepted: string) =>
      fetch(url, { headers: { "accept-encoding": accepted }, decompress: false });
    const plain = await ask("identity");
    const body: unknown = plain.status === 200 ? await plain.json() : null;
    if (!proof(body))
      throw new Error(`${name}: ${plain.status} with a body that is none of its kind: ${url}`);
    const sent = await ask(encoding);
    bytes.push((await sent.arrayBuffer()).byteLength);
    etag = sent.headers.get("etag") ?? "";
  }
  return { bytes: isConditional ? 0 : quantile(bytes, 0.5), etag };
}

/** Who gave the catalogue's answers since the shop started. */
function readLayers(metrics: string): Record<string, number> {
  const of = (kind: string) => sumOfMetric(metrics, "insole_cache_answers_total", `kind="${kind}"`);
  return { "memory hit": of("hit"), "304": of("not-modified"), computed: of("miss") + of("missing") };
}

function capacityLines(
  of: string,
  { ids }: Shelf,
  { name }: Kind,
  { subject, steps, bytes }: { subject: Subject; steps: Step[]; bytes: number },
): Line[] {
  const how = howOf(subject, null, bytes, steps);
  const at = { series: name, x: ids.length, xUnit: "shoes" };
  const perSecond: Line = {
    what: of,
    unit: "/s",
    values: steps.map(({ run }) => run.perSecond),
    how,
    point: { chart: "answers per second on one core, by size of the catalogue", ...at },
  };
  if (subject.cpuUs === null) return [perSecond];
  return [
    perSecond,
    {
      what: `  CPU per answer: ${of}`,
      unit: "us",
      values: steps.map(({ us }) => us),
      point: { chart: "CPU per answer, by size of the catalogue", ...at },
    },
  ];
}

function latencyLine(
  of: string,
  { name }: Kind,
  { subject, one, bytes }: { subject: Subject; one: Held; bytes: number },
): Line {
  const { share, rate, steps, fault } = one;
  const percent = Math.round(share * 100);
  const told = (pick: (step: Step) => number) => written(quantile(steps.map(pick), 0.5));
  const note = () => `p50 ${told(({ run }) => run.p50Ms)} ms, p95 ${told(({ run }) => run.p95Ms)} ms`;
  return {
    what: `  p99 at ${percent} %: ${of}`,
    unit: "ms",
    values: steps.map(({ run }) => run.p99Ms),
    ...(fault === null ? { note: note() } : { notReached: fault }),
    point: { chart: "p99 by share of the capacity, 100,000 shoes", series: name, x: percent, xUnit: "%" },
    how: howOf(subject, rate, bytes, steps),
  };
}
