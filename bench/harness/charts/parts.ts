// The parts of charts: measured and wrapped text, ticks, scales, colours.
import { must } from "../../../db/must.ts";
import { written } from "../stats.ts";

/** One value of a chart with its least and its greatest. */
export type Mark = { x: number | string; middle: number; least: number; greatest: number; text: string };

/** The data of a chart. */
export type Drawing = {
  title: string;
  unit: string;
  /** The unit of a numeric x; empty when unknown. */
  xUnit: string;
  series: { name: string; marks: Mark[] }[];
  /** The greatest number of values behind a mark. */
  rounds: number;
};

/** Lengths are in units of the SVG, about a pixel each. */
export const WIDTH = 760;
export const TEXT_SIZE = 13;
export const LINE_HEIGHT = 17;
export const EDGE = 16;
export const INK = "#1c1c1c";
export const QUIET_INK = "#5a5a5a";
export const GRID = "#e2e2e2";
const TITLE_SIZE = 16;
const TITLE_LINE = 21;
/** The assumed width of a letter, wider than in most fonts, because the reader's font is unknown. */
const LETTER_SHARE = 0.58;
const BOLD_LETTER_SHARE = 0.62;
/** Colours for any kind of colour vision (after Okabe and Ito), dark enough for a white background. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#b5508c", "#c28500", "#2b9fd9", "#4d4d4d", "#6a3d9a"];
const STEPS = [1, 2, 5, 10];

export const colourOf = (series: number): string => COLOURS[series % COLOURS.length] ?? INK;

/** Whether a series repeats a colour, so that its style must differ. */
export const isRepeated = (series: number): boolean => series >= COLOURS.length;

/** Text escaped for content and attributes. */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** An element; attributes are escaped, the content is not. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  content?: string,
): string {
  const pairs = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? rounded(value) : escaped(value)}"`,
  );
  return content === undefined
    ? `<${name}${pairs.join("")}/>`
    : `<${name}${pairs.join("")}>${content}</${name}>`;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** A line of text; `y` is its baseline. */
export const label = (
  x: number,
  y: number,
  text: string,
  more: Readonly<Record<string, string | number>> = {},
): string => element("text", { x, y, ...more }, escaped(text));

export const line = (x1: number, y1: number, x2: number, y2: number, stroke: string): string =>
  element("line", { x1, y1, x2, y2, stroke });

/** The approximate width of a text. */
export const textWidth = (text: string): number => text.length * TEXT_SIZE * LETTER_SHARE;

/** Wraps a text into lines of this width, also within a word that is wider. */
export const wrapped = (text: string, widthMax: number): string[] =>
  wrapLetters(text, Math.max(4, Math.floor(widthMax / (TEXT_SIZE * LETTER_SHARE))));

function wrapLetters(text: string, lettersMax: number): string[] {
  const lines = [""];
  const words = text.split(/\s+/).flatMap((word) => word.match(new RegExp(`.{1,${lettersMax}}`, "gu")) ?? []);
  for (const word of words) {
    const last = must(lines.at(-1), "the last line");
    const longer = last === "" ? word : `${last} ${word}`;
    if (longer.length <= lettersMax) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The heading of a chart, and the y below it. */
export function heading(title: string, subtitle: string): { text: string; bottom: number } {
  const titleLines = wrapLetters(title, Math.floor((WIDTH - 2 * EDGE) / (TITLE_SIZE * BOLD_LETTER_SHARE)));
  const subtitleLines = wrapped(subtitle, WIDTH - 2 * EDGE);
  const subtitleTop = EDGE + titleLines.length * TITLE_LINE;
  const text = [
    ...titleLines.map((each, at) =>
      label(EDGE, EDGE + TITLE_SIZE + at * TITLE_LINE, each, { "font-size": TITLE_SIZE, "font-weight": 600 }),
    ),
    ...subtitleLines.map((each, at) =>
      label(EDGE, subtitleTop + TEXT_SIZE + at * LINE_HEIGHT, each, { fill: QUIET_INK }),
    ),
  ];
  return { text: text.join("\n"), bottom: subtitleTop + subtitleLines.length * LINE_HEIGHT + EDGE };
}

/** A whole chart on its own background, so that it is readable on light and dark pages. */
export function svg(height: number, title: string, description: string, content: string): string {
  const ground = {
    x: 0.5,
    y: 0.5,
    width: WIDTH - 1,
    height: height - 1,
    rx: 6,
    fill: "#ffffff",
    stroke: GRID,
  };
  return `${element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: WIDTH,
      height,
      viewBox: `0 0 ${WIDTH} ${Math.round(height)}`,
      role: "img",
      "aria-labelledby": "title description",
      "font-family": "system-ui, Helvetica, Arial, sans-serif",
      "font-size": TEXT_SIZE,
      fill: INK,
    },
    [
      "",
      element("title", { id: "title" }, escaped(title)),
      element("desc", { id: "description" }, escaped(description)),
      element("rect", ground),
      content,
      "",
    ].join("\n"),
  )}\n`;
}

/** About `count` round numbers whose first is at or below `least` and whose last is at or above `greatest`. */
export function roundTicks(least: number, greatest: number, count: number): number[] {
  const span = greatest - least || Math.abs(greatest) || 1;
  const magnitude = 10 ** Math.floor(Math.log10(span / count));
  const step = magnitude * (STEPS.find((each) => each * magnitude >= span / count) ?? 10);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(greatest / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** Powers of ten, from at or below `least`, which is above 0, to at or above `greatest`. */
export function powerTicks(least: number, greatest: number): number[] {
  const first = Math.floor(Math.log10(least) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(greatest) - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, at) => Number((10 ** (first + at)).toPrecision(12)));
}

/** Maps a value to a coordinate. */
export type Scale = (value: number) => number;

/** A linear or logarithmic scale; the range may be descending. */
export function scaleOf(
  [least, greatest]: readonly [number, number],
  [from, to]: readonly [number, number],
  isLog: boolean,
): Scale {
  const grow = isLog ? Math.log10 : (value: number) => value;
  const span = grow(greatest) - grow(least);
  return (value) =>
    span === 0 ? (from + to) / 2 : from + ((grow(value) - grow(least)) / span) * (to - from);
}

/** Leaves out ticks whose labels would touch; the greatest always stays. */
export function roomy(ticks: readonly number[], scale: Scale): number[] {
  const kept: number[] = [];
  let leftmost = Number.POSITIVE_INFINITY;
  for (const tick of [...ticks].sort((a, b) => b - a)) {
    const half = textWidth(written(tick)) / 2;
    if (scale(tick) + half + TEXT_SIZE / 2 > leftmost) continue;
    kept.unshift(tick);
    leftmost = scale(tick) - half;
  }
  return kept;
}
