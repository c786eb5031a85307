// SQL that several rooms write their statements with: amounts, times and labels as the API shows them, and bulk writes.
import type { Statement } from "./database.ts";

/** Minor units as an amount: whole ones as 160, others as 129.99, where SQLite alone would write 160.0. */
export const moneySql = (cents: string): string =>
  `CASE WHEN ${cents} % 100 = 0 THEN ${cents} / 100 ELSE ${cents} / 100.0 END`;

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export const timeSql = (ms: string): string => `strftime('%Y-%m-%dT%H:%M:%fZ', ${ms} / 1000.0, 'unixepoch')`;

/** The name of the label with this id. */
export const labelSql = (id: string): string => `(SELECT name FROM facets WHERE id = ${id})`;

/** The statements with the triggers of the change feed switched off: such a write adds its own rows to the feed. */
export const bulk = (statements: Statement[]): Statement[] => [
  { sql: "UPDATE dataset SET bulk = 1" },
  ...statements,
  { sql: "UPDATE dataset SET bulk = 0" },
];
