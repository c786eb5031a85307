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
  /** Called with the reason when only a restart can help a node; by default throws it. */
  onFatal?(why: string): void;
  /** The serving thread's page cache, in KiB; a file only. */
  readCacheKb?: number;
  /** Bounds of a commit and of a write's wait; by default those for requests. */
  writes?: RemoteOptions;
};

/** The settings that locate the database; on a node `databasePath` is its replica. */
type Location = Pick<Config, "primary" | "databasePath" | "syncIntervalMs">;

/**
 * Opens the database for reads and writes: the file, which it creates and migrates, or a replica that syncs from the
 * primary. Throws an error of one sentence when there is no data to serve.
 */
export async function openDatabase(location: Location, options: OpenOptions): Promise<Topology> {
  const { primary, databasePath } = location;
  if (primary) return openReplica(primary, location, options);
  return openSingle(openMigrated(databasePath, { ...options, writes: withOutageLog(options) }));
}

/** Opens the database for a command that writes a few rows: the file, or the primary itself without a replica. */
export async function openForCommand({ primary, databasePath }: Location): Promise<Database> {
  if (!primary) return openMigrated(databasePath);
  const { openRemote } = await import("../db/server/remote.ts");
  return openRemote({ url: primary.url, authToken: primary.writeToken, ca: primary.ca });
}

function openMigrated(path: string, { log, readCacheKb, writes }: Partial<OpenOptions> = {}): Database {
  preparePrivateFile(path);
  const applied = migrate(path);
  if (applied.length > 0) log?.debug("migrated", { applied });
  return openFile(path, readCacheKb, writes);
}

async function openReplica(
  { url, writeToken, syncToken, ca }: NonNullable<Config["primary"]>,
  { databasePath, syncIntervalMs }: Location,
  { log, onFatal = fail, writes }: OpenOptions,
): Promise<Topology> {
  // Loaded only here: a shop on one machine does not need it.
  const { openNode } = await import("../replicas/node/node.ts");
  return openNode({
    primary: { url, authToken: writeToken, ca },
    syncToken,
    path: databasePath,
    pauseMs: syncIntervalMs,
    onFatal,
    remote: withOutageLog({ log, writes }),
    log: (level, message, facts) => log[level](message, facts),
  });
}

/** The bounds of writes; unless the caller does, the log notes the times in which the machine fails them. */
const withOutageLog = ({
  log,
  writes = {},
}: Pick<OpenOptions, "log"> & { writes?: RemoteOptions | undefined }): RemoteOptions => ({
  onOutage({ isOver, reason, error, sinceMs, writes }) {
    const since = new Date(sinceMs).toISOString();
    if (isOver) log.info("writes succeed again", { reason, since, failed: writes });
    else log.error("the machine fails writes", { reason, error, since, failed: writes });
  },
  ...writes,
});

const fail = (why: string): never => {
  throw new Error(why);
};
