// The thread that owns a node's syncing handle: it may stand still for as long as the primary does, and no request waits for it.
import Libsql from "libsql";
import type { Server } from "../db/hrana.ts";
import { datasetOfServer } from "./dataset.ts";
import { openPresence, type Presence } from "./presence.ts";

declare const self: Worker;

/** What the thread is told: once where and what to sync, then to make haste, at last to end. */
export type Order =
  | { kind: "open"; path: string; server: Server; dataset: string | null; pauseMs: number }
  | { kind: "wake" }
  | { kind: "close" };

/**
 * What the thread tells: that the replica was as new as the primary at `atMs`, why it could not be, or that another dataset
 * than this node's stands at the primary's address; at last that it touches nothing any more.
 */
export type Report =
  | { kind: "synced"; atMs: number; frame: number; hasNews: boolean }
  | { kind: "failed"; why: string }
  | { kind: "foreign"; found: string | null }
  | { kind: "ended" };

/** The pause grows to this while nothing comes. */
const IDLE_PAUSE_MS = 200;
const PAUSE_GROWTH = 1.5;
/** The pause after a failure, doubling. */
const FAILURE_PAUSE_MS = 50;
const FAILURE_PAUSE_MS_MAX = 1_000;
const REACH_MS = 1_000;

let isWanted = false;
let isClosing = false;
let wake = (): void => {};

self.onmessage = ({ data }: MessageEvent<Order>) => {
  if (data.kind === "open") void run(data);
  else {
    isWanted = true;
    isClosing ||= data.kind === "close";
    wake();
  }
};

const tell = (report: Report): void => self.postMessage(report);

async function run({ path, server, dataset, pauseMs }: Extract<Order, { kind: "open" }>): Promise<void> {
  let expected = dataset;
  let handle: InstanceType<typeof Libsql> | undefined;
  let presence: Presence | undefined;
  let pause = pauseMs;
  let failurePause = FAILURE_PAUSE_MS;
  while (!isClosing) {
    try {
      if (!presence?.isThere()) {
        // First the connection, then the question: whoever takes the address after it, has not this connection.
        presence = await openPresence(server.url, REACH_MS);
        const found = await datasetOfServer(server, REACH_MS);
        if (found === null || (expected !== null && found !== expected)) {
          presence.leave();
          tell({ kind: "foreign", found });
          await sleep(FAILURE_PAUSE_MS_MAX);
          continue;
        }
        expected = found;
      }
      handle ??= new Libsql(path, { syncUrl: server.url, authToken: server.authToken } as never);
      const atMs = Date.now();
      const { frame_no: frame, frames_synced: frames } = handle.sync() as unknown as SyncResult;
      const hasNews = frames > 0;
      tell({ kind: "synced", atMs, frame, hasNews });
      pause = hasNews ? pauseMs : Math.min(pause * PAUSE_GROWTH, Math.max(IDLE_PAUSE_MS, pauseMs));
      failurePause = FAILURE_PAUSE_MS;
      await sleep(pause);
    } catch (thrown) {
      presence?.leave();
      presence = undefined;
      tell({ kind: "failed", why: thrown instanceof Error ? thrown.message : String(thrown) });
      await sleep(failurePause);
      failurePause = Math.min(2 * failurePause, FAILURE_PAUSE_MS_MAX);
    }
  }
  presence?.leave();
  tell({ kind: "ended" });
}

type SyncResult = { frame_no: number; frames_synced: number };

/** A pause that a request for the latest news ends, also one that came before it. */
async function sleep(ms: number): Promise<void> {
  // Such a request arrives as a task of its own.
  await new Promise((resolve) => setImmediate(resolve));
  if (!isWanted)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  isWanted = false;
}
