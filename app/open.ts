// The one place that opens a database: the shop's file, a node's replica, or the primary for commands.
import type { Database } from "../db/database.ts";
import { openFile } from "../db/file.ts";
import { preparePrivateFile } from "../db/private.ts";
import { migrate } from "../db/schema/migrate.ts";
import type { RemoteOptions } from "../db/server/remote.ts";
import { openSingle, type Topology } from "../db/topology.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";

type OpenOptions = {
  log: Log;
  /** Called with the reason when only a restart can help a node; throws it unless given. */
  onFatal?(why: string): void;
  /** The serving thread's page cache, in KiB; a file only. */
  readCacheKb?: number;
  /** How long a commit may take and a write may wait; the bounds for requests when left out. */
  writes?: RemoteOptions;
};

/** Where the database is; on a node `databasePath` is its replica. */
type Location = Pick<Config, "primary" | "databasePath" | "syncIntervalMs">;

/**
 * Opens the database for reads and writes: the file, migrated and created when it is missing, or a replica that is synced
 * from the primary. Throws one sentence when there is nothing to serve.
 */
export async function openDatabase(location: Location, options: OpenOptions): Promise<Topology> {
  const { primary, databasePath } = location;
  if (primary) return openReplica(primary, location, options);
  return openSingle(openMigrated(databasePath, options));
}

/** Opens the database that a command writes a few rows to: the file, or the primary itself, of which nothing is copied. */
export async function openForCommand({ primary, databasePath }: Location): Promise<Database> {
  if (!primary) return openMigrated(databasePath);
  const { openRemote } = await import("../db/server/remote.ts");
  return openRemote({ url: primary.url, authToken: primary.writeToken });
}

function openMigrated(path: string, { log, readCacheKb, writes }: Partial<OpenOptions> = {}): Database {
  preparePrivateFile(path);
  const applied = migrate(path);
  if (applied.length > 0) log?.debug("migrated", { applied });
  return openFile(path, readCacheKb, writes);
}

async function openReplica(
  { url, writeToken, syncToken }: NonNullable<Config["primary"]>,
  { databasePath, syncIntervalMs }: Location,
  { log, onFatal = fail, writes = {} }: OpenOptions,
): Promise<Topology> {
  // Only here: a shop on one machine has no use for it.
  const { openNode } = await import("../replicas/node/node.ts");
  return openNode({
    primary: { url, authToken: writeToken },
    syncToken,
    path: databasePath,
    pauseMs: syncIntervalMs,
    onFatal,
    remote: writes,
    log: (level, message, facts) => log[level](message, facts),
  });
}

const fail = (why: string): never => {
  throw new Error(why);
};
