// What can go wrong in the database, in the words of the rules it keeps; the drivers' own errors end here.
import { messageOf } from "./message.ts";

/** Which kind of rule refused, or that the database could not serve now. */
export type DatabaseErrorKind =
  | "unique"
  | "check"
  | "reference"
  | "busy"
  | "overloaded"
  | "closed"
  /** The primary did not answer: nothing was done. */
  | "unreachable"
  /** The commit itself failed: nothing of the group stands. */
  | "failed"
  /** It may have been done or not. */
  | "uncertain"
  | "unknown";

/**
 * A refused or failed statement: `columns` name the broken rule's columns, as `table.column` where the engine says
 * them, and the bare column of a CHECK.
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

// The engine names columns for these; of a CHECK it says the expression, which begins with the column or a function of it.
const COLUMNS =
  /(?:UNIQUE|NOT NULL) constraint failed: ([\w., ]+)|cannot store .* value in \w+ column ([\w.]+)|CHECK constraint failed: (?:\w+\((\w+)\)|(\w+) (?:BETWEEN|IN|>=|=))/;

/** Turns whatever a driver threw into a `DatabaseError`; its message is for the log, not for clients. */
export function toDatabaseError(thrown: unknown): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown;
  const message = messageOf(thrown);
  const kind = KINDS.find(([pattern]) => pattern.test(message))?.[1] ?? "unknown";
  const columns = COLUMNS.exec(message)?.slice(1).find(Boolean)?.split(", ") ?? [];
  return new DatabaseError(kind, message, columns);
}
