// A temporary file that counts the rows per shoe, and parks the rows of a shoe until the last one was read.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "../../db/driver.ts";
import { makePrivateFolder } from "../../db/private.ts";
import type { Handle } from "../../db/read/reader.ts";

/** A row that waits for the other rows of its shoe. */
export type ParkedRow = { file: number; line: number; key: string; cells: Record<string, unknown> };

/** The hash of a key that several rows share, and how many. */
type SharedKey = { hash: number; rows: number };

/** The temporary file of one import. */
export type RowKeys = {
  /** Counts rows, given as the hashes of their keys. */
  count: (hashes: readonly number[]) => void;
  /** Ends the counting; to be called once, before the rows are read again. */
  endCounting: () => void;
  /** Removes all parked rows; to be called before each reading of the rows. */
  restart: () => void;
  /** The number of rows for each of these hashes that has several. */
  shared: (hashes: readonly number[]) => Map<number, number>;
  /** Parks the rows of each hash, and returns the hashes whose rows are now complete. */
  park: (groups: ReadonlyMap<number, readonly ParkedRow[]>) => SharedKey[];
  /** Yields the parked rows of each hash in their order, and removes them. */
  unpark: (complete: readonly SharedKey[]) => Generator<Iterable<ParkedRow>>;
  close: () => void;
};

const NAME = /^import-(\d+)\.tmp$/;
/** Page cache in KiB: the temporary file's share of the memory bound of 300 MB. */
const CACHE_KIB = 12_000;
const PARK_ROWS = 50;
const UNPARK_ROWS = 500;
const SCHEMA = `PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-${CACHE_KIB}; BEGIN;
  CREATE TABLE seen(hash INTEGER NOT NULL);
  CREATE TABLE shared(hash INTEGER PRIMARY KEY, rows INTEGER NOT NULL, parked INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE parked(position INTEGER PRIMARY KEY, hash INTEGER NOT NULL, row TEXT NOT NULL);
  CREATE INDEX parked_by_hash ON parked(hash)`;

/** Opens the temporary file in the data folder, and removes files of imports that are no longer running. */
export function openKeys(dataDir: string): RowKeys {
  makePrivateFolder(dataDir);
  removeStale(dataDir);
  const path = join(dataDir, `import-${process.pid}.tmp`);
  rmSync(path, { force: true });
  const db = new Database(path);
  db.exec(SCHEMA);
  const insertSeen = db.prepare("INSERT INTO seen SELECT value FROM json_each(?)");
  const findShared = db.prepare(
    "SELECT hash, rows FROM shared WHERE hash IN (SELECT value FROM json_each(?))",
  );
  let hasShared = true;
  return {
    count: (hashes) => void insertSeen.run(JSON.stringify(hashes)),
    endCounting: () => {
      db.exec(`INSERT INTO shared(hash, rows) SELECT hash, count(*) FROM seen GROUP BY hash HAVING count(*) > 1;
        DROP TABLE seen`);
      hasShared = db.prepare("SELECT 1 FROM shared LIMIT 1").get() !== undefined;
    },
    restart: () => void db.exec("DELETE FROM parked; UPDATE shared SET parked = 0"),
    shared: (hashes) => {
      if (!hasShared) return new Map();
      const found = findShared.all(JSON.stringify(hashes)) as SharedKey[];
      return new Map(found.map(({ hash, rows }) => [hash, rows]));
    },
    ...createParking(db),
    close: () => {
      db.close();
      rmSync(path, { force: true });
    },
  };
}

function createParking(db: Handle): Pick<RowKeys, "park" | "unpark"> {
  const insertOne = db.prepare("INSERT INTO parked(hash, row) VALUES (?, ?)");
  const insertMany = db.prepare(
    `INSERT INTO parked(hash, row) VALUES ${Array(PARK_ROWS).fill("(?, ?)").join()}`,
  );
  const countParked = db.prepare(
    `UPDATE shared SET parked = parked + added.value ->> 1 FROM json_each(?) AS added
     WHERE hash = CAST(added.value ->> 0 AS INTEGER) RETURNING hash, rows, parked`,
  );
  const findParked = db.prepare(
    "SELECT hash, row FROM parked WHERE hash IN (SELECT value FROM json_each(?)) ORDER BY hash, position",
  );
  const findPage = db.prepare(
    `SELECT position, row FROM parked WHERE hash = CAST(? AS INTEGER) AND position > CAST(? AS INTEGER)
     ORDER BY position LIMIT ${UNPARK_ROWS}`,
  );
  const deleteParked = db.prepare("DELETE FROM parked WHERE hash IN (SELECT value FROM json_each(?))");

  function* readPages(hash: number): Generator<ParkedRow> {
    let last = 0;
    for (;;) {
      const found = findPage.all(hash, last) as { position: number; row: string }[];
      for (const { row } of found) yield JSON.parse(row) as ParkedRow;
      last = found.at(-1)?.position ?? last;
      if (found.length < UNPARK_ROWS) return;
    }
  }

  function readWhole(hashes: readonly number[]): Iterable<ParkedRow[]> {
    const found = findParked.all(JSON.stringify(hashes)) as { hash: number; row: string }[];
    return Map.groupBy(found, ({ hash }) => hash)
      .values()
      .map((rows) => rows.map(({ row }) => JSON.parse(row) as ParkedRow));
  }

  return {
    park: (groups) => {
      if (groups.size === 0) return [];
      const values = [...groups].flatMap(([hash, rows]) =>
        rows.flatMap((row) => [hash, JSON.stringify(row)]),
      );
      let index = 0;
      for (; index + PARK_ROWS * 2 <= values.length; index += PARK_ROWS * 2)
        insertMany.run(...values.slice(index, index + PARK_ROWS * 2));
      for (; index < values.length; index += 2) insertOne.run(values[index], values[index + 1]);
      const counts = [...groups].map(([hash, rows]) => [hash, rows.length]);
      const found = countParked.all(JSON.stringify(counts)) as (SharedKey & { parked: number })[];
      return found.filter(({ rows, parked }) => rows === parked);
    },
    unpark: function* (complete) {
      const small = complete.filter(({ rows }) => rows <= UNPARK_ROWS).map(({ hash }) => hash);
      for (let index = 0; index < small.length; index += UNPARK_ROWS) {
        yield* readWhole(small.slice(index, index + UNPARK_ROWS));
      }
      for (const { hash, rows } of complete) if (rows > UNPARK_ROWS) yield readPages(hash);
      if (complete.length > 0) deleteParked.run(JSON.stringify(complete.map(({ hash }) => hash)));
    },
  };
}

/** A 53-bit hash of a key: collisions are rare, and it is a safe integer in JavaScript. */
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
