// A bar chart: horizontal bars, grouped by series, each with its value at its end.
import { must } from "../../../db/must.ts";
import { written } from "../stats.ts";
import {
  colourOf,
  type Drawing,
  EDGE,
  element,
  GRID,
  heading,
  INK,
  LINE_HEIGHT,
  label,
  line,
  type Mark,
  QUIET_INK,
  roomy,
  roundTicks,
  type Scale,
  scaleOf,
  svg,
  TEXT_SIZE,
  textWidth,
  WIDTH,
  wrapped,
} from "./parts.ts";
import { descriptionOf, subtitleOf } from "./words.ts";

const LABEL_WIDTH_MAX = 250;
const BAR = 16;
const GAP = 9;
const INDENT = 12;
const TICKS = 4;
/** The distance from the middle of a text down to its baseline. */
const BASELINE = TEXT_SIZE * 0.35;

/** A bar, or without `mark` the heading of a group. */
type Row = { lines: string[]; x: number; series: number; mark?: Mark; top: number; height: number };

/** Draws the bars. */
export function drawBars(drawing: Drawing): string {
  const head = heading(drawing.title, subtitleOf(drawing, false));
  const rows = rowsOf(drawing, head.bottom);
  const marks = rows.flatMap(({ mark }) => mark ?? []);
  const labels = Math.max(...rows.map(({ lines, x, mark }) => (mark ? x + widest(lines) : 0)));
  const left = labels + 10;
  const right = WIDTH - EDGE - Math.max(...marks.map(({ text }) => textWidth(text))) - 8;
  const ticks = roundTicks(
    Math.min(0, ...marks.map(({ least }) => least)),
    Math.max(0, ...marks.map(({ greatest }) => greatest)),
    TICKS,
  );
  const lastTick = must(ticks.at(-1), "the last tick");
  const scale = scaleOf([must(ticks[0], "the first tick"), lastTick], [left, right], false);
  const bottom = Math.max(...rows.map(({ top, height }) => top + height)) + 4;
  const content = [
    head.text,
    ...ticks.map((tick) =>
      line(scale(tick), head.bottom, scale(tick), bottom, tick === 0 ? QUIET_INK : GRID),
    ),
    ...roomy(ticks, scale).map((tick) =>
      label(scale(tick), bottom + TEXT_SIZE + 4, written(tick), { "text-anchor": "middle", fill: QUIET_INK }),
    ),
    label(right + 8 + textWidth(written(lastTick)) / 2, bottom + TEXT_SIZE + 4, drawing.unit, {
      fill: QUIET_INK,
    }),
    ...rows.map((row) => drawRow(row, scale)),
  ];
  return svg(bottom + TEXT_SIZE + 8 + EDGE, drawing.title, descriptionOf(drawing), content.join("\n"));
}

const widest = (lines: readonly string[]): number => Math.max(...lines.map(textWidth));

/** A series of one bar has no heading: its name is the label of the bar. */
function rowsOf({ series }: Drawing, top: number): Row[] {
  const isPlain = series.every(({ marks }) => marks.length === 1);
  const words = new Set(series.flatMap(({ marks }) => marks.map(({ x }) => String(x))));
  const rows: Row[] = [];
  let y = top;
  const add = (text: string, x: number, at: number, mark?: Mark) => {
    const lines = wrapped(text, mark ? LABEL_WIDTH_MAX - x : WIDTH - 2 * EDGE);
    const height = Math.max(BAR, lines.length * LINE_HEIGHT) + GAP;
    rows.push({ lines, x, series: at, ...(mark ? { mark } : {}), top: y, height });
    y += height;
  };
  for (const [at, { name, marks }] of series.entries()) {
    const hasHead = !isPlain && series.length > 1;
    if (hasHead) add(name, EDGE, at);
    for (const mark of marks) {
      const word = typeof mark.x === "number" ? written(mark.x) : mark.x;
      const plain = words.size === 1 || word === name ? name : `${name}, ${word}`;
      add(isPlain && series.length > 1 ? plain : word, hasHead ? EDGE + INDENT : EDGE, at, mark);
    }
  }
  return rows;
}

function drawRow({ lines, x, series, mark, top, height }: Row, scale: Scale): string {
  const middle = top + height / 2;
  const first = middle - ((lines.length - 1) * LINE_HEIGHT) / 2 + BASELINE;
  const weight = mark ? {} : { "font-weight": 600, fill: colourOf(series) };
  const texts = lines.map((each, at) => label(x, first + at * LINE_HEIGHT, each, weight));
  // Hides the axis behind the label.
  const ground = { x, y: top, width: widest(lines), height, fill: "#ffffff" };
  if (mark === undefined) return [element("rect", ground), ...texts].join("\n");
  const [from, to] = [scale(Math.min(0, mark.middle)), scale(Math.max(0, mark.middle))];
  const [least, greatest] = [scale(mark.least), scale(mark.greatest)];
  const bar = { x: from, y: middle - BAR / 2, width: Math.max(1, to - from), height: BAR };
  const whisker = [
    line(least, middle, greatest, middle, INK),
    ...[least, greatest].map((at) => line(at, middle - 4, at, middle + 4, INK)),
  ];
  return [
    ...texts,
    element("rect", { class: "bar", ...bar, fill: colourOf(series), "fill-opacity": 0.85 }),
    ...(mark.least < mark.greatest ? whisker : []),
    label(Math.max(to, greatest) + 8, middle + BASELINE, mark.text),
  ].join("\n");
}
