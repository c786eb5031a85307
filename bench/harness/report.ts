// The output on the terminal: the table of targets and values, and the table of two runs.
import { pairCells, pairHeads } from "./pairs.ts";
import type { Comparison, Outcome } from "./results.ts";
import { type How, type Line, type Target, verdictOf } from "./scenario.ts";
import { spread, written } from "./stats.ts";
import { textTable } from "./tables.ts";

const NOT_JUDGED = "-";
const PERCENT = 100;
/** Layers below this share of the answers are not printed. */
const LAYER_SHARE_MIN = 0.0005;

/** The target of a line in words. */
export function targetText({ target, unit }: Pick<Line, "target" | "unit">): string {
  if (target === undefined) return "";
  const [words, value] = boundOf(target);
  return `${words} ${written(value)}${unit === "" ? "" : ` ${unit}`}`;
}

const boundOf = (target: Target): [string, number] =>
  "atMost" in target ? ["at most", target.atMost] : ["at least", target.atLeast];

/** The values of a line in words; empty where it has none. */
export const reachedText = ({ values, unit }: Line): string =>
  values.length === 0 ? "" : spread(values, unit);

/** The verdict of a line; a quick run is not judged. */
const judged = (line: Line, isQuick: boolean): string =>
  isQuick && line.target && line.notReached === undefined ? NOT_JUDGED : verdictOf(line);

/** The load of a line and the layers that answered, in words. */
export function howText(how: How | undefined): string {
  if (how === undefined) return "";
  const layers = Object.entries(how.layers ?? {}).filter(([, share]) => share >= LAYER_SHARE_MIN);
  return [
    `${how.connections} ${how.connections === 1 ? "connection" : "connections"}`,
    how.rate === null ? "as fast as it goes" : `${written(how.rate)}/s`,
    how.encoding,
    ...(how.bytes === undefined ? [] : [`${written(how.bytes)} bytes`]),
    ...(layers.length === 0
      ? []
      : [layers.map(([name, share]) => `${name} ${written(share * PERCENT)} %`).join(" + ")]),
  ].join(", ");
}

/** The state of a scenario in a word; empty when it is valid. */
const stateOf = ({ fault }: Outcome): string =>
  fault === null ? "" : fault.startsWith("not reached") ? "not reached" : "invalid";

/** The table of lines with target, values and verdict; notes and faults follow below. */
export function tableOf(outcomes: readonly Outcome[], isQuick: boolean): string {
  const rows = [["", "target", "reached: median (least to greatest)", ""]];
  for (const outcome of outcomes) {
    rows.push([outcome.scenario, "", "", stateOf(outcome)]);
    for (const line of outcome.lines)
      rows.push([`  ${line.what}`, targetText(line), reachedText(line), judged(line, isQuick)]);
  }
  const notes = outcomes.flatMap(({ scenario, lines, fault }) => [
    ...(fault === null ? [] : [`${scenario}: ${fault}`]),
    ...lines.flatMap((line) => remarks(line).map((remark) => `${scenario}, ${line.what.trim()}: ${remark}`)),
  ]);
  return [textTable(rows), ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

/** The remarks on a line: why it has no values, and its note. */
export const remarks = ({ note, notReached }: Line): string[] => [
  ...(notReached === undefined ? [] : [notReached]),
  ...(note === undefined ? [] : [note]),
];

/** The table of two runs. */
export function comparisonText({ kind, other, differences, scenarios }: Comparison): string {
  const rows: string[][] = [pairHeads(kind)];
  for (const { scenario, pairs } of scenarios) {
    rows.push([scenario]);
    for (const pair of pairs) {
      const [what, ...cells] = pairCells(pair);
      rows.push([`  ${what}`, ...cells]);
    }
  }
  return [`compared with ${other}:`, ...differences.map((each) => `  ${each}`), "", textTable(rows)].join(
    "\n",
  );
}
