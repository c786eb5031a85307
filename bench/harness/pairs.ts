// The lines of two runs in pairs: which lines belong together, and how their values differ.
import { must } from "../../db/must.ts";
import type { Line } from "./scenario.ts";
import { median, spread, written } from "./stats.ts";

/** A line of one run or of both; `first` or `second` is empty where a run lacks it. */
export type Pair = {
  what: string;
  unit: string;
  first: number[];
  second: number[];
  /** The ratio of each round; empty unless both sides took turns. */
  ratios: number[];
};

/** A body length is itself measured, so it does not count in the name of a line. */
const MEASURED = /[\d,]+ bytes/g;

/** The lines by name; a second line of the same name gets a number. */
export function named(lines: readonly Line[]): Map<string, Line> {
  const byName = new Map<string, Line>();
  for (const line of lines) {
    const plain = `${line.what.trim().replace(MEASURED, "bytes")} ${line.unit}`;
    let name = plain;
    for (let count = 2; byName.has(name); count += 1) name = `${plain} ${count}`;
    byName.set(name, line);
  }
  return byName;
}

/** Pairs the lines of two runs in the order of the second; lines that it lacks come last. */
export function pairsOf(first: readonly Line[], second: readonly Line[], isPaired: boolean): Pair[] {
  const [ofFirst, ofSecond] = [named(first), named(second)];
  const names = new Set([...ofSecond.keys(), ...ofFirst.keys()]);
  return [...names].map((name) => {
    const [a, b] = [ofFirst.get(name), ofSecond.get(name)];
    const [before, after] = [a?.values ?? [], b?.values ?? []];
    const isEven = isPaired && before.length === after.length;
    const { what, unit } = must(b ?? a, "the line");
    return {
      what,
      unit,
      first: before,
      second: after,
      ratios: isEven ? after.map((value, round) => value / (before[round] ?? Number.NaN)) : [],
    };
  });
}

/** The cells of a pair: name, both sides, and second / first with the least and the greatest of the rounds. */
export function pairCells({ what, unit, first, second, ratios }: Pair): [string, string, string, string] {
  const side = (values: number[]) => (values.length === 0 ? "-" : spread(values, unit));
  return [what, side(first), side(second), ratioText(first, second, ratios)];
}

function ratioText(first: number[], second: number[], ratios: number[]): string {
  if (first.length === 0 || second.length === 0) return "-";
  const ratio = written(median(second) / median(first));
  if (ratios.length < 2 || !ratios.every(Number.isFinite)) return ratio;
  return `${ratio} (${written(Math.min(...ratios))} to ${written(Math.max(...ratios))})`;
}

/** The headings of the columns. */
export const pairHeads = (kind: "compare" | "rerun"): [string, string, string, string] =>
  kind === "compare"
    ? ["", "other", "this", "this / other: medians (least to greatest of the rounds)"]
    : ["", "then", "now", "now / then"];
