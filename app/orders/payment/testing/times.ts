// Time for tests of payments: a clock that stands still, and waits that end when the test moves it on.
import { NEVER_MS } from "../sandbox/tokens.ts";

type Wait = { atMs: number; end(): void };

const BEGIN_MS = Date.UTC(2026, 5, 1);

/** Opens the time; a wait for ever is rejected at once, as by a deadline. */
export function openTimes() {
  let nowMs = BEGIN_MS;
  let waits: Wait[] = [];
  return {
    now: () => nowMs,
    /** Waits of the sandbox that have not ended. */
    waiting: () => waits.length,
    wait(ms: number, signal: AbortSignal): Promise<void> {
      if (ms >= NEVER_MS) return Promise.reject(new Error("the gateway did not answer in time"));
      return new Promise((resolve, reject) => {
        waits.push({ atMs: nowMs + ms, end: resolve });
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    },
    /** Moves the clock, and ends the waits that are over. */
    pass(ms: number): void {
      nowMs += ms;
      const over = waits.filter(({ atMs }) => atMs <= nowMs);
      waits = waits.filter(({ atMs }) => atMs > nowMs);
      for (const { end } of over) end();
    },
  };
}
