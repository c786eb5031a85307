// Counts the rows per shoe in a temporary file, and parks there the rows of a shoe until the last one has come.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";

/** A row that waits for others of the same shoe. */
export type ParkedRow = { file: number; line: number; key: string; cells: Record<string, unknown> };

/** The temporary file of one import. */
export type Keys = {
  /** Counts these rows, given by the hash of their key. */
  count: (hashes: readonly number[]) => void;
  /** Ends the counting; call it once, before the rows are read again. */
  settle: () => void;
  /** How many rows there are for each of these hashes that has several. */
  shared: (hashes: readonly number[]) => Map<number, number>;
  /** Parks rows of one hash and says how many there are now. */
  park: (hash: number, rows: readonly ParkedRow[]) => number;
  /** Hands out the parked rows of a hash in their order and forgets them. */
  unpark: (hash: number) => Generator<ParkedRow>;
  close: () => void;
};

const NAME = /^import-(\d+)\.tmp$/;
/** Page cache in KiB, the share of the temporary file in the memory bound of 300 MB. */
const CACHE_KIB = 12_000;
const UNPARK_ROWS = 200;

/** Opens the temporary file in the data folder, and removes those that dead imports left. */
export function openKeys(dataDir: string): Keys {
  mkdirSync(dataDir, { recursive: true });
  removeStale(dataDir);
  const path = join(dataDir, `import-${process.pid}.tmp`);
  rmSync(path, { force: true });
  const db = new Database(path);
  db.exec(`PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-${CACHE_KIB}; BEGIN;
    CREATE TABLE seen(hash INTEGER NOT NULL);
    CREATE TABLE shared(hash INTEGER PRIMARY KEY, rows INTEGER NOT NULL, parked INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE parked(hash INTEGER NOT NULL, at INTEGER NOT NULL, row TEXT NOT NULL, PRIMARY KEY (hash, at))
      WITHOUT ROWID`);
  const insertSeen = db.prepare("INSERT INTO seen SELECT value FROM json_each(?)");
  const findShared = db.prepare(
    "SELECT hash, rows FROM shared WHERE hash IN (SELECT value FROM json_each(?)) ORDER BY hash",
  );
  const insertParked = db.prepare(
    `INSERT INTO parked SELECT hash, parked + 1, ? FROM shared WHERE hash = CAST(? AS INTEGER)`,
  );
  const countParked = db.prepare(
    "UPDATE shared SET parked = parked + 1 WHERE hash = CAST(? AS INTEGER) RETURNING parked",
  );
  const findParked = db.prepare(
    `SELECT at, row FROM parked WHERE hash = CAST(? AS INTEGER) AND at > CAST(? AS INTEGER)
     ORDER BY at LIMIT ${UNPARK_ROWS}`,
  );
  const deleteParked = db.prepare("DELETE FROM parked WHERE hash = CAST(? AS INTEGER)");
  const resetShared = db.prepare("UPDATE shared SET parked = 0 WHERE hash = CAST(? AS INTEGER)");
  let hasShared = true;

  return {
    count: (hashes) => void insertSeen.run(JSON.stringify(hashes)),
    settle: () => {
      db.exec(`INSERT INTO shared(hash, rows) SELECT hash, count(*) FROM seen GROUP BY hash HAVING count(*) > 1;
        DROP TABLE seen`);
      hasShared = db.prepare("SELECT 1 FROM shared LIMIT 1").get() !== undefined;
    },
    shared: (hashes) => {
      if (!hasShared) return new Map();
      const found = findShared.all(JSON.stringify(hashes)) as { hash: number; rows: number }[];
      return new Map(found.map(({ hash, rows }) => [hash, rows]));
    },
    park: (hash, rows) => {
      let parked = 0;
      for (const row of rows) {
        insertParked.run(JSON.stringify(row), hash);
        parked = (countParked.get(hash) as { parked: number }).parked;
      }
      return parked;
    },
    unpark: function* (hash) {
      let last = 0;
      for (;;) {
        const found = findParked.all(hash, last) as { at: number; row: string }[];
        for (const { row } of found) yield JSON.parse(row) as ParkedRow;
        last = found.at(-1)?.at ?? last;
        if (found.length < UNPARK_ROWS) break;
      }
      deleteParked.run(hash);
      resetShared.run(hash);
    },
    close: () => {
      db.close();
      rmSync(path, { force: true });
    },
  };
}

/** 53 bits of a key: enough that two keys rarely meet, and a whole number in JavaScript. */
export function hashKey(key: string): number {
  return Number(BigInt.asUintN(53, Bun.hash.wyhash(key)));
}

function removeStale(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    const pid = Number(NAME.exec(name)?.[1] ?? Number.NaN);
    if (Number.isInteger(pid) && !isAlive(pid)) rmSync(join(dataDir, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
