// The cost of the shipped NGINX configuration: cached and proxied responses, beside the barest configuration.
import { type Barest, bootBarest, bootShipped } from "../boot/nginx.ts";
import { bootBare, bootShop, type Server, takeSample } from "../boot/shop.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { ratios } from "../harness/stats.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { inShortTurns, type Rates, type Subject } from "../load/steps.ts";
import { relatedPath, relatedPaths, writeUrls } from "../load/urls.ts";
import { cpuUs, treeOf } from "../metrics/proc.ts";

const HIT_SHARE_MIN = 0.9;
const PROXIED_SHARE_MIN = 0.85;
const HOT_SHOES = 100;
const CONNECTIONS = 64;
const URLS_SEED = 14;
/** A personal path, which the edge never caches. */
const PERSONAL_PATH = "/api/users/me/likes";
const FULL = { shoes: 100_000, turnsOfRound: 4, seconds: 2, warmUpSeconds: 3 };
const QUICK = { shoes: 1_000, turnsOfRound: 1, seconds: 1, warmUpSeconds: 1 };

export const edge: Scenario = {
  name: "edge",
  boot: "NGINX with the shipped configuration, and with the barest one, before the same bare Bun.serve, all on one core",
  load: "oha, 64 connections, gzip, as fast as it goes, each in turn: 100 hot addresses; one that is never cached; 100,000 that are cached and rarely hit",
  measures: "answers per second and per second of NGINX's CPU time, shipped / barest",
  needsOha: true,
  async *run(bench) {
    const { children, cores, isQuick } = bench;
    const sample = await sampleOf(bench);
    const bytes = Buffer.from(sample.body, "base64").length;
    const upstream = await bootBare(children, sample, cores.server);
    const options = { upstream, cores: cores.server, bytes };
    const shipped = await bootShipped(children, options);
    const barest = await bootBarest(children, options);
    await expectAlike(shipped, barest);
    const { shoes } = isQuick ? QUICK : FULL;
    const beside = (server: Server) => ({ shipped, barest: server });
    const hot = await compare(bench, "hot", relatedPaths(HOT_SHOES), {
      ...beside(barest.cached),
      "ceiling: NGINX return": barest.returned,
    });
    yield linesOf("cached answers", bytes, hot, HIT_SHARE_MIN);
    const personal = await compare(bench, "personal", [PERSONAL_PATH], beside(barest.proxied));
    yield linesOf("proxied, never kept", bytes, personal, PROXIED_SHARE_MIN);
    const kept = await compare(bench, "kept", relatedPaths(shoes), beside(barest.cached));
    yield linesOf("proxied and kept", bytes, kept);
    await Promise.all([shipped, barest.cached, upstream].map(({ child }) => children.end(child)));
  },
};

/** A response of a node from memory. */
async function sampleOf(bench: Bench) {
  const { children, cores } = bench;
  const dataDir = await catalogueOf(bench, QUICK.shoes);
  const shop = await bootShop(children, { dataDir, cores: cores.server, cacheBytesMax: 1024 * 1024 });
  const url = shop.base + relatedPath(1);
  await takeSample(url, "gzip");
  const sample = await takeSample(url, "gzip");
  await children.end(shop.child);
  return sample;
}

async function expectAlike(shipped: Server, { cached, proxied }: Barest): Promise<void> {
  for (const path of [relatedPath(1), PERSONAL_PATH]) {
    const bodies = await Promise.all(
      [shipped, cached, proxied].map(async ({ base }) => (await takeSample(base + path, "gzip")).body),
    );
    if (new Set(bodies).size !== 1) throw new Error(`the two configurations respond differently: ${path}`);
  }
}

type Side = Subject & { name: string };

/** Sends the same requests to each server in turn. */
async function compare(
  bench: Bench,
  what: string,
  paths: readonly string[],
  servers: Record<string, Server>,
): Promise<Map<Side, Rates>> {
  const { children, cores, isQuick, log } = bench;
  const { turnsOfRound, seconds, warmUpSeconds } = isQuick ? QUICK : FULL;
  const sides = Object.entries(servers).map(([name, server], at): Side => {
    const urlsPath = writeUrls(children.folder, `${what}-${at}`, server.base, paths, URLS_SEED);
    const load = {
      target: { urlsPath },
      connections: CONNECTIONS,
      encoding: "gzip" as const,
      cores: cores.load,
    };
    return { name, load, cpuUs: () => cpuOf(server), layers: null };
  });
  log(`${what}: ${sides.map(({ name }) => name).join(", ")}`);
  for (const { load } of sides) await ohaOf(bench).send({ ...load, seconds: warmUpSeconds, rate: null });
  return inShortTurns(bench, sides, { turnsOfRound, seconds, rate: null });
}

/** CPU time of the master and its workers. */
const cpuOf = ({ child }: Server): number => treeOf(child.pid).reduce((sum, { pid }) => sum + cpuUs(pid), 0);

function linesOf(what: string, bytes: number, sides: ReadonlyMap<Side, Rates>, atLeast?: number): Line[] {
  const [shipped, barest] = [...sides.values()];
  if (!shipped || !barest) throw new Error("there must be two sides");
  const target = atLeast === undefined ? {} : { target: { atLeast } };
  const how: How = { connections: CONNECTIONS, rate: null, encoding: "gzip", bytes };
  const named = (name: string) => `  ${what}: ${name}`;
  const at = (name: string) => ({ series: name, x: what });
  return [
    {
      what: `${what}: per second, shipped / barest`,
      unit: "",
      how,
      ...target,
      values: ratios(shipped.perSecond, barest.perSecond),
    },
    {
      what: `${what}: per second of NGINX's CPU time, shipped / barest`,
      unit: "",
      how,
      ...target,
      values: ratios(barest.us, shipped.us),
    },
    ...[...sides].flatMap(([{ name }, { perSecond, us }]): Line[] => [
      {
        what: named(name),
        unit: "/s",
        values: perSecond,
        how,
        point: { chart: "Answers per second of NGINX on one core", ...at(name) },
      },
      {
        what: named(`${name}, NGINX's CPU per answer`),
        unit: "us",
        values: us,
        how,
        point: { chart: "NGINX's CPU per answer", ...at(name) },
      },
    ]),
  ];
}
