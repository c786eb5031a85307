// What a scenario is: what it boots, what it sends, what it measures, and the lines that come of it.
import type { Children } from "./children.ts";
import type { Oha } from "./oha.ts";
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
  /** Where it stands in the report's charts. */
  point?: Point;
  how?: How;
};

/** A line's place in a chart: over numbers it is part of a curve, over words a bar. */
export type Point = { chart: string; series: string; x: number | string };

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

/** A scenario: its first texts are the table that `bench -h` prints. */
export type Scenario = {
  name: string;
  boot: string;
  load: string;
  measures: string;
  needsOha: boolean;
  /** Yields lines as they are done: what fails later does not take them back. */
  run(bench: Bench): AsyncGenerator<Line[]>;
};

export type Verdict = "met" | "missed" | "";

/** Whether a line was reached; nothing where it has no target. */
export function verdictOf({ values, target }: Line): Verdict {
  if (target === undefined) return "";
  const middle = median(values);
  const isMet = "atMost" in target ? middle <= target.atMost : middle >= target.atLeast;
  return isMet ? "met" : "missed";
}

/** Names the first line without numbers; `null` when all have some. */
export function missingNumber(lines: readonly Line[]): string | null {
  const bad = lines.find(({ values }) => values.length === 0 || !values.every(Number.isFinite));
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
