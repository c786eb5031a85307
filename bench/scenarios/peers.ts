// The shop beside three back ends that follow their own documentation, with the same shoes, queries and responses.
import { findPeers, type Peer, type Side, sideOf } from "../boot/peers.ts";
import { bootShop } from "../boot/shop.ts";
import { inRounds } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario, type Target } from "../harness/scenario.ts";
import { median, ratios, written } from "../harness/stats.ts";
import { catalogueOf } from "../load/catalogue.ts";
import type { Load } from "../load/oha.ts";
import { writeUrls } from "../load/urls.ts";
import { parseCacheAnswers, readMetrics, shareBetween } from "../metrics/metrics.ts";
import { peersFileOf } from "../peers/data.ts";
import { KINDS, type Kind, type Query, shopDialect } from "../peers/dialects.ts";
import { expectEqualAnswers, fill, type Lengths, listQueries, sampleOf } from "../peers/equal.ts";

const CONNECTIONS = 32;
const CACHE_BYTES = 128 * 1024 * 1024;
/** Requests at a time while a cache is filled. */
const FILLING_AT_A_TIME = 16;
const FULL = { shoes: 100_000, hotShoes: 2_000, seconds: 2, warmUpSeconds: 1 };
const QUICK = { shoes: 1_000, hotShoes: 100, seconds: 2, warmUpSeconds: 0 };

/** The queries of a side: over the whole catalogue, or over the hot shoes that every cache holds. */
type Pool = "all" | "hot";

const SHOP = "the shop";
const SHOP_CACHED = "the shop, cache";
/** A side of the shop, the side it is compared with, and the targets of their ratio by kind. */
type Pair = { pool: Pool; shop: string; peer: string; targets: Partial<Record<Kind, Target>> };
const PAIRS: readonly Pair[] = [
  { pool: "all", shop: SHOP, peer: "PocketBase", targets: { item: { atLeast: 3 }, list: { atLeast: 5 } } },
  { pool: "all", shop: SHOP, peer: "Fastify", targets: { related: { atLeast: 3 } } },
  { pool: "all", shop: SHOP, peer: "Express", targets: {} },
  { pool: "hot", shop: SHOP_CACHED, peer: "PocketBase", targets: { item: { atLeast: 10 } } },
  { pool: "hot", shop: SHOP_CACHED, peer: "Express, Redis", targets: { item: { atLeast: 10 } } },
  { pool: "hot", shop: SHOP_CACHED, peer: "Fastify, cache", targets: {} },
];

export const peers: Scenario = {
  name: "peers",
  boot: "the shop, Express with PostgreSQL and Redis, Fastify with better-sqlite3, PocketBase: the same 100,000 shoes, on one core",
  load: "oha, an item, a list of 20 with total, related shoes, in turns, 32 connections, as fast as it goes; equal responses are checked first",
  measures: "requests per second and CPU per request, without and with a cache; the shop / each peer",
  needsOha: true,
  async *run(bench) {
    const { children, log } = bench;
    const { shoes, hotShoes } = settingsOf(bench);
    const dataDir = await catalogueOf(bench, shoes);
    const dataPath = await peersFileOf(bench, dataDir);
    const all = findPeers();
    const sides = await bootSides(bench, dataDir, dataPath, all);
    const [shop] = sides;
    if (shop === undefined) throw new Error("the shop did not start");
    const lists = await listQueries(shop.server, shoes);
    log("comparing the responses of all sides");
    const lengths = await expectEqualAnswers(sides, shoes, lists, bench.seed);
    const numbers = Array.from({ length: shoes }, (_, at) => at + 1);
    const hot = sampleOf(numbers, hotShoes, bench.seed);
    const note = missingNote(all);
    for (const kind of KINDS) {
      const of = (numbersOf: number[]): Query[] =>
        kind === "list" ? lists : numbersOf.map((shoe) => ({ kind, shoe }));
      const entries = entriesOf(bench, kind, sides, { all: of(numbers), hot: of(hot) });
      await measure(bench, kind, entries);
      yield linesOf(kind, entries, lengths, note);
    }
    // Servers end first, so that none loses its database.
    await Promise.all(sides.map(({ server }) => children.end(server.child)));
    await children.endAll();
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

const missingNote = (all: readonly Peer[]): string | null => {
  const missing = all.filter((peer) => peer.missing !== null);
  if (missing.length === 0) return null;
  return `without ${missing.map(({ name, missing: what }) => `${name} (${what} is not installed)`).join("; ")}`;
};

/** The shop's sides, then those of the peers that are installed. */
async function bootSides(
  { children, cores: { server: cores }, log }: Bench,
  dataDir: string,
  dataPath: string,
  all: readonly Peer[],
): Promise<Side[]> {
  const off = await bootShop(children, { dataDir, cores, cacheBytesMax: 0 });
  const on = await bootShop(children, { dataDir, cores, cacheBytesMax: CACHE_BYTES });
  const sides: Side[] = [
    sideOf(SHOP, shopDialect, off, [off.child]),
    {
      ...sideOf(SHOP_CACHED, shopDialect, on, [on.child]),
      readHits: async () => parseCacheAnswers(await readMetrics(on.base)),
    },
  ];
  for (const { name, missing } of all)
    if (missing !== null)
      log(`without ${name}: ${missing} is not installed (bench/install-peers installs it)`);
  const installed = all.filter(({ missing }) => missing === null);
  log(`filling and starting ${installed.map(({ name }) => name).join("; ")}`);
  const booted = await Promise.all(installed.map((peer) => peer.boot({ children, dataPath, cores })));
  return [...sides, ...booted.flat()];
}

/** A side with one pool of queries, and its values by round. */
export type Entry = {
  side: Side;
  pool: Pool;
  queries: readonly Query[];
  load: Load;
  perSecond: number[];
  us: number[];
  hitShares: number[];
};

/** Sides without a cache get all shoes, sides with one the hot ones, and PocketBase both. */
function entriesOf(
  { isQuick, children, cores, seed }: Bench,
  kind: Kind,
  sides: readonly Side[],
  pools: Record<Pool, Query[]>,
): Entry[] {
  const { seconds } = isQuick ? QUICK : FULL;
  const entry = (side: Side, pool: Pool): Entry => {
    const name = `peers-${kind}-${pool}-${side.name.replace(/\W+/g, "-").toLowerCase()}`;
    const urlsPath = writeUrls(children.folder, name, side.server.base, pools[pool].map(side.pathOf), seed);
    const load: Load = {
      target: { urlsPath },
      connections: CONNECTIONS,
      seconds,
      rate: null,
      encoding: "identity" as const,
      cores: cores.load,
    };
    return { side, pool, queries: pools[pool], load, perSecond: [], us: [], hitShares: [] };
  };
  // The queries of lists are the same in both pools.
  const isInBothPools = (side: Side) => kind !== "list" && hotPeers.has(side.name) && side.readHits === null;
  return sides.flatMap((side) => [
    entry(side, side.readHits === null ? "all" : "hot"),
    ...(isInBothPools(side) ? [entry(side, "hot")] : []),
  ]);
}

const hotPeers = new Set(PAIRS.filter(({ pool }) => pool === "hot").map(({ peer }) => peer));

async function measure(bench: Bench, kind: Kind, entries: Entry[]): Promise<void> {
  const { isQuick, log } = bench;
  const { warmUpSeconds } = settingsOf(bench);
  if (isQuick) {
    // No line is judged, so the time is saved.
    log(`${kind}: all sides at once`);
    await Promise.all(entries.map((entry) => measureOnce(bench, entry)));
    return;
  }
  for (const { side, load } of entries) {
    log(`${kind}: warm-up, ${side.name}`);
    await ohaOf(bench).send({ ...load, seconds: warmUpSeconds });
  }
  await inRounds(
    bench,
    entries,
    ({ side }) => `${kind}, ${side.name}`,
    (entry) => measureOnce(bench, entry),
  );
}

async function measureOnce(bench: Bench, { side, queries, load, perSecond, us, hitShares }: Entry) {
  // Entries expire after a minute, so the caches are filled before each turn.
  if (side.readHits !== null) await fill(side, queries, FILLING_AT_A_TIME);
  const hitsBefore = await side.readHits?.();
  const before = side.cpuUs();
  const run = await ohaOf(bench).send(load);
  us.push((side.cpuUs() - before) / run.answers);
  perSecond.push(run.perSecond);
  const hitsAfter = await side.readHits?.();
  if (hitsBefore && hitsAfter) hitShares.push(shareBetween(hitsBefore, hitsAfter));
}

const KIND_NAMES: Record<Kind, string> = {
  item: "item",
  list: `list of 20 with total`,
  related: "related shoes",
};

/** The lines of one kind: the ratios, then each side; the note of the first names the peers that are not installed. */
export function linesOf(
  kind: Kind,
  entries: readonly Entry[],
  lengths: Lengths,
  note: string | null,
): Line[] {
  const what = KIND_NAMES[kind];
  const find = (name: string, pool: Pool) =>
    entries.find(({ side, ...entry }) => side.name === name && (entry.pool === pool || kind === "list"));
  const ratios = PAIRS.flatMap((pair): Line[] => {
    const [shop, peer] = [find(pair.shop, pair.pool), find(pair.peer, pair.pool)];
    if (shop === undefined || peer === undefined) return [];
    return [ratioLine(`${what}, cache ${pair.pool === "all" ? "off" : "on"}`, pair, kind, shop, peer)];
  });
  const sides = entries.flatMap((entry) => sideLines(what, kind, entry, lengths));
  const [first, ...others] = [...ratios, ...sides];
  if (first === undefined) return [];
  const notes = [first.note, note].filter((text) => text !== null && text !== undefined).join("; ");
  return [{ ...first, ...(notes === "" ? {} : { note: notes }) }, ...others];
}

/** The rate of the shop / that of the peer, round by round; the note says where the peer is faster. */
function ratioLine(what: string, { targets }: Pair, kind: Kind, shop: Entry, peer: Entry): Line {
  const values = ratios(shop.perSecond, peer.perSecond);
  const target = targets[kind];
  const cpu = median(peer.us) / median(shop.us);
  const wins = median(values) < 1 ? `${peer.side.name} wins; ` : "";
  return {
    what: `${what}: the shop / ${peer.side.name}, requests per second on one core`,
    unit: "times",
    values,
    ...(target === undefined ? {} : { target }),
    note: `${wins}by CPU per request ${written(cpu)} times`,
  };
}

function sideLines(what: string, kind: Kind, entry: Entry, lengths: Lengths): Line[] {
  const { side, pool, perSecond, us, hitShares } = entry;
  const bytes = lengths.get(side)?.get(kind);
  const hits = hitShares.length === 0 ? 0 : median(hitShares);
  const how: How = {
    connections: CONNECTIONS,
    rate: null,
    encoding: "identity",
    ...(bytes === undefined ? {} : { bytes }),
    layers: side.readHits === null ? { computed: 1 } : { [side.hitName]: hits, computed: 1 - hits },
  };
  const isSecond = side.readHits === null && pool === "hot";
  const name = isSecond ? `${side.name}, hot shoes` : side.name;
  const point = { chart: `requests per second on one core: ${kind}`, series: name, x: kind };
  return [
    { what: `  ${what}: ${name}`, unit: "/s", values: perSecond, how, ...(isSecond ? {} : { point }) },
    { what: `  ${what}: ${name}, CPU per request`, unit: "us", values: us },
  ];
}
