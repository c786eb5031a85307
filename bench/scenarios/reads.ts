// Every kind of read on one node, with its cache and without, over small and large catalogues.
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
import { type Catalogue, catalogueAt, demoCatalogue, KINDS, type Kind } from "./read-kinds.ts";

const CONNECTIONS = 32;
/** How many shoes of a running shop are requested. */
const URL_SHOES = 2_000;
const SAMPLES = 10;
/** Up to this many addresses are requested once before, so that a cache holds them all. */
const FILLED_MAX = 1_000;
/** Latencies are measured at `latencySize`. */
const FULL = { sizes: [1_000, 100_000, 1_000_000], latencySize: 100_000, seconds: 1.5, warmUpSeconds: 3 };
/** A virtual machine may stand still for 0.2 s, and a run without an answer is invalid. */
const QUICK = { sizes: [1_000], latencySize: 1_000, seconds: 0.6, warmUpSeconds: 0.1 };

export const reads: Scenario = {
  name: "reads",
  boot: "the shop in production settings on one core, with a cache of 64 MiB and without one; 1,000, 100,000 and 1,000,000 shoes",
  load: "oha, 32 connections: related shoes, items, lists of 20, search, facets, 304; as fast as it goes, and at 100,000 shoes held to 50, 70 and 90 % of that",
  measures: "answers per second, CPU per answer, latencies, layers that answered",
  needsOha: true,
  canUrl: true,
  async *run(bench) {
    const { children, cores, url } = bench;
    if (url !== null) {
      const catalogue = await catalogueAt(url, URL_SHOES);
      for (const kind of KINDS.filter(({ isCached }) => isCached))
        yield await measure(bench, kind, { base: url, pid: null, catalogue, withLatencies: true });
      return;
    }
    const { sizes, latencySize } = settingsOf(bench);
    for (const shoes of sizes) {
      const dataDir = await catalogueOf(bench, shoes);
      for (const isCached of [true, false]) {
        const cacheBytesMax = isCached ? CACHE_BYTES : 0;
        const { base, child } = await bootShop(children, { dataDir, cores: cores.server, cacheBytesMax });
        const catalogue = await demoCatalogue(base, shoes);
        const shop = { base, pid: child.pid, catalogue, withLatencies: shoes === latencySize };
        for (const kind of KINDS.filter((one) => one.isCached === isCached))
          yield await measure(bench, kind, shop);
        await children.end(child);
      }
    }
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** A shop and its catalogue; `pid` is `null` where it runs elsewhere. */
type Measured = Pick<Server, "base"> & { pid: number | null; catalogue: Catalogue; withLatencies: boolean };

async function measure(bench: Bench, kind: Kind, shop: Measured): Promise<Line[]> {
  const { seconds, warmUpSeconds } = settingsOf(bench);
  const { base, pid, catalogue } = shop;
  const of = `${kind.name}, ${written(catalogue.ids.length)} shoes`;
  bench.log(of);
  const paths = kind.paths(catalogue, bench.seed);
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
    ...capacityLines(of, catalogue, kind, { subject, steps, bytes: sample.bytes }),
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

/** Requests a few addresses; throws unless each response is one of its kind. */
async function sampleOf(
  base: string,
  paths: readonly string[],
  { name, accepts, encoding, isConditional }: Kind,
  seed: number,
): Promise<{ bytes: number; etag: string }> {
  const random = randomFrom(seed);
  const bytes: number[] = [];
  let etag = "";
  for (let drawn = 0; drawn < SAMPLES; drawn += 1) {
    const url = base + paths[Math.floor(random() * paths.length)];
    const request = (accepted: string) =>
      fetch(url, { headers: { "accept-encoding": accepted }, decompress: false });
    const plain = await request("identity");
    const body: unknown = plain.status === 200 ? await plain.json() : null;
    if (!accepts(body)) throw new Error(`${name}: ${plain.status} with a body of another kind: ${url}`);
    const sent = await request(encoding);
    bytes.push((await sent.arrayBuffer()).byteLength);
    etag = sent.headers.get("etag") ?? "";
  }
  return { bytes: isConditional ? 0 : quantile(bytes, 0.5), etag };
}

/** The layers that answered since the shop started. */
function readLayers(metrics: string): Record<string, number> {
  const of = (kind: string) => sumOfMetric(metrics, "insole_cache_answers_total", `kind="${kind}"`);
  return { "memory hit": of("hit"), "304": of("not-modified"), computed: of("miss") + of("missing") };
}

function capacityLines(
  of: string,
  { ids }: Catalogue,
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
  const medianText = (pick: (step: Step) => number) => written(quantile(steps.map(pick), 0.5));
  const note = () =>
    `p50 ${medianText(({ run }) => run.p50Ms)} ms, p95 ${medianText(({ run }) => run.p95Ms)} ms`;
  return {
    what: `  p99 at ${percent} %: ${of}`,
    unit: "ms",
    values: steps.map(({ run }) => run.p99Ms),
    ...(fault === null ? { note: note() } : { notReached: fault }),
    point: { chart: "p99 by share of the capacity, 100,000 shoes", series: name, x: percent, xUnit: "%" },
    how: howOf(subject, rate, bytes, steps),
  };
}
