// The texts of a chart: its subtitle, and a description of all values for screen readers.
import { written } from "../stats.ts";
import type { Drawing } from "./parts.ts";

/** The line under the title. */
export function subtitleOf({ unit, rounds, series }: Drawing, isLog: boolean): string {
  const [only] = series;
  const what = [
    ...(only && series.length === 1 ? [only.name] : []),
    unit === "" ? "a ratio or share" : unit,
    ...(isLog ? ["logarithmic"] : []),
  ].join(", ");
  return rounds > 1 ? `${what}; median of ${rounds} rounds, with the least and the greatest` : what;
}

/** All values in one text. */
export const descriptionOf = ({ series }: Drawing): string =>
  series
    .flatMap(({ name, marks }) =>
      marks.map(({ x, text }) => `${name}, ${typeof x === "number" ? written(x) : x}: ${text}`),
    )
    .join("; ");
