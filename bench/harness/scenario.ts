// A scenario: what it boots, sends and measures, and the lines of its result.
import { type Oha, RateNotReached } from "../load/oha.ts";
import type { Children } from "./children.ts";
import { median } from "./stats.ts";

/** The bound that the median of a line must keep. */
export type Target = { atMost: number } | { atLeast: number };

/** One measured quantity with a value per round. A line without a target explains another one. */
export type Line = {
  what: string;
  unit: string;
  values: number[];
  target?: Target;
  note?: string;
  /** Why there are no values: the generator or the server did not reach the rate. One phrase. */
  notReached?: string;
  /** Its place in a chart of the report. */
  point?: Point;
  how?: How;
};

/** A place in a chart of the scenario: with a number as `x` a point of a curve, with a word a bar. */
export type Point = {
  chart: string;
  series: string;
  x: number | string;
  /** The unit of a numeric `x`, such as `shoes` or `requests/s`; printed under the axis. */
  xUnit?: string;
};

/** The load of a line, and the layers that answered: HTTP/1.1 without TLS unless a scenario says otherwise. */
export type How = {
  connections: number;
  /** Requests per second; `null`: as many as the server answers. */
  rate: number | null;
  encoding: "gzip" | "identity";
  /** The length of one body as sent. */
  bytes?: number;
  /** Shares of the answers by layer, from 0 to 1: `edge hit`, `memory hit`, `304`, `replica`, `primary`, `computed`. */
  layers?: Readonly<Record<string, number>>;
};

/** What a scenario gets. */
export type Bench = {
  /** Small and short, to test the harness; no line is judged. */
  isQuick: boolean;
  rounds: number;
  children: Children;
  /** The load generator; `null` where it is not installed, and then only scenarios without load run. */
  oha: Oha | null;
  cores: Cores;
  /** The address of a running shop to measure instead of a new one, without a trailing slash; usually `null`. */
  url: string | null;
  /** The seed of random choices. Older scenarios have constants instead. */
  seed: number;
  log(line: string): void;
};

/** The cores of each process; `null`: not pinned. */
export type Cores = {
  /** For a server on one core. */
  server: number[] | null;
  load: number[] | null;
  /** For a server on all cores but the generator's, or on all where there are only two. */
  wide: number[] | null;
};

/** A scenario; its texts are printed in the report, and `measures` in `bench -h`. */
export type Scenario = {
  name: string;
  boot: string;
  load: string;
  measures: string;
  needsOha: boolean;
  /** Whether it can measure the running shop at `Bench.url`. */
  canUrl?: true;
  /** Yields lines as they are measured; a later failure keeps them. */
  run(bench: Bench): AsyncGenerator<Line[]>;
};

export type Verdict = "met" | "missed" | "not reached" | "";

/** Whether a line kept its target; empty for a line without target or values. */
export function verdictOf({ values, target, notReached }: Line): Verdict {
  if (notReached !== undefined) return "not reached";
  if (target === undefined || values.length === 0) return "";
  const middle = median(values);
  const isMet = "atMost" in target ? middle <= target.atMost : middle >= target.atLeast;
  return isMet ? "met" : "missed";
}

/** The fault of the first line without numbers; `null` when all have some. */
export function missingNumber(lines: readonly Line[]): string | null {
  const bad = lines.find(
    ({ values, notReached }) =>
      notReached === undefined && (values.length === 0 || !values.every(Number.isFinite)),
  );
  return bad === undefined ? null : `no number for "${bad.what.trim()}"`;
}

/** Divides the cores: the server gets the first, the generator the last. */
export function shareCores(allowed: readonly number[]): Cores {
  const [first, ...rest] = allowed;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return { server: null, load: null, wide: null };
  return { server: [first], load: [last], wide: rest.length > 1 ? allowed.slice(0, -1) : null };
}

/** The load generator of a scenario that needs it. */
export function ohaOf({ oha }: Bench): Oha {
  if (oha === null) throw new Error("this scenario needs oha");
  return oha;
}

/** The lines of `measure`; when a rate was not reached, this line with the reason instead of values. */
export async function orNotReached(
  line: Omit<Line, "values">,
  measure: () => Promise<Line[]>,
): Promise<Line[]> {
  try {
    return await measure();
  } catch (thrown) {
    if (thrown instanceof RateNotReached) return [{ ...line, values: [], notReached: thrown.message }];
    throw thrown;
  }
}
