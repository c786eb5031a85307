// What a drill is: something goes wrong with a cluster under load, and sentences about it must hold.
import type { Children } from "../primary/children.ts";
import type { Cluster } from "./cluster.ts";

/** How a drill is asked for; what is not given is the drill's own choice. */
export type DrillOptions = { isShort: boolean; nodes: number | null; seconds: number | null };

export type Drill = {
  /** As the command line has it. */
  name: string;
  /** What happens and what must hold, in a sentence or two. */
  about: string;
  /** After so many seconds the whole drill has failed. */
  secondsMax(options: DrillOptions): number;
  /** Does it, and tells the checks; what it throws is a fault too. */
  run(ground: DrillContext): Promise<void>;
};

/** What a drill works with; all of it is ended and removed when the drill is over, however that comes. */
export type DrillContext = {
  options: DrillOptions;
  /** An empty folder. */
  folder: string;
  children: Children;
  checks: Checks;
  /** Tells whoever watches what happens now. */
  progress(line: string): void;
  /** Starts a cluster with the demo catalogue on fresh data and ports, ready when it is returned. */
  boot(nodes: number): Promise<Cluster>;
};

/** What was found; `numbers` by names for programs. */
export type Result = { failures: string[]; measurements: string[]; numbers: Record<string, number> };

export type Checks = {
  /** A measured number, with the words for the last line. */
  measure(name: string, value: number, words: string): void;
  /** What must hold, and what is wrong when it does not. */
  require(isSo: boolean, fault: string): void;
  result(): Result;
};

/** Opens a judge who has seen nothing yet. */
export function openChecks(): Checks {
  const result: Result = { failures: [], measurements: [], numbers: {} };
  return {
    measure(name, value, words) {
      result.numbers[name] = Math.round(value * 1_000) / 1_000;
      result.measurements.push(words);
    },
    require(isSo, fault) {
      if (!isSo) result.failures.push(fault);
    },
    result: () => result,
  };
}

/** The last line of a drill. */
export function lineOf(name: string, { failures, measurements }: Result): string {
  const measured = measurements.length > 0 ? measurements.join(", ") : "nothing measured";
  return failures.length === 0
    ? `PASS ${name}: ${measured}`
    : `FAIL ${name}: ${failures.join("; ")} (${measured})`;
}

const POLL_MS = 10;

/** Waits until it is so, looking often; returns how long that took in milliseconds. Throws one sentence after `msMax`. */
export async function until(
  what: string,
  msMax: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<number> {
  const startedAt = performance.now();
  while (!(await isSo())) {
    if (performance.now() - startedAt > msMax)
      throw new Error(`not within ${(msMax / 1_000).toFixed(0)} s: ${what}`);
    await Bun.sleep(POLL_MS);
  }
  return performance.now() - startedAt;
}

/** Seconds for people, from milliseconds. */
export const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** A whole number for people. */
export const count = (value: number): string => Math.round(value).toLocaleString("en");
