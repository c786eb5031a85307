#!/usr/bin/env bun
// The command `bun run buyers`: many buyers at once for a hundred pairs, the program killed meanwhile, on one machine.
import { parseArgs } from "node:util";
import { sentenceOf } from "../../../db/message.ts";
import { type BuyersResult, runBuyers } from "./buyers.ts";

const USAGE = `usage: bun run buyers [options]

Many buyers want one pair each of 100 in 4 sizes; the program is killed with SIGKILL while they buy and started again.
Checks that exactly 100 pairs are sold, that no buyer is charged twice or without an order, and the books.

  --buyers <n>   buyers at once (default 2000)
  --kills <n>    kills in each run (default 1)
  --runs <n>     runs, each on a new database (default 3)
  -h, --help     show this help

Exit codes: 0 all runs were right, 1 one was not.`;

function wholeOf(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 10_000)
    throw new Error(`--${name} is ${text}: it must be a whole number from 1 to 10000`);
  return value;
}

const killText = ({ acknowledged, reserved, paid }: BuyersResult["killed"][number]): string =>
  `killed with ${acknowledged} acknowledged, ${paid} paid and ${reserved} only reserved, `;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      buyers: { type: "string", default: "2000" },
      kills: { type: "string", default: "1" },
      runs: { type: "string", default: "3" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) process.stdout.write(`${USAGE}\n`);
  if (values.help) return 0;
  const [buyers, kills, runs] = [
    wholeOf("buyers", values.buyers),
    wholeOf("kills", values.kills),
    wholeOf("runs", values.runs),
  ];
  let failed = 0;
  for (let run = 1; run <= runs; run += 1) {
    const { acknowledged, outOfStock, repeated, placedAnew, killed, seconds, trouble } = await runBuyers({
      buyers,
      kills,
      skipsLeases: false,
    });
    const facts =
      `${acknowledged} orders acknowledged, ${outOfStock} out of stock, ${repeated} requests repeated, ` +
      `${placedAnew} placed anew, ${killed.map(killText).join("")}${seconds.toFixed(1)} s`;
    process.stdout.write(`${trouble.length === 0 ? "PASS" : "FAIL"} run ${run}: ${facts}\n`);
    for (const line of trouble.slice(0, 20)) process.stdout.write(`  ${line}\n`);
    if (trouble.length > 0) failed += 1;
  }
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  process.stderr.write(`buyers: ${sentenceOf(thrown)}\n`);
  process.exitCode = 1;
}
