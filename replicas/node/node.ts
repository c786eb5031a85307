// A node of the cluster: reads from its own replica; writes, and reads with `onPrimary`, go to the primary.
import type { Database } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { preparePrivateFile } from "../../db/private.ts";
import { readMigrations } from "../../db/schema/migrate.ts";
import type { Server } from "../../db/server/pipeline.ts";
import { openRemote, type RemoteOptions } from "../../db/server/remote.ts";
import type { Topology } from "../../db/topology.ts";
import { datasetOfToken, storedDataset } from "../dataset.ts";
import { type Files, openFiles } from "./files.ts";
import { type CopySchedule, goodCopyAtMs, openCopySchedule } from "./good-copy.ts";
import { lockReplica } from "./lock.ts";
import type { NodeLog } from "./log.ts";
import { schemaTrouble } from "./schema-fit.ts";
import { openSync, type Sync } from "./sync.ts";
import { openTokenWatch, type TokenWatch } from "./tokens.ts";
import { isAsNew, openWaiters, type Waiters } from "./waiters.ts";

export type NodeOptions = {
  /** The primary, with the token that may write. */
  primary: Server;
  /** The token that the replica is synced with: it may only read. */
  syncToken: string;
  /** The replica's file; its folder is created. */
  path: string;
  /** The pause between two syncs while changes come. */
  pauseMs: number;
  log: NodeLog;
  /** Called when only a restart of the process can help. */
  onFatal(why: string): void;
  remote?: RemoteOptions;
  /** The start fails when there is nothing to serve after this time. */
  startMs?: number;
  /** The clock by which the lag is measured, in milliseconds since 1970. */
  now?: () => number;
};

const START_MS = 120_000;
/** A node that lags behind by more than this is not ready. */
const LAG_MS_MAX = 10_000;

/**
 * Opens the node; resolves when it has a replica or a good copy to serve. Throws one sentence when another process has the
 * replica, or there is nothing to serve in time.
 */
export async function openNode(options: NodeOptions): Promise<Topology> {
  // Every replica holds personal rows.
  for (const path of preparePrivateFile(options.path))
    options.log("warn", "other users can read the replica and this user cannot change that", { path });
  const lock = lockReplica(options.path);
  try {
    return await start(options, lock.unlock);
  } catch (thrown) {
    lock.unlock();
    throw thrown;
  }
}

async function start(options: NodeOptions, unlock: () => void): Promise<Topology> {
  const { path, primary, syncToken, pauseMs, log, startMs = START_MS } = options;
  const dataset = datasetOfToken(syncToken) ?? datasetOfToken(primary.authToken) ?? storedDataset(path);
  const files = openFiles(path, dataset);
  const waiters = openWaiters();
  let onNews = (): void => {};
  let onReached = (): void => {};
  const first = Promise.withResolvers<void>();
  if (files.isServing()) first.resolve();

  const sync = await openSync({
    path,
    pauseMs,
    log,
    dataset: files.dataset(),
    server: { url: primary.url, ca: primary.ca, authToken: syncToken },
    onSynced(hasNews) {
      if (hasNews || files.isGoodCopy() || !files.isServing()) {
        if (!files.refresh()) log("error", "a foreign dataset got into the replica, which is not served");
        onNews();
        waiters.advance(files.position());
      }
      if (files.isServing()) first.resolve();
    },
    onReached: () => onReached(),
    onThreadEnd: (why) => options.onFatal(`the sync thread ended: ${why}`),
  });
  try {
    await firstSyncWithin(startMs, first.promise, sync);
  } catch (thrown) {
    await sync.close();
    await files.close();
    throw thrown;
  }
  const tokens = openTokenWatch({ write: primary.authToken, sync: syncToken }, log);
  const copySchedule = openCopySchedule(path, () => (files.isGoodCopy() ? null : files.dataset()), log);
  return topologyOf({
    files,
    sync,
    waiters,
    copySchedule,
    tokens,
    unlock,
    options,
    onNews: (next) => (onNews = next),
    onReached: (next) => (onReached = next),
  });
}

async function firstSyncWithin(ms: number, first: Promise<void>, { state }: Sync): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(
        new Error(`no replica after ${ms / 1_000} s: ${state.failure ?? "the first sync takes too long"}`),
      ),
    ms,
  );
  try {
    await Promise.race([first, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

type Parts = {
  files: Files;
  sync: Sync;
  waiters: Waiters;
  copySchedule: CopySchedule;
  tokens: TokenWatch;
  unlock(): void;
  options: NodeOptions;
  onNews: Topology["onNews"];
  /** Sets what is called when the primary answers again. */
  onReached(callback: () => void): void;
};

function topologyOf(parts: Parts): Topology {
  const { files, sync, waiters, tokens, options, onNews } = parts;
  const { path, primary, now = Date.now } = options;
  const lagMs = () => Math.max(0, now() - (sync.state.syncedAtMs || files.openedAtMs));
  const migrations = readMigrations();
  return {
    role: "node",
    db: databaseOf(parts),
    onNews,
    reach(position, ms) {
      if (!isAsNew(files.position(), position)) sync.hasten(position);
      return waiters.wait(position, files.position(), ms);
    },
    lagMs,
    trouble() {
      if (!files.isServing() || files.isGoodCopy())
        return sync.state.failure ?? "there is no complete replica";
      if (sync.state.isForeign) return sync.state.failure;
      if (lagMs() > LAG_MS_MAX) return `lagging: ${sync.state.failure ?? "the primary does not answer"}`;
      return schemaTrouble(files.readable(), migrations);
    },
    details: () => ({
      primary: primary.url,
      dataset: files.dataset(),
      frame: sync.state.frame,
      failure: sync.state.failure,
      serves: files.isGoodCopy() ? "last good copy" : "replica",
      goodCopyAt: timeOf(goodCopyAtMs(path)),
      ...tokens.endsAt(),
      waiting: waiters.size(),
    }),
  };
}

const timeOf = (ms: number): string | null => (ms === 0 ? null : new Date(ms).toISOString());

function databaseOf(parts: Parts): Database {
  const { files, sync, waiters, copySchedule, tokens, unlock, options } = parts;
  const remote = openRemote({ ...options.primary, dataset: files.dataset }, options.remote);
  parts.onReached(remote.reached);
  let closing: Promise<void> | undefined;
  const closed = () => new DatabaseError("closed", "the database is closed");
  const closeAll = async () => {
    await remote.close();
    waiters.refuseAll();
    copySchedule.stop();
    tokens.stop();
    void sync.ended.then(unlock);
    await sync.close();
    await files.close();
    isClosed = true;
  };
  let isClosed = false;
  return {
    isRemote: true,
    get read() {
      if (isClosed) throw closed();
      return files.readable().read;
    },
    scan: async (queries) => {
      if (closing) throw closed();
      return files.readable().scan(queries);
    },
    onPrimary: remote.onPrimary,
    // Does not wake the sync: `reach` does that for those who need the write here.
    write: remote.write,
    writeQueue: remote.writeQueue,
    written() {
      const position = remote.written();
      return position && !isAsNew(files.position(), position) ? position : null;
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}
