// What a drill is: it causes a failure in a cluster under load, and checks what must hold meanwhile and afterwards.
import type { Children } from "../primary/children.ts";
import type { Cluster } from "./cluster.ts";

/** The options of one run; `null` means the drill's own default. */
export type DrillOptions = { isShort: boolean; nodes: number | null; seconds: number | null };

/** A number for the full form of a drill, and one for `--short`. */
export type Sizes = { full: number; short: number };

export type Drill = {
  /** As on the command line. */
  name: string;
  /** What fails and what must hold, in one or two sentences. */
  about: string;
  /** Runs the drill once; throwing is a failure too. */
  run(context: DrillContext): Promise<void>;
};

/** What a drill works with. All of it is ended and removed after the run, however that ended. */
export type DrillContext = {
  options: DrillOptions;
  /** An empty folder. */
  folder: string;
  children: Children;
  checks: Checks;
  /** Prints one line about the state of the run. */
  progress(line: string): void;
  /** Starts the cluster of the run, with the demo catalogue; it is ready when this resolves. */
  boot(): Promise<Cluster>;
};

type Unit = "" | "ms" | "/s" | "cores";
export type Measurement = { name: string; value: number; unit: Unit };
/** The result of a run: what did not hold, and what was measured. */
export type Result = { failures: string[]; measurements: Measurement[] };

export type Checks = {
  measure(name: string, value: number, unit?: Unit): void;
  /** Records the failure unless the condition holds. */
  require(holds: boolean, failure: string): void;
  /** Measures, and requires a value up to the maximum. */
  atMost(name: string, value: number, max: number, unit?: Unit, examples?: readonly string[]): void;
  /** Measures how many of these failures there are, and requires that there are none. */
  none(name: string, failures: readonly string[]): void;
  result(): Result;
};

const EXAMPLES_MAX = 5;

/** Opens checks without a result yet. */
export function openChecks(): Checks {
  const result: Result = { failures: [], measurements: [] };
  const checks: Checks = {
    measure(name, value, unit = "") {
      result.measurements.push({ name, value: Math.round(value * 1_000) / 1_000, unit });
    },
    require(holds, failure) {
      if (!holds) result.failures.push(failure);
    },
    atMost(name, value, max, unit = "", examples = []) {
      checks.measure(name, value, unit);
      const shown = examples.slice(0, EXAMPLES_MAX).map((example) => `; ${example}`);
      checks.require(
        value <= max,
        `${name}: ${textOf(value, unit)}, at most ${textOf(max, unit)}${shown.join("")}`,
      );
    },
    none: (name, failures) => checks.atMost(name, failures.length, 0, "", failures),
    result: () => result,
  };
  return checks;
}

/** A number as text, with its unit; long times in seconds. */
export function textOf(value: number, unit: Unit = ""): string {
  if (unit === "ms" && value >= 1_000) return `${(value / 1_000).toFixed(1)} s`;
  const maximumFractionDigits = Math.abs(value) < 1 ? 2 : value < 10 ? 1 : 0;
  const number = value.toLocaleString("en", { maximumFractionDigits });
  return `${number}${unit === "" || unit === "/s" ? unit : ` ${unit}`}`;
}

const NODES = { full: 12, short: 4 };

export const sizeOf = ({ isShort }: DrillOptions, { full, short }: Sizes): number => (isShort ? short : full);

/** The nodes of the cluster: `--nodes`, else twelve, or four with `--short`. */
export const nodesOf = (options: DrillOptions): number => options.nodes ?? sizeOf(options, NODES);

/** How long the drill's failure or load lasts: `--seconds`, else the drill's default. */
export const secondsOf = (options: DrillOptions, defaults: Sizes): number =>
  options.seconds ?? sizeOf(options, defaults);
