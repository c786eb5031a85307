// The data folder and the database's files: creates and checks them, and closes them to other users, before they are opened.
import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { closeFolder, keepPrivate, makePrivateFolder, preparePrivateFile } from "../db/private.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";

/** The files and folders that the shop and its commands create in a data folder. */
const OWN_NAMES =
  /^(insole\.db|replica\.db|jwt-secret|import-\d+\.tmp$|client$|cluster$|mail(-preview)?$|primary)|\.rejects\.ndjson$/;

/** Prepares the data folder and the database's files; throws an error of one sentence when they cannot be written. */
export function prepareData({ dataDir, databasePath, jwtSecrets }: Config, log: Log): void {
  keepPrivate();
  if (jwtSecrets.length === 0) prepareFolder(dataDir);
  prepareFolder(dirname(databasePath));
  const readable = preparePrivateFile(databasePath);
  // A folder that holds anything else may be another program's: DATA_DIR=/var/lib must not close that.
  if (existsSync(dataDir) && !closeFolder(dataDir, OWN_NAMES)) readable.push(dataDir);
  for (const path of readable)
    log.warn("other users can read the file and this user cannot change its mode: set its owner or mode", {
      path,
    });
}

function prepareFolder(folder: string): void {
  try {
    makePrivateFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch {
    throw new Error(`the data folder ${folder} cannot be written: change its owner or set DATA_DIR`);
  }
}
