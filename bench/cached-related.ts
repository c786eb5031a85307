// Cached related shoes: what a request costs the shop, beside a bare server that gives the same bytes.
import type { Sample } from "./bare.ts";
import { catalogueOf } from "./catalogue.ts";
import type { Load } from "./oha.ts";
import { cpuUs } from "./proc.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "./scenario.ts";
import { bootBare, bootShop, type Server, takeSample } from "./shop.ts";
import { turns } from "./stats.ts";
import { relatedPath } from "./urls.ts";

const CACHE_BYTES = 64 * 1024 * 1024;
const SHOE = 123;
/** The shop may cost a bare server's CPU divided by this. */
const SHARE_OF_BARE = 0.85;
const ENCODINGS = ["gzip", "identity"] as const;
// A round is made of short turns, because this kind of machine changes its speed from one second to the next.
const FULL = { shoes: 10_000, rate: 10_000, turnsOfRound: 4, seconds: 2, warmUpSeconds: 4 };
const QUICK = { shoes: 1_000, rate: 500, turnsOfRound: 1, seconds: 1, warmUpSeconds: 1 };

export const cachedRelated: Scenario = {
  name: "cached-related",
  boot: "the shop in production settings, and a bare Bun.serve with the same bytes and headers, on one core",
  load: "oha, one address, 32 connections, 10,000/s each in turn, gzip and not",
  measures: "server CPU per request, shop / bare",
  needsOha: true,
  async *run(bench) {
    for (const encoding of ENCODINGS) yield await compare(bench, encoding);
  },
};

async function compare(bench: Bench, encoding: (typeof ENCODINGS)[number]): Promise<Line[]> {
  const { children, cores, rounds, isQuick, say } = bench;
  const { shoes, rate, turnsOfRound, seconds, warmUpSeconds } = isQuick ? QUICK : FULL;
  const dataDir = await catalogueOf(shoes, children, say);
  const shop = await bootShop(children, { dataDir, cores: cores.server, cacheBytesMax: CACHE_BYTES });
  const sample = await takeHit(shop, encoding);
  const bare = await bootBare(children, sample, cores.server);
  await expectAlike(bare, sample, encoding);
  const loadOn = ({ base }: Server, forSeconds: number): Load => ({
    ...{ target: { url: base + relatedPath(SHOE) }, connections: 32, seconds: forSeconds, rate, encoding },
    cores: cores.load,
  });
  for (const server of [shop, bare]) await ohaOf(bench).send(loadOn(server, warmUpSeconds));
  const costs = new Map<Server, number[]>([
    [shop, []],
    [bare, []],
  ]);
  for (let round = 0; round < rounds; round += 1) {
    say(`${encoding}, round ${round + 1} of ${rounds}`);
    const spent = new Map([shop, bare].map((server) => [server, { us: 0, answers: 0 }]));
    for (let turn = 0; turn < turnsOfRound; turn += 1) {
      for (const server of turns([shop, bare], round + turn)) {
        const { run, us } = await ohaOf(bench).measure(loadOn(server, seconds), async (send) => {
          const before = cpuUs(server.child.pid);
          const run = await send();
          return { run, us: cpuUs(server.child.pid) - before };
        });
        const sum = spent.get(server);
        if (sum) spent.set(server, { us: sum.us + us, answers: sum.answers + run.answers });
      }
    }
    for (const [server, { us, answers }] of spent) costs.get(server)?.push(us / answers);
  }
  await expectAlike(shop, sample, encoding);
  await Promise.all([children.end(shop.child), children.end(bare.child)]);
  const [ofShop = [], ofBare = []] = [...costs.values()];
  const bytes = Buffer.from(sample.body, "base64").length;
  return [
    {
      what: `CPU per cached request, shop / bare (${encoding}, ${bytes} bytes)`,
      unit: "",
      values: ofShop.map((us, round) => us / (ofBare[round] ?? Number.NaN)),
      target: { atMost: 1 / SHARE_OF_BARE },
    },
    { what: `  the shop (${encoding})`, unit: "us", values: ofShop },
    { what: `  ceiling: bare Bun.serve (${encoding})`, unit: "us", values: ofBare },
  ];
}

/** The answer as it comes from memory: the first one computes it. */
async function takeHit({ base }: Server, encoding: string): Promise<Sample> {
  await takeSample(base + relatedPath(SHOE), encoding);
  const sample = await takeSample(base + relatedPath(SHOE), encoding);
  const status = sample.headers.find(([name]) => name === "cache-status")?.[1] ?? "";
  if (!status.includes("hit"))
    throw new Error(`the answer does not come from memory: cache-status is "${status}"`);
  return sample;
}

/** Both must give the same body and name the same headers, else they are not to be compared. */
async function expectAlike({ base }: Server, sample: Sample, encoding: string): Promise<void> {
  const other = await takeSample(base + relatedPath(SHOE), encoding);
  const names = ({ headers }: Sample) => headers.map(([name]) => name).join(" ");
  if (other.body !== sample.body || names(other) !== names(sample))
    throw new Error("the bare server and the shop do not answer alike");
}
