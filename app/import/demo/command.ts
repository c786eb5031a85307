// The command `bun run demo`: adds a given number of invented shoes to the catalogue.
import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import { sentenceOf } from "../../../db/message.ts";
import { readConfig } from "../../config.ts";
import type { ShoeDraft } from "../../shoes/shoes.ts";
import { openShoeStore } from "../store.ts";
import { demoShoes } from "./demo.ts";
import { DEMO_SHOES } from "./fill.ts";

const USAGE = `usage: bun run demo [--shoes <count>]

Adds invented shoes to the catalogue (default: ${DEMO_SHOES}); demo shoes that exist already stay as they are.`;
const SHOES_MAX = 10_000_000;
const CHUNK_SHOES = 2_000;
/** One chunk is committed while the next is made. */
const CHUNKS_IN_FLIGHT_MAX = 2;

async function fill(count: number): Promise<void> {
  const config = readConfig(process.env);
  const store = await openShoeStore(config, "demo");
  const bar = new SingleBar(
    { format: "{bar} {percentage} % | {value} shoes | {eta_formatted} left" },
    Presets.shades_classic,
  );
  if (process.stderr.isTTY) bar.start(count, 0);
  try {
    const underway: Promise<unknown>[] = [];
    let chunk: ShoeDraft[] = [];
    let added = 0;
    const flush = async () => {
      const drafts = chunk;
      chunk = [];
      if (underway.length >= CHUNKS_IN_FLIGHT_MAX) await underway.shift();
      const saved = store.save(drafts, "skip");
      underway.push(
        saved.then((counts) => {
          added += counts.added;
        }),
      );
      bar.increment(drafts.length);
    };
    for (const draft of demoShoes(count)) {
      chunk.push(draft);
      if (chunk.length === CHUNK_SHOES) await flush();
    }
    await flush();
    await Promise.all(underway);
    await store.finish();
    bar.stop();
    process.stdout.write(`${added} shoes added to ${config.primary?.url ?? config.databasePath}\n`);
  } finally {
    bar.stop();
    await store.close();
  }
}

try {
  const { values } = parseArgs({
    options: { shoes: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  const count = Number(values.shoes ?? DEMO_SHOES);
  if (values.help) process.stdout.write(`${USAGE}\n`);
  else if (!Number.isInteger(count) || count < 1 || count > SHOES_MAX)
    throw new Error(`--shoes ${values.shoes}: must be a whole number from 1 to ${SHOES_MAX}`);
  else await fill(count);
} catch (thrown) {
  process.stderr.write(`demo: ${sentenceOf(thrown)}\n`);
  process.exit(1);
}
