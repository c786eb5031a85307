// A condition as a statement: where it does not hold, the whole write is refused and nothing of it stands.
import type { Statement, Value } from "../database.ts";
import { DatabaseError } from "../errors.ts";

/** Refuses the write it stands in unless the SQL condition holds when it is committed. */
export const requires = (condition: string, ...args: Value[]): Statement => ({
  // A second row of `dataset` breaks a rule of that table, on every backing in the same words.
  sql: `INSERT INTO dataset (one, id, generation, created_at) SELECT 2, '', '', 0 WHERE NOT (${condition})`,
  args,
});

/** Whether this is the refusal of an `only`. */
export const isUnmet = (thrown: unknown): boolean =>
  thrown instanceof DatabaseError && thrown.kind === "check" && thrown.columns[0] === "one";
