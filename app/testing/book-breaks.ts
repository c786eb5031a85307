// Tests of rules of the books: rows are changed in a copy without constraints, and the rule must name them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { openHandle } from "../../db/read/reader.ts";
import type { Rule } from "../orders/books/rule.ts";
import { booksOf } from "./books.ts";
import { type EveryOrder, type Kind, openEveryOrder } from "./every-order.ts";
import { openFolder } from "./shop.ts";

/** A change, and what the rule then says: `#` stands for the number of the kind's order. */
export type Break = { kind: Kind; sql: string; named: string };
/** The changes of each rule, by the beginning of its sentence. */
export type Breaks = Record<string, Break[]>;

export const of = (kind: Kind, sql: string, named: string): Break => ({ kind, sql, named });

const TABLES = [
  "shoes",
  "sizes",
  "stock_taken",
  "users",
  "orders",
  "order_lines",
  "order_history",
  "refunds",
  "refund_lines",
  "payment_requests",
  "payment_events",
  "outbox",
  "idempotency",
  "sandbox_payments",
];
const CACHE_KB = 2_048;

/** Runs statements with the foreign keys off; returns how many rows the last one changed. */
function change(path: string, ...statements: string[]): number {
  const handle = openHandle(path, CACHE_KB);
  handle.exec("PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON");
  const changes = statements.map((sql) => handle.prepare(sql).run([]).changes);
  handle.close();
  return changes.at(-1) ?? 0;
}

/** Copies a database into one whose tables have no constraints and no triggers. */
export function copyLoosely(from: string, to: string): void {
  change(from, `VACUUM INTO '${to}'`);
  const handle = openHandle(to, CACHE_KB);
  const triggers = handle.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").raw(true).all([]);
  handle.close();
  const rebuilt = TABLES.flatMap((name) => [
    `CREATE TABLE loose AS SELECT * FROM ${name}`,
    `DROP TABLE ${name}`,
    `ALTER TABLE loose RENAME TO ${name}`,
  ]);
  change(to, ...(triggers as unknown as [string][]).map(([name]) => `DROP TRIGGER ${name}`), ...rebuilt);
}

/** The rules that no change or several lists of changes belong to, and the lists that belong to no rule. */
export function unmatched(rules: readonly Rule[], breaks: Breaks): string[] {
  const starts = Object.keys(breaks);
  const isOther = (matches: unknown[]) => matches.length !== 1;
  return [
    ...rules.flatMap(({ sentence }) =>
      isOther(starts.filter((start) => sentence.startsWith(start))) ? [sentence] : [],
    ),
    ...starts.filter((start) => isOther(rules.filter(({ sentence }) => sentence.startsWith(start)))),
  ];
}

/** Declares the tests of the changes: the rule of each finds it. */
export function describeBreaks(breaks: Breaks): void {
  const folder = openFolder();
  const loose = join(folder.path, "loose.db");
  let every: EveryOrder;
  beforeAll(async () => {
    every = await openEveryOrder();
    copyLoosely(every.shop.databasePath, loose);
  });
  afterAll(async () => {
    await every.shop.close();
    folder.remove();
  });

  test("before a change the books are right", async () => {
    expect(await booksOf(loose)).toEqual([]);
  });

  const cases = Object.entries(breaks).flatMap(([start, each]) =>
    each.map(({ kind, sql, named }, index) => ({ start, number: index + 1, kind, sql, named })),
  );
  describe("a change is found", () => {
    test.each(cases)("$start ($number)", async ({ start, number, kind, sql, named }) => {
      const path = join(folder.path, `${start} ${number}.db`);
      const textOf = (template: string) => template.replaceAll("#", String(every.numbers[kind]));
      copyFileSync(loose, path);
      expect(change(path, textOf(sql))).toBeGreaterThan(0);
      const rows = (await booksOf(path)).filter((row) => row.startsWith(start));
      expect(rows.join("\n")).toContain(textOf(named));
    });
  });
}
