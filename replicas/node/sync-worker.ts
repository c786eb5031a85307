// The thread that owns a node's syncing handle: it may stand still for as long as the primary does, and no request waits for it.
import Libsql from "libsql";
import { messageOf } from "../../db/message.ts";

declare const self: Worker;

/** What the thread is told: once what to sync by way of which gate, then to go on or to hold, to make haste, at last to end. */
export type Order =
  | { kind: "open"; path: string; url: string; authToken: string; pauseMs: number }
  | { kind: "go" | "hold" | "wake" | "close" };

/** What it tells: that the replica was as new as the primary at `atMs`, why it could not be, that it touches nothing any more. */
export type Report =
  | { kind: "synced"; atMs: number; frame: number; hasNews: boolean }
  | { kind: "failed"; why: string }
  | { kind: "ended" };

/** The pause grows to this while nothing comes. */
const IDLE_PAUSE_MS = 200;
const PAUSE_GROWTH = 1.5;
/** Until it is told to go on. */
const HELD_MS = 60_000;

let isHeld = true;
let isWanted = false;
let isClosing = false;
let wake = (): void => {};

self.onmessage = ({ data }: MessageEvent<Order>) => {
  if (data.kind === "open") void run(data);
  if (data.kind === "go") isHeld = false;
  if (data.kind === "hold") isHeld = true;
  isWanted = data.kind === "wake" || data.kind === "go" || isWanted;
  isClosing ||= data.kind === "close";
  wake();
};

const tell = (report: Report): void => self.postMessage(report);

async function run({ path, url, authToken, pauseMs }: Extract<Order, { kind: "open" }>): Promise<void> {
  let handle: InstanceType<typeof Libsql> | undefined;
  let pause = pauseMs;
  while (!isClosing) {
    if (isHeld) {
      await sleep(HELD_MS);
      continue;
    }
    try {
      isWanted = false;
      handle ??= new Libsql(path, { syncUrl: url, authToken } as never);
      const atMs = Date.now();
      const { frame_no: frame, frames_synced: frames } = handle.sync() as unknown as Synced;
      const hasNews = frames > 0;
      tell({ kind: "synced", atMs, frame, hasNews });
      pause = hasNews ? pauseMs : Math.min(pause * PAUSE_GROWTH, Math.max(IDLE_PAUSE_MS, pauseMs));
      await sleep(pause);
    } catch (thrown) {
      isHeld = true;
      tell({ kind: "failed", why: messageOf(thrown) });
    }
  }
  tell({ kind: "ended" });
}

type Synced = { frame_no: number; frames_synced: number };

/** A pause that any word from outside ends, also a request for haste that came during the sync. */
async function sleep(ms: number): Promise<void> {
  // What was said meanwhile arrives as a task of its own.
  await new Promise((resolve) => setImmediate(resolve));
  if (isClosing || (isWanted && !isHeld)) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
