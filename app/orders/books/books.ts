// Checks the books: every rule over the whole database, slice by slice, and what the orders come to.
import type { Value } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import type { Ask, Rule, Slices } from "./rule.ts";
import { MAIL_RULES } from "./rules/mail-rules.ts";
import { ORDER_RULES } from "./rules/order-rules.ts";
import { OUTBOX_RULES } from "./rules/outbox-rules.ts";
import { PAYMENT_RULES } from "./rules/payment-rules.ts";
import { STOCK_RULES } from "./rules/stock-rules.ts";
import { addMails, addSlice, emptySummary, type Summary } from "./summary.ts";

/** A rule that rows do not fit: some of them, each as a line of text, and whether there are more. */
export type Broken = { rule: Rule; rows: string[]; hasMore: boolean };

export type Books = { broken: Broken[]; summary: Summary };

export const RULES: readonly Rule[] = [
  ...STOCK_RULES,
  ...ORDER_RULES,
  ...PAYMENT_RULES,
  ...MAIL_RULES,
  ...OUTBOX_RULES,
];

/** Rows of a table in a slice: a query of them takes some ten milliseconds. */
const SLICE_ROWS = 20_000;
/** Rows that are named for each rule. */
export const NAMED_MAX = 50;

/** The table and key that slices follow. Rows whose key lies between or behind are in a slice, too. */
const KEYS: Record<Slices, { table: string; key: string; first: Value; last: Value }> = {
  orders: { table: "orders", key: "number", first: 0, last: Number.MAX_SAFE_INTEGER },
  shoes: { table: "shoes", key: "id", first: 0, last: Number.MAX_SAFE_INTEGER },
  keys: { table: "idempotency", key: "user_id", first: "", last: "\u{10ffff}" },
  payments: { table: "sandbox_payments", key: "id", first: "", last: "\u{10ffff}" },
  mails: { table: "outbox", key: "seq", first: 0, last: Number.MAX_SAFE_INTEGER },
};

/** Checks all rules. Memory is bounded by a slice. Rejects with the database's error. */
export async function checkBooks(ask: Ask): Promise<Books> {
  const found = new Map(RULES.map((rule): [Rule, string[]] => [rule, []]));
  const summary = emptySummary();
  for (const by of Object.keys(KEYS) as Slices[]) {
    const rules = RULES.filter((rule) => rule.by === by);
    for await (const slice of slicesOf(ask, by)) {
      for (const rule of rules) {
        const rows = must(found.get(rule), "the rows of a rule");
        const left = NAMED_MAX + 1 - rows.length;
        if (left > 0)
          rows.push(...(await ask(`${rule.sql} LIMIT ?3`, ...slice, left)).map(([text]) => String(text)));
      }
      if (by === "orders") await addSlice(ask, summary, slice);
      if (by === "mails") await addMails(ask, summary, slice);
    }
  }
  const broken = [...found]
    .filter(([, rows]) => rows.length > 0)
    .map(([rule, rows]) => ({ rule, rows: rows.slice(0, NAMED_MAX), hasMore: rows.length > NAMED_MAX }));
  return { broken, summary };
}

/** The slices of a table, each above its first value and up to its second; the last one ends behind all rows. */
async function* slicesOf(ask: Ask, by: Slices): AsyncGenerator<[Value, Value]> {
  const { table, key, first, last } = KEYS[by];
  const next = `SELECT max(${key}) FROM (SELECT ${key} FROM ${table} WHERE ${key} > ?1 ORDER BY ${key} LIMIT ?2)`;
  for (let from = first; ; ) {
    const [row] = await ask(next, from, SLICE_ROWS);
    const to = row?.[0] ?? null;
    yield [from, to ?? last];
    if (to === null) return;
    from = to;
  }
}
