// SQL expressions that several rooms share: amounts, times and labels as the API shows them, and bulk writes.
import type { Statement } from "./database.ts";

/** Minor units as an amount in major units: 129.99, and 160 where a plain division would yield 160.0. */
export const moneySql = (cents: string): string =>
  `CASE WHEN ${cents} % 100 = 0 THEN ${cents} / 100 ELSE ${cents} / 100.0 END`;

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export const timeSql = (ms: string): string => `strftime('%Y-%m-%dT%H:%M:%fZ', ${ms} / 1000.0, 'unixepoch')`;

/** The name of the label with this id. */
export const labelSql = (id: string): string => `(SELECT name FROM facets WHERE id = ${id})`;

/** The statements with the change feed's triggers switched off; they must add their own rows to the feed. */
export const bulk = (statements: Statement[]): Statement[] => [
  { sql: "UPDATE dataset SET bulk = 1" },
  ...statements,
  { sql: "UPDATE dataset SET bulk = 0" },
];
