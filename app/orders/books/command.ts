#!/usr/bin/env bun
// The command `bun run check:books`: proves from the database alone that stock, orders, payments, refunds and mails fit.
import { parseArgs } from "node:util";
import { sentenceOf } from "../../../db/message.ts";
import { readConfig } from "../../config.ts";
import { type Books, checkBooks } from "./books.ts";
import { type Ledger, openFileLedger, openServerLedger } from "./ledger.ts";
import { textOf } from "./summary.ts";

const USAGE = `usage: bun run check:books [<file> | <URL>]

Proves that stock, orders, payments, refunds and mails of a database fit together, without changing it: stock taken is
what orders hold, totals are sums, payments and refunds fit their orders, every order has its history, number and mails.

  <file>       a database file, also one in use, or a backup
  <URL>        a primary, http: or https:, with DATABASE_AUTH_TOKEN
               (default: the database of the settings)
  -h, --help   show this help

Exit codes: 0 the books are right, 1 they are not (each row that does not fit is named), or they could not be read.`;

type CommandIo = {
  env: Readonly<Record<string, string | undefined>>;
  out(line: string): void;
  err(line: string): void;
};

/** Runs the command and returns its exit code. */
export async function booksCommand(args: readonly string[], { env, out, err }: CommandIo): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h" } },
    });
    if (values.help) out(USAGE);
    if (values.help) return 0;
    const [target, ...more] = positionals;
    if (more.length > 0) throw new Error("name one database (-h shows the usage)");
    const ledger = await openLedger(target, env);
    const books = await checkBooks(ledger.ask).finally(ledger.close);
    for (const line of linesOf(books)) out(line);
    return books.broken.length === 0 ? 0 : 1;
  } catch (thrown) {
    err(`check:books: ${sentenceOf(thrown)}`);
    return 1;
  }
}

function openLedger(target: string | undefined, env: CommandIo["env"]): Ledger | Promise<Ledger> {
  const isUrl = target !== undefined && /^https?:/.test(target);
  if (target !== undefined && !isUrl) return openFileLedger(target.replace(/^file:/, ""));
  const { primary, databasePath } = readConfig(isUrl ? { ...env, DATABASE_URL: target } : env);
  if (!primary) return openFileLedger(databasePath);
  const { url, writeToken, ca } = primary;
  return openServerLedger({ url, authToken: writeToken, ca });
}

function linesOf({ broken, summary }: Books): string[] {
  const lines = broken.flatMap(({ rule, rows, hasMore }) => [
    `BROKEN: ${rule.sentence}`,
    ...rows.map((row) => `  ${row}`),
    ...(hasMore ? ["  and more"] : []),
  ]);
  return [
    ...lines,
    `${broken.length === 0 ? "The books are right" : "The books are not right"}: ${textOf(summary)}`,
  ];
}

if (import.meta.main)
  process.exitCode = await booksCommand(process.argv.slice(2), {
    env: process.env,
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  });
