// The serving thread's side of the sync: the gate to the primary, the thread that syncs, and what both told last.
import type { Server } from "../../db/server/pipeline.ts";
import type { NodeLog } from "./log.ts";
import { openGate, type Sight } from "./proxy.ts";
import type { SyncCommand, SyncReport } from "./sync-worker.ts";

/** How the replica stands towards the primary. */
export type SyncState = {
  /** When the replica was last known to be as new as the primary; 0 before the first time. */
  syncedAtMs: number;
  /** The primary's log frame that the replica has. */
  frame: number;
  /** Why it cannot sync now; `null` while it can. */
  failure: string | null;
  /** Whether another dataset stands at the primary's address. */
  isForeign: boolean;
};

export type SyncOptions = {
  path: string;
  /** The primary, with the token that the replica is synced by. */
  server: Server;
  dataset: string | null;
  pauseMs: number;
  log: NodeLog;
  /** The replica is as new as the primary was just now; with news when it was not before. */
  onSynced(hasNews: boolean): void;
  onDeath(why: string): void;
};

export type Sync = {
  state: SyncState;
  /** Ends the pause before the next sync. */
  wake(): void;
  /** Resolves when the thread touches the replica no more, which may be after `close`. */
  ended: Promise<true>;
  /** Ends the thread. Resolves after `END_MS` at the latest; one that the primary holds up is left to itself. */
  close(): Promise<void>;
};

const RETRY_MS = 100;
/** After this the thread is not waited for: to stop it inside the driver would take the process along. */
const END_MS = 500;

/** Opens the gate and starts the thread. */
export async function openSync({
  path,
  server,
  dataset,
  pauseMs,
  log,
  onSynced,
  onDeath,
}: SyncOptions): Promise<Sync> {
  const state: SyncState = { syncedAtMs: 0, frame: 0, failure: null, isForeign: false };
  const ended = Promise.withResolvers<true>();
  let isClosing = false;
  const say = openWords(log);
  const worker = new Worker(new URL("./sync-worker.ts", import.meta.url));
  const send = (command: SyncCommand) => worker.postMessage(command);

  const onSight = (sight: Sight): void => {
    state.isForeign = sight.kind === "foreign";
    state.failure = failureOf(sight);
    if (state.failure !== null)
      say(state.isForeign ? "error" : "warn", "the replica is not synced", state.failure);
    send({ kind: sight.kind === "own" ? "go" : "hold" });
  };
  const gate = await openGate(server, dataset, onSight);

  worker.onmessage = ({ data }: MessageEvent<SyncReport>) => {
    if (data.kind === "ended") {
      ended.resolve(true);
      worker.terminate();
    } else if (data.kind === "failed") {
      if (!state.isForeign) state.failure = data.why;
      say("warn", "the replica is not synced", data.why);
      // A primary that is there and cannot be synced from, right after a kill, is not asked without a pause.
      setTimeout(gate.probe, RETRY_MS);
    } else {
      Object.assign(state, { syncedAtMs: data.atMs, frame: data.frame, failure: null });
      say("info", "the replica is synced", null);
      onSynced(data.hasNews);
    }
  };
  const died = (why: string) => {
    if (!isClosing) onDeath(why);
  };
  worker.onerror = ({ message }) => died(message);
  worker.addEventListener("close", () => died("it ended"));
  // The program need not stay for it.
  worker.unref();
  send({ kind: "open", path, url: gate.url, authToken: server.authToken, pauseMs });

  return {
    state,
    wake: () => send({ kind: "wake" }),
    ended: ended.promise,
    async close() {
      isClosing = true;
      send({ kind: "close" });
      gate.close();
      await Promise.race([ended.promise, Bun.sleep(END_MS)]);
    },
  };
}

function failureOf(sight: Sight): string | null {
  if (sight.kind === "own") return null;
  if (sight.kind === "gone") return sight.why;
  return sight.found === null
    ? "an empty database stands at the primary's address"
    : `another dataset (${sight.found}) stands at the primary's address`;
}

/** Says a thing once, and again when something else was said in between. */
function openWords(log: NodeLog) {
  let last = "";
  return (level: "info" | "warn" | "error", message: string, why: string | null): void => {
    const words = `${message} ${why}`;
    if (words !== last) log(level, message, why === null ? undefined : { why });
    last = words;
  };
}
