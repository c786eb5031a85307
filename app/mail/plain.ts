// A mail as plain text, in lines of at most 72 columns; only the address of a link is longer.
import { type Bar, type Block, type Line, type Look, partOf } from "./blocks.ts";
import { oneLine, typedLine, webLink } from "./words.ts";

const WIDTH = 72;
/** A label with less room stands above its value. */
const LABEL_MIN = 24;
const BAR_WIDTH = 30;
/** A longer label stands above its bar. */
const BAR_LABEL_MAX = 20;

/** Writes the text. */
export function plainTextOf(blocks: readonly Block[], { shopName }: Look): string {
  const parts = [oneLine(shopName), ...blocks.map((block, at) => textOf(block, at === 0))];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function textOf(block: Block, isFirst: boolean): string {
  switch (block.kind) {
    case "heading":
      return headingOf(block.text, isFirst ? "=" : "-");
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

function headingOf(text: string, under: string): string {
  const lines = wrapped(text);
  return [...lines, under.repeat(Math.max(...lines.map((line) => Bun.stringWidth(line))))].join("\n");
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
  const gap = " ".repeat(WIDTH - Bun.stringWidth(first) - Bun.stringWidth(values[0] ?? ""));
  return [...rule, `${first}${gap}${values[0] ?? ""}`, ...more, ...details].join("\n").trimEnd();
}

const atEnd = (value: string): string => `${" ".repeat(WIDTH - Bun.stringWidth(value))}${value}`;

function barsOf(bars: readonly Bar[]): string {
  const labels = bars.map(({ label }) => Bun.stringWidth(oneLine(label)));
  const width = Math.min(BAR_LABEL_MAX, Math.max(...labels));
  const end = Math.max(...bars.map(({ value }) => Bun.stringWidth(oneLine(value))));
  return bars
    .map(({ label, value, share }, at) => {
      const labelWidth = labels[at] ?? 0;
      const name = labelWidth > width ? `${wrapped(label).join("\n")}\n${" ".repeat(width)}` : oneLine(label);
      const gap = " ".repeat(Math.max(0, width - labelWidth));
      const bar = "#".repeat(Math.round(partOf(share) * BAR_WIDTH)).padEnd(BAR_WIDTH);
      return `${name}${gap}  ${bar}  ${" ".repeat(end - Bun.stringWidth(oneLine(value)))}${oneLine(value)}`;
    })
    .join("\n");
}
