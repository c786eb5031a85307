// The serving thread's side of the syncing thread: what it told last, and who waits for its news.
import type { Order, Report } from "./sync-worker.ts";

/** How the replica stands towards the primary, as far as the syncing thread told. */
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

export type Sync = ReturnType<typeof openSync>;

/** After this the thread is not waited for: a frozen primary may hold it. */
const END_MS = 500;

/** Starts the thread; `onReport` hears everything it tells, `onDeath` that it is gone for good. */
export function openSync(
  order: Omit<Extract<Order, { kind: "open" }>, "kind">,
  { onReport, onDeath }: { onReport(report: Report): void; onDeath(why: string): void },
) {
  const state: SyncState = { syncedAtMs: 0, frame: 0, failure: null, isForeign: false };
  const worker = new Worker(new URL("./sync-worker.ts", import.meta.url));
  const ended = Promise.withResolvers<boolean>();
  let isClosing = false;
  const send = (message: Order) => worker.postMessage(message);
  const died = (why: string) => {
    if (!isClosing) onDeath(why);
  };

  worker.onmessage = ({ data }: MessageEvent<Report>) => {
    if (data.kind === "synced") {
      state.syncedAtMs = data.atMs;
      state.frame = data.frame;
    }
    if (data.kind === "ended") {
      ended.resolve(true);
      return;
    }
    state.failure = failureOf(data);
    state.isForeign = data.kind === "foreign";
    onReport(data);
  };
  worker.onerror = ({ message }) => died(message);
  worker.addEventListener("close", () => died("it ended"));
  send({ kind: "open", ...order });

  return {
    state,
    /** Ends the pause between two looks at the primary. */
    wake: (): void => send({ kind: "wake" }),
    /** Ends the thread; `false` when a primary that stands still holds it, and only the end of the process will end it. */
    async close(): Promise<boolean> {
      isClosing = true;
      send({ kind: "close" });
      const hasEnded = await Promise.race([ended.promise, Bun.sleep(END_MS).then(() => false)]);
      // To stop a thread inside the driver would take the process along.
      if (hasEnded) worker.terminate();
      else worker.unref();
      return hasEnded;
    },
  };
}

function failureOf(report: Exclude<Report, { kind: "ended" }>): string | null {
  if (report.kind === "failed") return report.why;
  if (report.kind === "synced") return null;
  return report.found === null
    ? "an empty database stands at the primary's address"
    : `another dataset (${report.found}) stands at the primary's address`;
}
