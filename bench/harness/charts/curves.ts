// A line chart: one curve for each series, with a band from the least to the greatest value.
import { must } from "../../../db/must.ts";
import { written } from "../stats.ts";
import {
  colourOf,
  type Drawing,
  EDGE,
  element,
  GRID,
  heading,
  isRepeated,
  LINE_HEIGHT,
  label,
  line,
  type Mark,
  powerTicks,
  QUIET_INK,
  roomy,
  roundTicks,
  type Scale,
  scaleOf,
  svg,
  TEXT_SIZE,
  textWidth,
  WIDTH,
} from "./parts.ts";
import { descriptionOf, subtitleOf } from "./words.ts";

const PLOT_HEIGHT = 260;
const TICKS = 5;
/** Up to this many measured x are ticks themselves. */
const OWN_TICKS_MAX = 8;
/** More dots would merge into a thick line. */
const DOTS_MAX = 30;
/** From this ratio on the axis is logarithmic, because small x would overlap. */
const LOG_X_RATIO = 20;
/** From this ratio on the axis is logarithmic, because small values would vanish. */
const LOG_Y_RATIO = 30;
const SWATCH = 18;
/** Space between the first or the last dot and the edge. */
const INSET = 14;

/** The axes and the area of a plot; `y` runs upwards. */
type Plot = { x: Scale; y: Scale; xTicks: number[]; yTicks: number[]; isLogX: boolean; bottom: number };

/** Draws the curves. */
export function drawCurves(drawing: Drawing): string {
  const series = drawing.series.map(({ name, marks }) => ({
    name,
    marks: [...marks].sort((a, b) => Number(a.x) - Number(b.x)),
  }));
  const values = series.flatMap(({ marks }) => marks.flatMap(({ least, greatest }) => [least, greatest]));
  const isLogY = isWide(values, LOG_Y_RATIO);
  const head = heading(drawing.title, subtitleOf(drawing, isLogY));
  const legend = series.length > 1 ? drawLegend(series, head.bottom) : { text: "", bottom: head.bottom };
  const plot = plotOf(series, values, legend.bottom + 4, isLogY);
  const { bottom } = plot;
  const xLabel = [drawing.xUnit, ...(plot.isLogX ? ["logarithmic"] : [])].filter(Boolean).join(", ");
  const content = [
    head.text,
    legend.text,
    drawAxes(plot),
    label(WIDTH / 2, bottom + 2 * LINE_HEIGHT + 6, xLabel, { "text-anchor": "middle", fill: QUIET_INK }),
    ...series.map(({ marks }, at) => drawSeries(marks, at, plot)),
  ];
  const height = bottom + (xLabel === "" ? 1 : 2) * LINE_HEIGHT + 4 + EDGE;
  return svg(height, drawing.title, descriptionOf(drawing), content.filter(Boolean).join("\n"));
}

const isWide = (values: readonly number[], ratio: number): boolean =>
  Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > ratio;

function plotOf(
  series: readonly { marks: Mark[] }[],
  values: readonly number[],
  top: number,
  isLogY: boolean,
): Plot {
  const places = [...new Set(series.flatMap(({ marks }) => marks.map(({ x }) => Number(x))))].sort(
    (a, b) => a - b,
  );
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const yTicks = isLogY ? powerTicks(least, greatest) : roundTicks(Math.min(0, least), greatest, TICKS);
  const bottom = top + PLOT_HEIGHT;
  const y = scaleOf(
    [must(yTicks[0], "the first tick"), must(yTicks.at(-1), "the last tick")],
    [bottom, top],
    isLogY,
  );
  const left = EDGE + Math.max(...yTicks.map((tick) => textWidth(written(tick)))) + 8;
  const isLogX = isWide(places, LOG_X_RATIO);
  const [first, last] = [must(places[0], "the first x"), must(places.at(-1), "the last x")];
  const lastHalf = textWidth(written(last)) / 2;
  const x = scaleOf([first, last], [left + INSET, WIDTH - EDGE - Math.max(INSET, lastHalf)], isLogX);
  const own = isLogX ? powerTicks(first, last) : roundTicks(first, last, TICKS);
  const inside = own.filter((tick) => tick >= first && tick <= last);
  const xTicks = roomy(places.length <= OWN_TICKS_MAX ? places : inside, x);
  return { x, y, xTicks, yTicks, isLogX, bottom };
}

function drawAxes({ x, y, xTicks, yTicks, bottom }: Plot): string {
  const left = EDGE + Math.max(...yTicks.map((tick) => textWidth(written(tick)))) + 8;
  const rows = yTicks.flatMap((tick, at) => [
    line(left, y(tick), WIDTH - EDGE, y(tick), at === 0 || tick === 0 ? QUIET_INK : GRID),
    label(left - 8, y(tick) + TEXT_SIZE * 0.35, written(tick), { "text-anchor": "end", fill: QUIET_INK }),
  ]);
  const columns = xTicks.flatMap((tick) => [
    line(x(tick), bottom, x(tick), bottom + 5, QUIET_INK),
    label(x(tick), bottom + LINE_HEIGHT + 3, written(tick), { "text-anchor": "middle", fill: QUIET_INK }),
  ]);
  return [...rows, ...columns].join("\n");
}

function drawLegend(series: readonly { name: string }[], top: number): { text: string; bottom: number } {
  let [x, y] = [EDGE, top];
  const parts = series.flatMap(({ name }, at) => {
    const width = SWATCH + 6 + textWidth(name) + 16;
    if (x > EDGE && x + width > WIDTH) [x, y] = [EDGE, y + LINE_HEIGHT + 2];
    const [from, middle] = [x, y + TEXT_SIZE / 2];
    x += width;
    return [
      element("line", { x1: from, y1: middle, x2: from + SWATCH, y2: middle, ...strokeOf(at) }),
      dot(from + SWATCH / 2, middle, at),
      label(from + SWATCH + 6, middle + TEXT_SIZE * 0.35, name),
    ];
  });
  return { text: parts.join("\n"), bottom: y + LINE_HEIGHT + 4 };
}

/** A second curve of the same colour has dashes and hollow dots. */
const strokeOf = (at: number): Record<string, string | number> => ({
  stroke: colourOf(at),
  "stroke-width": 2,
  ...(isRepeated(at) ? { "stroke-dasharray": "6 3" } : {}),
});

const dot = (cx: number, cy: number, at: number): string =>
  element("circle", {
    class: "dot",
    cx,
    cy,
    r: 3.5,
    fill: isRepeated(at) ? "#ffffff" : colourOf(at),
    stroke: colourOf(at),
    "stroke-width": 1.5,
  });

function drawSeries(marks: readonly Mark[], at: number, { x, y }: Plot): string {
  const colour = colourOf(at);
  const pointAt = (mark: Mark, value: number) => `${x(Number(mark.x)).toFixed(1)},${y(value).toFixed(1)}`;
  const around = [
    ...marks.map((mark) => pointAt(mark, mark.greatest)),
    ...[...marks].reverse().map((mark) => pointAt(mark, mark.least)),
  ];
  const [only] = marks;
  const hasSpread = marks.some(({ least, greatest }) => least < greatest);
  const range =
    marks.length > 1
      ? element("polygon", { class: "band", points: around.join(" "), fill: colour, "fill-opacity": 0.15 })
      : only && line(x(Number(only.x)), y(only.least), x(Number(only.x)), y(only.greatest), colour);
  const curve = {
    points: marks.map((mark) => pointAt(mark, mark.middle)).join(" "),
    class: "curve",
    fill: "none",
    ...strokeOf(at),
    "stroke-linejoin": "round",
  };
  return [
    ...(hasSpread && range ? [range] : []),
    ...(marks.length > 1 ? [element("polyline", curve)] : []),
    ...(marks.length <= DOTS_MAX ? marks.map((mark) => dot(x(Number(mark.x)), y(mark.middle), at)) : []),
  ].join("\n");
}
