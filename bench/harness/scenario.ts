// What a scenario is: what it boots, what it sends, what it measures, and the lines that come of it.

import { type Oha, RateNotReached } from "../load/oha.ts";
import type { Children } from "./children.ts";
import { median } from "./stats.ts";

/** A line that must be reached; it is held against the median. */
export type Target = { atMost: number } | { atLeast: number };

/** One measured thing: a value per round. Without a target it stands beside others, as a ceiling or a reason. */
export type Line = {
  what: string;
  unit: string;
  values: number[];
  target?: Target;
  note?: string;
  /** Why there are no values: the rate that it was to be measured at was not reached. One sentence. */
  notReached?: string;
  /** Where it stands in the report's charts. */
  point?: Point;
  how?: How;
};

/** A line's place in a chart of its scenario: over numbers it is part of a curve, over words a bar. */
export type Point = {
  chart: string;
  series: string;
  x: number | string;
  /** What a numeric `x` counts, such as `shoes` or `requests/s`; written under the axis. */
  xUnit?: string;
};

/** How a line was asked, and who answered. All of it is HTTP/1.1 without TLS unless a scenario says otherwise. */
export type How = {
  connections: number;
  /** Requests per second; `null`: as many as are answered. */
  rate: number | null;
  encoding: "gzip" | "identity";
  /** The length of one body as it was sent. */
  bytes?: number;
  /** Shares of the answers by who gave them, from 0 to 1: `edge hit`, `memory hit`, `304`, `replica`, `primary`, `computed`. */
  layers?: Readonly<Record<string, number>>;
};

/** What a scenario is given. */
export type Bench = {
  /** Small and short, to see that the harness works; nothing is judged. */
  isQuick: boolean;
  rounds: number;
  children: Children;
  /** `null`: not installed; only scenarios that can do without are run then. */
  oha: Oha | null;
  cores: Cores;
  /** A running shop to be measured instead of one that the scenario boots, without a last slash; `null` nearly always. */
  url: string | null;
  /** Whatever a scenario draws by chance is the same for the same seed. Those that came first have seeds of their own. */
  seed: number;
  say(line: string): void;
};

/** Who runs where; `null`: wherever the system likes. */
export type Cores = {
  /** A server that is held to one core. */
  server: number[] | null;
  load: number[] | null;
  /** A server that may have every core but the load's, or all where there are only two. */
  wide: number[] | null;
};

/** A scenario: the report begins with its texts, and `bench -h` names what it measures. */
export type Scenario = {
  name: string;
  boot: string;
  load: string;
  measures: string;
  needsOha: boolean;
  /** It can measure the running shop at `Bench.url`. */
  canUrl?: true;
  /** Yields lines as they are done: what fails later does not take them back. */
  run(bench: Bench): AsyncGenerator<Line[]>;
};

export type Verdict = "met" | "missed" | "not reached" | "";

/** Whether a line was reached; nothing where it has no target, or no values. */
export function verdictOf({ values, target, notReached }: Line): Verdict {
  if (notReached !== undefined) return "not reached";
  if (target === undefined || values.length === 0) return "";
  const middle = median(values);
  const isMet = "atMost" in target ? middle <= target.atMost : middle >= target.atLeast;
  return isMet ? "met" : "missed";
}

/** Names the first line without numbers; `null` when all have some. */
export function missingNumber(lines: readonly Line[]): string | null {
  const bad = lines.find(
    ({ values, notReached }) =>
      notReached === undefined && (values.length === 0 || !values.every(Number.isFinite)),
  );
  return bad === undefined ? null : `no number for "${bad.what.trim()}"`;
}

/** Shares out the cores: the server's is the first, the load's the last. */
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

/**
 * What `measure` gives, or, when a rate was not reached, this line without values that says so: the scenario goes on. Any
 * other fault is thrown on.
 */
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
