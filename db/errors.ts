// Errors of the database, named after the rule that was broken; no driver's own error gets past this file.
import { messageOf } from "./message.ts";

/** The kind of rule that was broken, or why the database could not serve. */
export type DatabaseErrorKind =
  | "unique"
  | "check"
  | "reference"
  | "busy"
  | "overloaded"
  | "closed"
  /** The primary did not answer, and nothing was done. */
  | "unreachable"
  /** The commit itself failed, and nothing of the group was done. */
  | "failed"
  /** The machine cannot write, as its message says (a full disk, a read-only file, an I/O error), and nothing was done. */
  | "unwritable"
  /** The outcome is not known: it may have been done. */
  | "uncertain"
  /** The client has gone, and nothing was done for it. */
  | "abandoned"
  | "unknown";

/**
 * A refused or failed statement. `columns` are those of the broken rule, as `table.column` where the engine names the table,
 * and as the bare column for a CHECK.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  constructor(
    readonly kind: DatabaseErrorKind,
    message: string,
    readonly columns: string[] = [],
  ) {
    super(message);
  }
}

const KINDS: [RegExp, DatabaseErrorKind][] = [
  [/UNIQUE constraint failed/, "unique"],
  [/(CHECK|NOT NULL) constraint failed|cannot store .* value in/, "check"],
  [/FOREIGN KEY constraint failed/, "reference"],
  [/database is locked|SQLITE_BUSY|database table is locked/, "busy"],
];

// Of a CHECK the engine names the expression, which begins with the column or with a function of it.
const COLUMNS =
  /(?:UNIQUE|NOT NULL) constraint failed: ([\w., ]+)|cannot store .* value in \w+ column ([\w.]+)|CHECK constraint failed: (?:\w+\((\w+)\)|(\w+) (?:BETWEEN|IN|>=|=))/;

/** Turns anything that a driver threw into a `DatabaseError`. Its message is for the log, not for clients. */
export function toDatabaseError(thrown: unknown): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown;
  const message = messageOf(thrown);
  const kind = KINDS.find(([pattern]) => pattern.test(message))?.[1] ?? "unknown";
  const columns = COLUMNS.exec(message)?.slice(1).find(Boolean)?.split(", ") ?? [];
  return new DatabaseError(kind, message, columns);
}
