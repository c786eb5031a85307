#!/usr/bin/env bun
// The command `bun run mails`: orders, the sender killed meanwhile, and a mail server that fails; does every receipt arrive?
import { parseArgs } from "node:util";
import { sentenceOf } from "../../../db/message.ts";
import { type MailsResult, runMails } from "./mails.ts";

const USAGE = `usage: bun run mails [options]

Customers place orders over HTTP; the process that takes them and sends their mails is killed with SIGKILL meanwhile and
started again, and the mail server (a real one, over SMTP) fails a share of the tries: refuses with 450, 550 and 554, drops
the line in the middle of a mail, stalls, and is away for moments. Checks that every acknowledged order has one receipt and
that it arrived at its customer, that a kill repeats one mail at most, and the books.

  --orders <n>   orders (default 10000)
  --kills <n>    kills (default 10)
  --fail <n>     percent of the tries that fail (default 33)
  --nodes <n>    so many nodes of a primary instead of one process, killed in turn (0 to 12, default 0)
  --short        300 orders, 3 kills
  -h, --help     show this help

Exit codes: 0 everything holds, 1 something does not.`;

const LINES_MAX = 20;

function wholeOf(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max)
    throw new Error(`--${name} is ${text}: it must be a whole number from 0 to ${max}`);
  return value;
}

const quantileOf = (sorted: readonly number[], share: number): string =>
  `${((sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0) / 1_000).toFixed(2)} s`;

/** The result as rows of a name and a value. */
function rowsOf(result: MailsResult): [string, string][] {
  const { acknowledged, repeated, placedAnew, kills, absences, arrived, lost, repeats, parked } = result;
  const all = result.tries.reduce((sum, [, count]) => sum + count, 0);
  const share = (count: number) => `${count} (${((100 * count) / all).toFixed(1)} %)`;
  const failed = result.tries.filter(([behaviour]) => behaviour !== "accept");
  return [
    ["orders acknowledged", String(acknowledged)],
    ["requests repeated, orders placed anew", `${repeated}, ${placedAnew}`],
    ["kills of a sender", String(kills)],
    ["receipts that arrived", String(arrived)],
    ["lost", String(lost)],
    ["arrived again", `${repeats} (at most ${kills})`],
    ["parked", String(parked)],
    ["tries at the mail server", String(all)],
    ["failed by it", share(failed.reduce((sum, [, count]) => sum + count, 0))],
    ...failed.map(([behaviour, count]): [string, string] => [`  ${behaviour}`, share(count)]),
    ["times that it was away", String(absences)],
    ["most tries of a receipt", String(result.triesMax)],
    ["from an order to its receipt, p50", quantileOf(result.delaysMs, 0.5)],
    ["  p99", quantileOf(result.delaysMs, 0.99)],
    ["  longest", quantileOf(result.delaysMs, 1)],
    ["time", `${result.seconds.toFixed(0)} s, ${(arrived / result.seconds).toFixed(0)} receipts/s`],
  ];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      orders: { type: "string" },
      kills: { type: "string" },
      fail: { type: "string", default: "33" },
      nodes: { type: "string", default: "0" },
      short: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) process.stdout.write(`${USAGE}\n`);
  if (values.help) return 0;
  const result = await runMails({
    orders: wholeOf("orders", values.orders ?? (values.short ? "300" : "10000"), 100_000),
    kills: wholeOf("kills", values.kills ?? (values.short ? "3" : "10"), 1_000),
    failShare: wholeOf("fail", values.fail, 90) / 100,
    nodes: wholeOf("nodes", values.nodes, 12),
    progress: (line) => process.stdout.write(`${line}\n`),
  });
  for (const [name, value] of rowsOf(result)) process.stdout.write(`${name.padEnd(40)} ${value}\n`);
  const { trouble } = result;
  for (const line of trouble.slice(0, LINES_MAX)) process.stdout.write(`  ${line}\n`);
  if (trouble.length > LINES_MAX) process.stdout.write(`  and ${trouble.length - LINES_MAX} more\n`);
  process.stdout.write(trouble.length === 0 ? "PASS\n" : "FAIL\n");
  return trouble.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  process.stderr.write(`mails: ${sentenceOf(thrown)}\n`);
  process.exitCode = 1;
}
