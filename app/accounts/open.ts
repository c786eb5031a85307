// The shop's database for the commands of accounts: migrated, and made when it is not there.
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Database } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/migrate.ts";
import { readConfig } from "../config.ts";

/** Opens the database that these settings name. */
export function openMigrated(env: Record<string, string | undefined>): Database {
  const { databasePath } = readConfig(env);
  mkdirSync(dirname(databasePath), { recursive: true });
  migrate(databasePath);
  return openFile(databasePath);
}
