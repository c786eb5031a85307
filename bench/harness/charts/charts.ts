// The charts of a scenario: lines with the same chart and unit, drawn as the text of an SVG file.
import { must } from "../../../db/must.ts";
import type { Line } from "../scenario.ts";
import { median, spread } from "../stats.ts";
import { drawBars } from "./bars.ts";
import { drawCurves } from "./curves.ts";
import type { Drawing, Mark } from "./parts.ts";

/** A chart; `name` is the name of its file without extension. */
export type Chart = { name: string; title: string; svg: string };

/** The charts of the lines of a scenario; each unit has its own chart, because it has its own axis. */
export function chartsOf(scenario: string, lines: readonly Line[]): Chart[] {
  const groups = new Map<string, Line[]>();
  for (const each of lines) {
    if (each.point === undefined || each.values.length === 0 || !each.values.every(Number.isFinite)) continue;
    const key = `${each.point.chart}\n${each.unit}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const names = new Set<string>();
  return [...groups.values()].map((group) => {
    const drawing = drawingOf(group, [...groups.values()]);
    const name = newName(`${scenario}-${drawing.title}`, names);
    const isCurve = group.every(({ point }) => typeof point?.x === "number");
    return { name, title: drawing.title, svg: isCurve ? drawCurves(drawing) : drawBars(drawing) };
  });
}

function drawingOf(lines: readonly Line[], groups: readonly (readonly Line[])[]): Drawing {
  const { point: firstPoint, unit } = must(lines[0], "the first line");
  const { chart } = must(firstPoint, "the point of the first line");
  const hasOtherUnits = groups.filter(([other]) => other?.point?.chart === chart).length > 1;
  const series = new Map<string, Mark[]>();
  for (const { point, values, unit: ofLine } of lines) {
    if (point === undefined) continue;
    const mark: Mark = {
      x: point.x,
      middle: median(values),
      text: spread(values, ofLine),
      least: Math.min(...values),
      greatest: Math.max(...values),
    };
    series.set(point.series, [...(series.get(point.series) ?? []), mark]);
  }
  return {
    title: hasOtherUnits && unit !== "" ? `${chart} (${unit})` : chart,
    unit,
    xUnit: lines.find(({ point }) => point?.xUnit !== undefined)?.point?.xUnit ?? "",
    series: [...series].map(([name, marks]) => ({ name, marks })),
    rounds: Math.max(...lines.map(({ values }) => values.length)),
  };
}

/** The name of a file; a second chart of the same name gets a number. */
function newName(text: string, taken: Set<string>): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  let name = plain;
  for (let count = 2; taken.has(name); count += 1) name = `${plain}-${count}`;
  taken.add(name);
  return name;
}
