// The thread that owns a node's syncing handle. The driver blocks it while the primary does not answer; no request waits for it.
import Libsql from "../../db/driver.ts";
import { messageOf } from "../../db/message.ts";
import { HOLD_MS } from "../../db/server/door-protocol.ts";
import type { ServerKind } from "../../db/server/kind.ts";
import { pauseAfter } from "./pause.ts";

declare const self: Worker;

/** What to sync: the replica at `path`, from the proxy at `url`; `pauseMs` is the pause of polls while changes come. */
type SyncTarget = { path: string; url: string; authToken: string; pauseMs: number };

/** A message to the thread: `open` once, then `go`, `hold` or `wake`, finally `close`. */
export type SyncCommand =
  | ({ kind: "open" } & SyncTarget)
  | { kind: "go"; server: ServerKind }
  | { kind: "hold" | "wake" | "close" };

/**
 * A message from the thread: the replica was as new as the primary at `atMs`; it could not be synced, and the thread holds until
 * `go`; the thread no longer uses the replica.
 */
export type SyncReport =
  | { kind: "synced"; atMs: number; frame: number; hasNews: boolean }
  | { kind: "failed"; why: string }
  | { kind: "ended" };

type Syncing = { command(command: Exclude<SyncCommand, { kind: "open" }>): void };
type Synced = { frame_no: number; frames_synced: number };

/** A held thread sleeps this long at once; any command ends the sleep. */
const HELD_MS = 60_000;

/** Syncs after `go` until `hold` or a failure, and ends after `close`. */
function openSyncing(
  { path, url, authToken, pauseMs }: SyncTarget,
  report: (report: SyncReport) => void,
): Syncing {
  let isHeld = true;
  let server: ServerKind = "bare";
  let isWanted = false;
  let isClosing = false;
  let wake = (): void => {};
  let handle: InstanceType<typeof Libsql> | undefined;
  let pause = pauseMs;

  /** A pause that any command ends, also a `wake` that came during the sync. */
  const sleep = async (ms: number): Promise<void> => {
    // Commands that came meanwhile arrive as tasks of their own.
    await new Promise((resolve) => setImmediate(resolve));
    if (isClosing || (isWanted && !isHeld)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  };

  const sync = async (): Promise<void> => {
    try {
      isWanted = false;
      handle ??= new Libsql(path, { syncUrl: url, authToken } as never);
      const [startedAtMs, startedAt] = [Date.now(), performance.now()];
      const { frame_no: frame, frames_synced: frames } = handle.sync() as unknown as Synced;
      const hasNews = frames > 0;
      const wasHeld = server === "door" && !hasNews && performance.now() - startedAt >= HOLD_MS;
      // A door that holds a request without news looks for them once more before it answers.
      report({ kind: "synced", atMs: startedAtMs + (wasHeld ? HOLD_MS : 0), frame, hasNews });
      pause = pauseAfter(hasNews, pause, pauseMs);
      await sleep(wasHeld || (server === "door" && hasNews) ? 0 : pause);
    } catch (thrown) {
      isHeld = true;
      report({ kind: "failed", why: messageOf(thrown) });
    }
  };

  const run = async (): Promise<void> => {
    while (!isClosing) await (isHeld ? sleep(HELD_MS) : sync());
    report({ kind: "ended" });
  };

  void run();
  return {
    command(command) {
      const { kind } = command;
      if (command.kind === "go") [isHeld, server] = [false, command.server];
      if (kind === "hold") isHeld = true;
      isWanted = kind === "wake" || kind === "go" || isWanted;
      isClosing ||= kind === "close";
      wake();
    },
  };
}

self.onmessage = ({ data: first }: MessageEvent<SyncCommand>) => {
  if (first.kind !== "open") throw new Error(`the first command is ${first.kind}, not open`);
  const syncing = openSyncing(first, (report) => self.postMessage(report));
  self.onmessage = ({ data }: MessageEvent<SyncCommand>) => {
    if (data.kind !== "open") syncing.command(data);
  };
};
