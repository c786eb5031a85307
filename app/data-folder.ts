// The data folder and the database's files: creates and checks them, and closes them to other users, before they are opened.
import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { closeFolder, keepPrivate, makePrivateFolder, preparePrivateFile } from "../db/private.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";

/** Prepares the data folder and the database's files; throws an error of one sentence when they cannot be written. */
export function prepareData({ dataDir, databasePath, jwtSecrets }: Config, log: Log): void {
  keepPrivate();
  if (jwtSecrets.length === 0) prepareFolder(dataDir);
  prepareFolder(dirname(databasePath));
  const readable = preparePrivateFile(databasePath);
  // Only the data folder: DATABASE_URL may name a file in a folder that other programs share.
  if (!closeFolder(dataDir)) readable.push(dataDir);
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
