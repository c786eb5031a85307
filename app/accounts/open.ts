// The shop's database for the commands of accounts: the file, migrated and made when it is not there, or the primary.
import type { Database } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { preparePrivateFile } from "../../db/private.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { openRemote } from "../../db/server/remote.ts";
import { readConfig } from "../config.ts";

/** Opens the database that these settings name. */
export function openMigrated(env: Record<string, string | undefined>): Database {
  const { databasePath, primary } = readConfig(env);
  if (primary) return openRemote({ url: primary.url, authToken: primary.writeToken });
  preparePrivateFile(databasePath);
  migrate(databasePath);
  return openFile(databasePath);
}
