// The dataset of a primary: made once, known by its id, refused where it is another's, and put back from a copy.
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { openHandle } from "../../db/read/reader.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { hasKeys, makeKeys, readKeys } from "./keys.ts";

/** Where sqld's data and the dataset's keys lie. */
export type Folders = { data: string; keys: string };

/** Who a database is: its dataset, and which life of it. */
export type Dataset = { id: string; generation: string };

const CACHE_KB = 8_192;
const SQLD_FOLDER = join("dbs", "default");
const REPLACED = "before-restore";
const NEW_GENERATION = "UPDATE dataset SET generation = lower(hex(randomblob(4)))";

/** The database file of sqld in its folder. */
export const databaseFile = (data: string): string => join(data, SQLD_FOLDER, "data");

/**
 * Who the file is; undefined when it is not there, empty, or no shop's. Another process reads it: a handle of our own would
 * stay open until its statements are collected, beside sqld's. Throws one sentence when it cannot be read.
 */
export function readDataset(path: string): Dataset | undefined {
  if (!existsSync(path) || statSync(path).size === 0) return undefined;
  const { exitCode, stdout, stderr } = Bun.spawnSync([
    process.execPath,
    join(import.meta.dir, "dataset-reader.ts"),
    path,
  ]);
  if (exitCode !== 0) throw new Error(`${path} cannot be read: ${stderr.toString().trim()}`);
  return JSON.parse(stdout.toString()) ?? undefined;
}

/** Returns the dataset of the folders; throws one sentence when the data is not that of the keys. */
export function checkDataset({ data, keys }: Folders): Dataset {
  const { datasetId } = readKeys(keys);
  const found = readDataset(databaseFile(data));
  if (found?.id === datasetId) return found;
  const what = found ? `the dataset ${found.id}` : "no dataset (id: none)";
  throw new Error(
    `${data} holds ${what}, but ${keys} belongs to the dataset ${datasetId}: name the right folders, or put a copy in place with --restore`,
  );
}

/**
 * Makes a dataset and its keys: a copy of the shop's file `from`, or an empty migrated one. Throws one sentence when either
 * folder holds a dataset already, or `from` is no shop's file.
 */
export function initDataset({ data, keys }: Folders, from?: string): Dataset {
  if (hasKeys(keys))
    throw new Error(`${keys} holds the keys of a dataset already: --init makes a new one only`);
  const path = databaseFile(data);
  if (existsSync(path)) throw new Error(`${data} holds a dataset already: --init makes a new one only`);
  mkdirSync(join(data, SQLD_FOLDER), { recursive: true, mode: 0o700 });
  // Under another name until it is whole: a broken init leaves nothing that looks like a dataset.
  const stage = join(data, "making");
  removeDatabase(stage);
  if (from !== undefined) copyAsNewGeneration(from, stage);
  migrate(stage);
  const draft = `${path}.new`;
  removeDatabase(draft);
  // Another copy: the migrated file is still open here, and has a log of its own beside it.
  copyAsNewGeneration(stage, draft);
  removeDatabase(stage);
  const dataset = readDataset(draft);
  if (!dataset) throw new Error(`${data}: the new database has no dataset row`);
  makeKeys(keys, dataset.id);
  renameSync(draft, path);
  return dataset;
}

/**
 * Puts a copy of `from` in the place of the data, as a new generation and without the old log: with it the replicas would
 * silently differ. What was there before is kept once, in `before-restore`. Throws one sentence when `from` is not of the
 * keys' dataset. Nothing else may use the folder meanwhile.
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
  const dataset = readDataset(databaseFile(data));
  if (!dataset) throw new Error(`${data}: the restored database has no dataset row`);
  return dataset;
}

/** Copies a shop's file, open or not, as the begin of another life: versions and caches of the one before do not count in it. */
function copyAsNewGeneration(from: string, to: string): void {
  if (!readDataset(from)) throw new Error(`${from} is no shop's database: it holds no dataset`);
  const source = openHandle(from, CACHE_KB);
  try {
    source.prepare("VACUUM INTO ?").run([to]);
  } finally {
    source.close();
  }
  const copy = openHandle(to, CACHE_KB);
  try {
    copy.exec(`PRAGMA synchronous = FULL; ${NEW_GENERATION}`);
  } finally {
    copy.close();
  }
}

function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
}
