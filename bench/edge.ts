// What the shipped configuration costs NGINX: cached and proxied answers beside the barest configuration, with the same bytes.
import { catalogueOf } from "./catalogue.ts";
import { type Barest, bootBarest, bootShipped } from "./nginx-boot.ts";
import type { Load, Run } from "./oha.ts";
import { cpuUs, treeOf } from "./proc.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "./scenario.ts";
import { bootBare, bootShop, type Server, takeSample } from "./shop.ts";
import { turns } from "./stats.ts";
import { relatedPath, relatedPaths, writeUrls } from "./urls.ts";

const HIT_SHARE_MIN = 0.9;
const PROXIED_SHARE_MIN = 0.85;
const HOT_SHOES = 100;
const CONNECTIONS = 64;
const URLS_SEED = 14;
/** Nothing public, so nothing of it is kept. */
const PERSONAL_PATH = "/api/users/me/likes";
// A round is made of short turns, because this kind of machine changes its speed from one second to the next.
const FULL = { shoes: 100_000, turnsOfRound: 4, seconds: 2, warmUpSeconds: 3 };
const QUICK = { shoes: 1_000, turnsOfRound: 1, seconds: 1, warmUpSeconds: 1 };

export const edge: Scenario = {
  name: "edge",
  boot: "NGINX with the shipped configuration, and with the barest one, before the same bare Bun.serve, all on one core",
  load: "oha, 64 connections, gzip, as fast as it goes, each in turn: 100 hot addresses; one that is never kept; 100,000 that are seldom hits",
  measures: "answers per second and per second of NGINX's CPU time, shipped / barest",
  needsOha: true,
  async *run(bench) {
    const { children, cores, isQuick } = bench;
    const upstream = await bootBare(children, await sampleOf(bench), cores.server);
    const options = { upstream, cores: cores.server };
    const shipped = await bootShipped(children, options);
    const barest = await bootBarest(children, options);
    await expectAlike(shipped, barest);
    const { shoes } = isQuick ? QUICK : FULL;
    const hot = await compare(bench, "hot", relatedPaths(HOT_SHOES), shipped, barest.cached);
    yield linesOf("cached answers", hot, HIT_SHARE_MIN);
    const personal = await compare(bench, "personal", [PERSONAL_PATH], shipped, barest.proxied);
    yield linesOf("proxied, never kept", personal, PROXIED_SHARE_MIN);
    const kept = await compare(bench, "kept", relatedPaths(shoes), shipped, barest.cached);
    yield linesOf("  proxied and kept", kept);
    await Promise.all([shipped, barest.cached, upstream].map(({ child }) => children.end(child)));
  },
};

/** What a node answers from memory. */
async function sampleOf({ children, cores, say }: Bench) {
  const dataDir = await catalogueOf(QUICK.shoes, children, say);
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
    if (new Set(bodies).size !== 1) throw new Error(`the two configurations do not answer alike: ${path}`);
  }
}

/** Per round: answers per second, and NGINX's CPU time in us per answer. */
type Seen = { perSecond: number[]; us: number[] };
type Both = { shipped: Seen; barest: Seen };

async function compare(
  bench: Bench,
  name: string,
  paths: readonly string[],
  shipped: Server,
  barest: Server,
): Promise<Both> {
  const { children, cores, rounds, isQuick, say } = bench;
  const { turnsOfRound, seconds, warmUpSeconds } = isQuick ? QUICK : FULL;
  const sides = (
    [
      ["shipped", shipped],
      ["barest", barest],
    ] as const
  ).map(([side, server]) => {
    const urlsPath = writeUrls(children.folder, `${name}-${side}`, server.base, paths, URLS_SEED);
    const load: Load = {
      ...{ target: { urlsPath }, connections: CONNECTIONS, seconds, rate: null },
      ...{ encoding: "gzip", cores: cores.load },
    };
    return { side, server, load };
  });
  for (const { load } of sides) await ohaOf(bench).send({ ...load, seconds: warmUpSeconds });
  const seen: Both = { shipped: { perSecond: [], us: [] }, barest: { perSecond: [], us: [] } };
  for (let round = 0; round < rounds; round += 1) {
    say(`${name}, round ${round + 1} of ${rounds}`);
    const spent = { shipped: noTurns(), barest: noTurns() };
    for (let turn = 0; turn < turnsOfRound; turn += 1)
      for (const { side, server, load } of turns(sides, round + turn)) {
        const before = cpuOf(server);
        const run = await ohaOf(bench).send(load);
        addTurn(spent[side], run, cpuOf(server) - before);
      }
    for (const { side } of sides) {
      const { us, answers, seconds: took } = spent[side];
      seen[side].perSecond.push(answers / took);
      seen[side].us.push(us / answers);
    }
  }
  return seen;
}

const noTurns = () => ({ us: 0, answers: 0, seconds: 0 });

function addTurn(sum: ReturnType<typeof noTurns>, { answers, perSecond }: Run, us: number): void {
  sum.us += us;
  sum.answers += answers;
  sum.seconds += answers / perSecond;
}

/** Of the master and its workers. */
const cpuOf = ({ child }: Server): number => treeOf(child.pid).reduce((sum, { pid }) => sum + cpuUs(pid), 0);

function linesOf(what: string, { shipped, barest }: Both, atLeast?: number): Line[] {
  const target = atLeast === undefined ? {} : { target: { atLeast } };
  const ratio = (above: number[], below: number[]) =>
    above.map((value, round) => value / (below[round] ?? Number.NaN));
  return [
    {
      what: `${what}: per second, shipped / barest`,
      unit: "",
      values: ratio(shipped.perSecond, barest.perSecond),
      ...target,
    },
    {
      what: `${what}: per second of NGINX's CPU time, shipped / barest`,
      unit: "",
      values: ratio(barest.us, shipped.us),
      ...target,
    },
    { what: "  shipped", unit: "/s", values: shipped.perSecond },
    { what: "  barest", unit: "/s", values: barest.perSecond },
    { what: "  NGINX's CPU per answer, shipped", unit: "us", values: shipped.us },
    { what: "  NGINX's CPU per answer, barest", unit: "us", values: barest.us },
  ];
}
