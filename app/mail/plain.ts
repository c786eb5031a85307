// A mail as plain text, in lines of at most 72 columns; only the address of a link is longer.
import type { Bar, Block, Line, Look } from "./blocks.ts";
import { oneLine, typedLine, webLink } from "./words.ts";

const WIDTH = 72;
/** A label with less room stands above its value. */
const LABEL_MIN = 24;
const BAR_WIDTH = 30;

/** Writes the text. */
export function plainTextOf(blocks: readonly Block[], { shopName }: Look): string {
  const parts = [oneLine(shopName), ...blocks.map(textOf)];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function textOf(block: Block): string {
  switch (block.kind) {
    case "heading":
      return headingOf(block.text);
    case "text":
    case "note":
      return wrapped(block.text).join("\n");
    case "lines":
      return block.lines.map(lineOf).join("\n");
    case "address":
      return [`${oneLine(block.label)}:`, ...block.lines.flatMap((line) => indented(typedLine(line)))].join(
        "\n",
      );
    case "link":
      return linkOf(block.label, webLink(block.url));
    case "bars":
      return barsOf(block.bars);
  }
}

/** Words wider than the line are broken: nothing is left out. Wide characters count as two columns. */
const wrapped = (text: string, width = WIDTH): string[] =>
  Bun.wrapAnsi(oneLine(text), width, { hard: true }).split("\n");

const indented = (text: string): string[] => wrapped(text, WIDTH - 2).map((line) => `  ${line}`);

function headingOf(text: string): string {
  const lines = wrapped(text);
  return [...lines, "=".repeat(Math.max(...lines.map((line) => Bun.stringWidth(line))))].join("\n");
}

const linkOf = (label: string, url: string | null): string =>
  url === null ? "" : `${oneLine(label)}:\n${url}`;

function lineOf({ label, detail, value, isStrong = false }: Line): string {
  const values = wrapped(value);
  const room = WIDTH - 2 - Bun.stringWidth(values[0] ?? "");
  const details = detail === undefined ? [] : indented(detail);
  const rule = isStrong ? ["-".repeat(WIDTH)] : [];
  if (values.length > 1 || room < LABEL_MIN)
    return [...rule, ...wrapped(label), ...details, ...values.map(atEnd)].join("\n");
  const [first = "", ...more] = wrapped(label, room);
  const gap = " ".repeat(WIDTH - Bun.stringWidth(first) - Bun.stringWidth(value));
  return [...rule, `${first}${gap}${oneLine(value)}`, ...more, ...details].join("\n").trimEnd();
}

const atEnd = (value: string): string => `${" ".repeat(WIDTH - Bun.stringWidth(value))}${value}`;

function barsOf(bars: readonly Bar[]): string {
  const width = Math.max(...bars.map(({ label }) => Bun.stringWidth(oneLine(label))));
  return bars
    .map(({ label, value, share }) => {
      const [name, bar] = [oneLine(label), "#".repeat(Math.round(share * BAR_WIDTH))];
      return `${name}${" ".repeat(width - Bun.stringWidth(name))}  ${bar.padEnd(BAR_WIDTH)}  ${oneLine(value)}`.trimEnd();
    })
    .join("\n");
}
