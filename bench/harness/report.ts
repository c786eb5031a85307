// What a bench says on the terminal: the table of targets and what was reached, and two runs beside each other.
import { pairCells, pairHeads } from "./pairs.ts";
import type { Beside, Outcome } from "./results.ts";
import { type How, type Line, type Target, verdictOf } from "./scenario.ts";
import { spread, written } from "./stats.ts";
import { textTable } from "./tables.ts";

const NOT_JUDGED = "-";
const PERCENT = 100;
/** A layer that gave less than this of the answers is not worth its words. */
const LAYER_SHARE_MIN = 0.0005;

/** What a line must reach, in words. */
export function targetText({ target, unit }: Pick<Line, "target" | "unit">): string {
  if (target === undefined) return "";
  const [words, value] = boundOf(target);
  return `${words} ${written(value)}${unit === "" ? "" : ` ${unit}`}`;
}

const boundOf = (target: Target): [string, number] =>
  "atMost" in target ? ["at most", target.atMost] : ["at least", target.atLeast];

/** What a line reached, in words; nothing where it has no values. */
export const reachedText = ({ values, unit }: Line): string =>
  values.length === 0 ? "" : spread(values, unit);

/** Met or missed; a quick run is not judged. */
export const judged = (line: Line, isQuick: boolean): string =>
  isQuick && line.target && line.notReached === undefined ? NOT_JUDGED : verdictOf(line);

/** How a line was asked and who answered, in words. */
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

/** The state of a scenario in a word; nothing when all is well. */
const stateOf = ({ fault }: Outcome): string =>
  fault === null ? "" : fault.startsWith("not reached") ? "not reached" : "invalid";

/** The table: what, target, reached, met or missed. Below it stand notes and faults. */
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

/** What stands beside a line's numbers. */
export const remarks = ({ note, notReached }: Line): string[] => [
  ...(notReached === undefined ? [] : [notReached]),
  ...(note === undefined ? [] : [note]),
];

/** Two runs beside each other. */
export function besideText({ kind, other, differences, scenarios }: Beside): string {
  const rows: string[][] = [pairHeads(kind)];
  for (const { scenario, pairs } of scenarios) {
    rows.push([scenario]);
    for (const pair of pairs) {
      const [what, ...cells] = pairCells(pair);
      rows.push([`  ${what}`, ...cells]);
    }
  }
  return [`beside ${other}:`, ...differences.map((each) => `  ${each}`), "", textTable(rows)].join("\n");
}
