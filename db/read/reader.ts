// A plain handle on a file, and reads through statements that are prepared once.
import type { Reader, Row, Value } from "../database.ts";
import Libsql from "../driver.ts";

/** Statement texts that are kept prepared; the program has fewer, so this only bounds a mistake. */
const STATEMENTS_MAX = 500;
const BUSY_TIMEOUT_MS = 5_000;

type Prepared = {
  /** Whether it answers with rows: a SELECT, or a write with RETURNING. */
  reader: boolean;
  get(args: Value[]): Row | undefined;
  all(args: Value[]): Row[];
  run(args: Value[]): { changes: number };
};
/** The driver's own handle on a file. */
export type Handle = InstanceType<typeof Libsql>;

/** Opens a handle on the file; `cacheKb` is SQLite's page cache in KiB. Throws the driver's error. */
export function openHandle(path: string, cacheKb: number): Handle {
  const handle = new Libsql(path, { timeout: BUSY_TIMEOUT_MS });
  handle.exec(`PRAGMA cache_size = -${cacheKb}; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY`);
  return handle;
}

/** Turns whole numbers into integers, because the driver binds every number as REAL; those beyond 2^53 stay REAL. */
export const bind = (args: Value[]): Value[] =>
  args.map((value) => (Number.isSafeInteger(value) ? BigInt(value as number) : value));

/** Returns a function that prepares a statement text of this handle, or finds it prepared. */
export function preparedStatements(handle: Handle): (sql: string) => Prepared {
  const kept = new Map<string, Prepared>();
  return (sql) => {
    const known = kept.get(sql);
    if (known) return known;
    if (kept.size >= STATEMENTS_MAX) kept.clear();
    const prepared = handle.prepare(sql);
    if (prepared.reader) prepared.raw(true);
    kept.set(sql, prepared as unknown as Prepared);
    return prepared as unknown as Prepared;
  };
}

/** Opens a reader on the handle. */
export function openReader(handle: Handle): Reader {
  const prepare = preparedStatements(handle);
  return {
    get: <R extends Row>(sql: string, ...args: Value[]) => prepare(sql).get(bind(args)) as R | undefined,
    all: <R extends Row>(sql: string, ...args: Value[]) => prepare(sql).all(bind(args)) as R[],
  };
}
