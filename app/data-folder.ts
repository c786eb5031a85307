// The folders and files that the shop keeps its data in: made, checked and closed to other users before anything is opened.
import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { closeFolder, keepPrivate, makePrivateFolder, preparePrivateFile } from "../db/private.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";

/** Prepares the data folder and the database's files; throws one sentence when the shop cannot write there. */
export function prepareData({ dataDir, databasePath, jwtSecrets }: Config, log: Log): void {
  keepPrivate();
  if (jwtSecrets.length === 0) prepareFolder(dataDir);
  prepareFolder(dirname(databasePath));
  const readable = preparePrivateFile(databasePath);
  // DATABASE_URL may name a file in a folder of other things, whose mode is not the shop's to change.
  if (!closeFolder(dataDir)) readable.push(dataDir);
  for (const path of readable)
    log.warn("other users can read it and this user cannot change that: set its owner or mode", { path });
}

function prepareFolder(folder: string): void {
  try {
    makePrivateFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch {
    throw new Error(`the data folder ${folder} cannot be written: change its owner or set DATA_DIR`);
  }
}
