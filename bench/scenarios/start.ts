// Start on existing data: time to the first responses, idle memory, and peak memory under load.
import { must } from "../../db/must.ts";
import { bootShop, CACHE_BYTES, firstAnswer, startShop } from "../boot/shop.ts";
import type { Child } from "../harness/children.ts";
import { type Bench, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { written } from "../harness/stats.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { demoId, relatedPaths, writeUrls } from "../load/urls.ts";
import { memoryOf } from "../metrics/proc.ts";

const START_MS_MAX = 300;
const IDLE_MIB_MAX = 90;
const LOADED_MIB_MAX = 200;
const URLS_SEED = 3;
const FULL = { sizes: [1_000, 100_000], starts: 7, idleSeconds: 5, loadSeconds: 30 };
const QUICK = { sizes: [1_000], starts: 1, idleSeconds: 1, loadSeconds: 2 };

export const start: Scenario = {
  name: "start",
  boot: "the shop in production settings on existing data, 1,000 and 100,000 shoes, seven times",
  load: "the first GET of /health and of a shoe; 5 s idle; then oha for 30 s over the related shoes of every shoe",
  measures:
    "time from exec to the first 200; memory after 5 s; peak memory under load with a cache of 64 MiB",
  needsOha: false,
  async *run(bench) {
    const { sizes } = settingsOf(bench);
    for (const shoes of sizes) yield await startRepeatedly(bench, shoes);
    if (bench.oha === null) bench.log("oha is not installed: memory under load is left out");
    else yield await loadMemory(bench, must(sizes.at(-1), "the greatest size"));
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

async function startRepeatedly(bench: Bench, shoes: number): Promise<Line[]> {
  const { children, cores, log } = bench;
  const { starts, idleSeconds } = settingsOf(bench);
  const dataDir = await catalogueOf(bench, shoes);
  const health: number[] = [];
  const shoe: number[] = [];
  let idleMib = 0;
  for (let time = 1; time <= starts; time += 1) {
    log(`${written(shoes)} shoes: start ${time} of ${starts}`);
    const startedAt = performance.now();
    const server = startShop(children, { dataDir, cores: cores.wide, cacheBytesMax: CACHE_BYTES });
    health.push((await firstAnswer(server, "/health")) - startedAt);
    shoe.push((await firstAnswer(server, `/api/shoes/${demoId(shoes)}`)) - startedAt);
    if (time === starts) idleMib = await idle(server.child, idleSeconds);
    await children.end(server.child);
  }
  const target = { atMost: START_MS_MAX };
  return [
    { what: `start to the first /health, ${written(shoes)} shoes`, unit: "ms", values: health, target },
    { what: `start to the first shoe, ${written(shoes)} shoes`, unit: "ms", values: shoe, target },
    {
      what: `idle memory, ${written(shoes)} shoes`,
      unit: "MiB",
      values: [idleMib],
      target: { atMost: IDLE_MIB_MAX },
    },
  ];
}

/** Memory after some idle seconds. */
async function idle(child: Child, seconds: number): Promise<number> {
  await Bun.sleep(seconds * 1_000);
  return memoryOf(child.pid).nowMib;
}

async function loadMemory(bench: Bench, shoes: number): Promise<Line[]> {
  const { children, cores, log } = bench;
  const { loadSeconds } = settingsOf(bench);
  const dataDir = await catalogueOf(bench, shoes);
  const server = await bootShop(children, { dataDir, cores: cores.wide, cacheBytesMax: CACHE_BYTES });
  const urlsPath = writeUrls(children.folder, "memory", server.base, relatedPaths(shoes), URLS_SEED);
  log(`${written(shoes)} shoes: ${loadSeconds} s of load`);
  const run = await ohaOf(bench).send({
    target: { urlsPath },
    connections: 32,
    seconds: loadSeconds,
    rate: null,
    encoding: "gzip",
    cores: cores.load,
  });
  const { nowMib, peakMib } = memoryOf(server.child.pid);
  await children.end(server.child);
  return [
    {
      what: `peak memory under load, cache of 64 MiB, ${written(shoes)} addresses`,
      unit: "MiB",
      values: [peakMib],
      target: { atMost: LOADED_MIB_MAX },
      note: `${written(nowMib)} MiB at its end, ${written(run.perSecond)} requests/s`,
    },
  ];
}
