// Brings the schema of a file up to this program, by SQL files that are named by hand, applied once and never changed.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../message.ts";
import { type Handle, openHandle } from "../read/reader.ts";

/** One migration file; `oldestProgram` is the oldest program that may still run on its result. */
export type Migration = {
  number: number;
  name: string;
  sql: string;
  checksum: string;
  oldestProgram: number;
};

const CACHE_KB = 2_048;
/** Bound of the wait for other processes that open the same new file, and the pause between two tries. */
const MODES_MS_MAX = 5_000;
const MODES_PAUSE_MS = 20;
const FOLDER = join(import.meta.dir, "../migrations");

/** Creates the table that lists the migrations applied. */
export const LEDGER = `CREATE TABLE IF NOT EXISTS migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  oldest_program INTEGER NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT`;

/** Reads the migrations of a folder in order; throws when a file is misnamed or lacks its `oldest program` line. */
export function readMigrations(folder = FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name, index) => {
      const sql = readFileSync(join(folder, name), "utf8");
      const number = Number(/^(\d{4})_[a-z_]+\.sql$/.exec(name)?.[1] ?? Number.NaN);
      if (number !== index + 1)
        throw new Error(
          `migration ${name}: expected a name like ${String(index + 1).padStart(4, "0")}_name.sql`,
        );
      const oldestProgram = Number(/^-- oldest program: (\d+)$/m.exec(sql)?.[1] ?? Number.NaN);
      if (!(oldestProgram <= number))
        throw new Error(`migration ${name}: the line "-- oldest program: N" is missing`);
      const checksum = new Bun.CryptoHasher("sha256").update(sql).digest("hex");
      return { number, name, sql, checksum, oldestProgram };
    });
}

/**
 * Applies the missing migrations and returns their names. A file that a newer program has migrated is accepted where the newer
 * migration allows this program. Throws one sentence when a migration was changed, is too new, or fails.
 */
export function migrate(path: string, migrations = readMigrations()): string[] {
  const handle = openHandle(path, CACHE_KB);
  try {
    setModes(handle);
    handle.exec(LEDGER);
    checkApplied(handle.prepare(APPLIED).raw(true).all([]) as Applied[], migrations);
    return migrations.filter((migration) => apply(handle, migration)).map(({ name }) => name);
  } finally {
    handle.close();
  }
}

/** Of two processes that change the mode of a new file at once, SQLite refuses one at once, whatever it would wait. */
function setModes(handle: Handle): void {
  const endAtMs = performance.now() + MODES_MS_MAX;
  for (;;) {
    try {
      handle.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      return;
    } catch (thrown) {
      if (!messageOf(thrown).includes("database is locked") || performance.now() > endAtMs) throw thrown;
      Bun.sleepSync(MODES_PAUSE_MS);
    }
  }
}

/** A row of the ledger: a migration that was applied. */
export type Applied = [number: number, name: string, checksum: string, oldestProgram: number];
/** Selects the migrations applied, in order. */
export const APPLIED = "SELECT number, name, checksum, oldest_program FROM migrations ORDER BY number";

/** Throws one sentence when an applied migration was changed since, or is too new for this program. */
export function checkApplied(applied: Applied[], migrations: Migration[]): void {
  const program = migrations.length;
  for (const [number, name, checksum, oldestProgram] of applied) {
    const known = migrations[number - 1];
    if (known && known.checksum !== checksum)
      throw new Error(`migration ${name} was changed after it had been applied to this database`);
    if (!known && oldestProgram > program)
      throw new Error(`the database was migrated by a newer program (${name}); this one is too old for it`);
  }
}

function apply(handle: Handle, migration: Migration): boolean {
  handle.exec("BEGIN IMMEDIATE");
  try {
    // Read inside the transaction: another process may have applied it meanwhile.
    const done = handle
      .prepare("SELECT 1 FROM migrations WHERE number = ?")
      .raw(true)
      .get([BigInt(migration.number)]);
    if (!done) {
      handle.exec(migration.sql);
      handle
        .prepare("INSERT INTO migrations VALUES (?, ?, ?, ?, ?)")
        .run([
          BigInt(migration.number),
          migration.name,
          migration.checksum,
          BigInt(migration.oldestProgram),
          BigInt(Date.now()),
        ]);
    }
    handle.exec("COMMIT");
    return !done;
  } catch (thrown) {
    if (handle.inTransaction) handle.exec("ROLLBACK");
    throw new Error(`migration ${migration.name} failed: ${messageOf(thrown)}`);
  }
}
