// A condition as a statement: where it does not hold, the whole write is refused and undone.
import type { Statement, Value } from "../database.ts";
import { DatabaseError } from "../errors.ts";

/** A statement that refuses the write it belongs to unless the SQL condition holds when it is committed. */
export const requires = (condition: string, ...args: Value[]): Statement => ({
  // A second row of `dataset` breaks a CHECK of that table, with the same error on a file, a server and a replica.
  sql: `INSERT INTO dataset (one, id, generation, created_at) SELECT 2, '', '', 0 WHERE NOT (${condition})`,
  args,
});

/** Whether this error is that of a condition in `requires`. */
export const isUnmet = (thrown: unknown): boolean =>
  thrown instanceof DatabaseError && thrown.kind === "check" && thrown.columns[0] === "one";
