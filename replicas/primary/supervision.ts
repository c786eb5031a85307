// What a supervisor does with each of its programs: it starts the program again and again, and kills it when it hangs.
import type { Child } from "./children.ts";
import type { Health } from "./probe.ts";

/** Ends a supervision, once. */
export type Stop = { isStopping(): boolean; stopping: Promise<void>; stop(): void };

/** How a program is watched, in milliseconds. */
type WatchOptions = {
  everyMs: number;
  /** The longest time to the first good probe. */
  startMs: number;
  /** The longest silence after it. */
  silentMs: number;
  /** So many bad probes one after the other are too many; silent ones do not count. */
  missesMax: number;
  /** A program is not judged while this holds. */
  isSuspended(): boolean;
  probe(): Promise<Health>;
  /** Called at the first good probe. */
  onUp(): void;
};

const START_PROBE_EVERY_MS = 5;
/** A program that ends sooner than this after its first good probe is started again with a growing delay. */
const STABLE_MS = 1_000;

/** Opens a stop that nobody has asked for. */
export function openStop(): Stop {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isStopping = false;
  return {
    isStopping: () => isStopping,
    stopping: promise,
    stop() {
      isStopping = true;
      resolve();
    },
  };
}

/**
 * Runs a program again and again until it is stopped, after delays that double while it is not stable. `runOnce` resolves with
 * the time of its first good probe on the clock of `performance.now()`, 0 without one.
 */
export async function repeat(
  runOnce: () => Promise<number>,
  { isStopping, stopping }: Stop,
  { backoffMinMs, backoffMaxMs }: { backoffMinMs: number; backoffMaxMs: number },
): Promise<void> {
  for (let backoffMs = backoffMinMs; !isStopping(); ) {
    const upAtMs = await runOnce();
    if (upAtMs > 0 && performance.now() - upAtMs > STABLE_MS) backoffMs = backoffMinMs;
    await sleep(backoffMs, stopping);
    backoffMs = Math.min(backoffMs * 2, backoffMaxMs);
  }
}

/** Resolves with the reason when the child has ended; kills a child that hangs. */
export async function watch(child: Child, options: WatchOptions): Promise<string> {
  const died = child.exited.then((code) => (code === null ? "was killed" : `ended with code ${code}`));
  let [misses, lastGoodMs, isUp] = [0, performance.now(), false];
  while (child.isRunning()) {
    const health = options.isSuspended() ? undefined : await options.probe();
    if (!child.isRunning()) break;
    const nowMs = performance.now();
    // A pause that began during the probe is no miss either.
    if (!health || health.ok || options.isSuspended()) {
      [misses, lastGoodMs] = [0, nowMs];
      if (health?.ok && !isUp) {
        isUp = true;
        options.onUp();
      }
    } else {
      if (isUp && !health.isSilent) misses += 1;
      const silentMs = isUp ? options.silentMs : options.startMs;
      if (misses >= options.missesMax || nowMs - lastGoodMs > silentMs) {
        child.signal("SIGKILL");
        await child.exited;
        return `did not answer (${health.why})`;
      }
    }
    await sleep(isUp ? options.everyMs : START_PROBE_EVERY_MS, died);
  }
  return died;
}

/** Waits `ms`, or until the event; leaves no timer behind that would keep the process alive. */
async function sleep(ms: number, event: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, event]);
  clearTimeout(timer);
}
