// The serving thread's side of the sync: the proxy to the primary, the thread that syncs, and the last report of both.
import type { Position } from "../../db/database.ts";
import type { ServerKind } from "../../db/server/kind.ts";
import type { Server } from "../../db/server/pipeline.ts";
import type { NodeLog } from "./log.ts";
import { openNotices } from "./notices.ts";
import { openProxy, type ProbeResult } from "./proxy.ts";
import type { SyncCommand, SyncReport } from "./sync-worker.ts";

/** The state of the replica relative to the primary. */
type SyncState = {
  /** When the replica was last known to be as new as the primary; 0 before the first sync. */
  syncedAtMs: number;
  /** The newest frame of the primary's log that the replica has. */
  frame: number;
  /** Why the replica cannot be synced now; `null` while it can. */
  failure: string | null;
  /** Whether another dataset stands at the primary's address. */
  isForeign: boolean;
};

type SyncOptions = {
  path: string;
  /** The primary, with the token that the replica is synced with. */
  server: Server;
  dataset: string | null;
  pauseMs: number;
  log: NodeLog;
  /** Called after a sync: the replica is as new as the primary was. `hasNews` is `false` where it was so before. */
  onSynced(hasNews: boolean): void;
  /** Called when the primary answers again after it did not. */
  onReached(): void;
  /** Called when the thread ends by itself. */
  onThreadEnd(why: string): void;
};

export type Sync = {
  state: SyncState;
  /** Hastens the sync that brings this position: ends the pause before the next one, or tells the door that it is waited for. */
  hasten(position: Position): void;
  /** Resolves when the thread no longer uses the replica, which may be after `close`. */
  ended: Promise<true>;
  /** Ends the thread. Resolves after `END_MS` at the latest: a thread that waits for the primary is left to end by itself. */
  close(): Promise<void>;
};

const RETRY_MS = 100;
/** After this time `close` leaves the thread alone: terminating it inside the driver would crash the process. */
const END_MS = 500;

/** Opens the proxy and starts the thread. */
export async function openSync(options: SyncOptions): Promise<Sync> {
  const { path, server, dataset, pauseMs, log, onSynced, onReached, onThreadEnd } = options;
  const state: SyncState = { syncedAtMs: 0, frame: 0, failure: null, isForeign: false };
  const ended = Promise.withResolvers<true>();
  let isClosing = false;
  const logChange = openChangeLog(log);
  const notices = openNotices(server);
  let kind: ServerKind = "bare";
  const worker = new Worker(new URL("./sync-worker.ts", import.meta.url));
  const send = (command: SyncCommand) => worker.postMessage(command);

  const onProbe = (result: ProbeResult): void => {
    if (result.kind === "own" && state.failure !== null) onReached();
    state.isForeign = result.kind === "foreign";
    state.failure = failureOf(result);
    if (state.failure !== null)
      logChange(state.isForeign ? "error" : "warn", "the replica is not synced", state.failure);
    if (result.kind === "own") kind = result.server;
    send(result.kind === "own" ? { kind: "go", server: kind } : { kind: "hold" });
  };
  const proxy = await openProxy(server, dataset, onProbe);

  worker.onmessage = ({ data }: MessageEvent<SyncReport>) => {
    if (data.kind === "ended") {
      ended.resolve(true);
      worker.terminate();
    } else if (data.kind === "failed") {
      if (isClosing) return;
      if (!state.isForeign) state.failure = data.why;
      logChange("warn", "the replica is not synced", data.why);
      // Right after a kill a primary can answer probes and still fail to sync, so the next probe waits.
      setTimeout(proxy.probe, RETRY_MS);
    } else {
      Object.assign(state, { syncedAtMs: data.atMs, frame: data.frame, failure: null });
      logChange("info", "the replica is synced", null);
      onSynced(data.hasNews);
    }
  };
  const fail = (why: string) => {
    if (!isClosing) onThreadEnd(why);
  };
  worker.onerror = ({ message }) => fail(message);
  worker.addEventListener("close", () => fail("it ended"));
  // Does not keep the process alive.
  worker.unref();
  send({ kind: "open", path, url: proxy.url, authToken: server.authToken, pauseMs });

  return {
    state,
    hasten(position) {
      if (kind === "door") notices.tell(position);
      else send({ kind: "wake" });
    },
    ended: ended.promise,
    async close() {
      isClosing = true;
      send({ kind: "close" });
      proxy.endRequests();
      // The proxy stays for a sync that has only begun: without it the driver would try again for seconds.
      await Promise.race([ended.promise, Bun.sleep(END_MS)]);
      proxy.close();
    },
  };
}

function failureOf(result: ProbeResult): string | null {
  if (result.kind === "own") return null;
  if (result.kind === "gone") return result.why;
  return result.found === null
    ? "an empty database stands at the primary's address"
    : `another dataset (${result.found}) stands at the primary's address`;
}

/** Returns a log function that leaves out repetitions of the last line. */
function openChangeLog(log: NodeLog) {
  let last = "";
  return (level: "info" | "warn" | "error", message: string, why: string | null): void => {
    const line = `${message} ${why}`;
    if (line !== last) log(level, message, why === null ? undefined : { why });
    last = line;
  };
}
