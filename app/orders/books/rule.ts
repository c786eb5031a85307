// A rule of the books: a sentence, and one query that selects the rows that do not fit.
import type { Row, Value } from "../../../db/database.ts";

/** Runs a query and returns its rows; each query sees one state of the database. */
export type Ask = (sql: string, ...args: Value[]) => Promise<Row[]>;

/** The key by whose ranges a rule is checked, so that each query looks at a bounded part of a large table. */
export type Slices = "orders" | "shoes" | "keys" | "payments" | "mails";

export type Rule = {
  /** The rule as a sentence. */
  sentence: string;
  by: Slices;
  /** Selects a line of text for each row of the slice above ?1, up to ?2, that does not fit; a LIMIT follows. */
  sql: string;
};

/** The orders of a slice, for rules by orders. */
export const IN_SLICE = "o.number > ?1 AND o.number <= ?2";
