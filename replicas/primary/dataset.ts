// The dataset of a primary: created once, checked against its keys before every start, and restored from a copy.
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { openHandle } from "../../db/read/reader.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { hasKeys, makeKeys, readKeys } from "./keys.ts";
import { asUser, type User } from "./users.ts";

/** The folders of sqld's data and of the dataset's keys. */
export type Folders = { data: string; keys: string };

/** The dataset that a database holds, and its generation. */
type Dataset = { id: string; generation: string };

const CACHE_KB = 8_192;
const SQLD_FOLDER = join("dbs", "default");
const REPLACED = "before-restore";
const NEW_GENERATION = "UPDATE dataset SET generation = lower(hex(randomblob(4)))";

/** The path of sqld's database file in its data folder. */
export const databaseFile = (data: string): string => join(data, SQLD_FOLDER, "data");

/**
 * The dataset of the file; undefined where the file is missing, empty, or not a shop's. Another process reads it, because a
 * handle in this one would stay open beside sqld's until its statements are garbage-collected; it runs as `user`, whose file it
 * is. Throws one sentence when the file cannot be read.
 */
export function readDataset(path: string, user?: User): Dataset | undefined {
  if (!existsSync(path) || statSync(path).size === 0) return undefined;
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [...asUser(user), process.execPath, join(import.meta.dir, "dataset-reader.ts"), path],
    { env: {} },
  );
  if (exitCode !== 0) throw new Error(`${path} cannot be read: ${stderr.toString().trim()}`);
  return JSON.parse(stdout.toString()) ?? undefined;
}

/** Returns the dataset of the folders. Throws one sentence when data and keys belong to different datasets. */
export function checkDataset({ data, keys }: Folders, user?: User): Dataset {
  const { datasetId } = readKeys(keys);
  const found = readDataset(databaseFile(data), user);
  if (found?.id === datasetId) return found;
  const what = found ? `the dataset ${found.id}` : "no dataset (id: none)";
  throw new Error(
    `${data} holds ${what}, but ${keys} belongs to the dataset ${datasetId}: name the right folders, or restore a copy with --restore`,
  );
}

/**
 * Creates a dataset and its keys: a copy of the shop's file `from`, or an empty migrated database. Throws one sentence when
 * either folder holds a dataset already, or `from` is not a shop's file.
 */
export function initDataset({ data, keys }: Folders, from?: string): Dataset {
  if (hasKeys(keys))
    throw new Error(`${keys} holds the keys of a dataset already: --init only creates a new one`);
  const path = databaseFile(data);
  if (existsSync(path)) throw new Error(`${data} holds a dataset already: --init only creates a new one`);
  mkdirSync(join(data, SQLD_FOLDER), { recursive: true, mode: 0o700 });
  // Under another name until it is complete: an interrupted init leaves nothing that looks like a dataset.
  const stage = join(data, "making");
  removeDatabase(stage);
  if (from !== undefined) copyAsNewGeneration(from, stage);
  migrate(stage);
  const draft = `${path}.new`;
  removeDatabase(draft);
  // A second copy, because the migrated file may still be open in this process, with a log beside it.
  copyAsNewGeneration(stage, draft);
  removeDatabase(stage);
  const dataset = readDataset(draft);
  if (!dataset) throw new Error(`${data}: the new database has no dataset row`);
  makeKeys(keys, dataset.id);
  renameSync(draft, path);
  removeDatabase(draft);
  return dataset;
}

/**
 * Replaces the data by a copy of `from`, as a new generation and without the old log, with which replicas would silently
 * differ. The data before is kept in `before-restore`, in place of what an earlier restore kept there. Throws one sentence
 * when `from` belongs to another dataset than the keys. Nothing else may use the folder meanwhile.
 */
export function restoreDataset({ data, keys }: Folders, from: string): Dataset {
  const { datasetId } = readKeys(keys);
  const found = readDataset(from);
  if (found?.id !== datasetId)
    throw new Error(
      `${from} holds ${found ? `the dataset ${found.id}` : "no dataset (id: none)"}, but ${keys} belongs to the dataset ${datasetId}`,
    );
  const folder = join(data, SQLD_FOLDER);
  const draft = join(data, "restoring");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  removeDatabase(draft);
  copyAsNewGeneration(from, draft);
  const replaced = join(data, REPLACED);
  rmSync(replaced, { recursive: true, force: true });
  mkdirSync(replaced, { mode: 0o700 });
  for (const name of ["data", "data-wal"])
    if (existsSync(join(folder, name))) renameSync(join(folder, name), join(replaced, name));
  rmSync(folder, { recursive: true });
  mkdirSync(folder, { mode: 0o700 });
  renameSync(draft, databaseFile(data));
  removeDatabase(draft);
  const dataset = readDataset(databaseFile(data));
  if (!dataset) throw new Error(`${data}: the restored database has no dataset row`);
  return dataset;
}

/**
 * Copies a shop's file, which may be in use, as a new generation: versions and caches of the one before are void in it. The copy is
 * in WAL mode: sqld killed while it changes the mode would leave a journal, with which the file cannot be read without writing.
 */
function copyAsNewGeneration(from: string, to: string): void {
  if (!readDataset(from)) throw new Error(`${from} is not a shop's database: it holds no dataset`);
  const source = openHandle(from, CACHE_KB);
  try {
    source.prepare("VACUUM INTO ?").run([to]);
  } finally {
    source.close();
  }
  const copy = openHandle(to, CACHE_KB);
  try {
    copy.exec(`PRAGMA synchronous = FULL; ${NEW_GENERATION}; PRAGMA journal_mode = WAL`);
  } finally {
    copy.close();
  }
  // It holds accounts; the files that SQLite puts beside it get its mode.
  chmodSync(to, 0o600);
}

function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
}
