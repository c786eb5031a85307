// The parts of a mail's content, and how each is written as plain text and as HTML.
import { type Html, html } from "../http/html.ts";

/** A row of a table: what it is, more about it, and its value at the end of the line. */
export type Line = { label: string; detail?: string; value: string; isStrong?: boolean };

/** A bar of a chart; `share` is its length, 0 to 1. */
export type Bar = { label: string; value: string; share: number };

export type Block =
  | { kind: "heading"; text: string }
  | { kind: "text"; text: string }
  | { kind: "note"; text: string }
  | { kind: "lines"; lines: Line[] }
  | { kind: "address"; lines: string[] }
  | { kind: "link"; label: string; url: string }
  | { kind: "bars"; bars: Bar[] };

/** A mail's two forms. */
export type Forms = { text: string; html: string };

const WIDTH = 60;
const BAR_WIDTH = 30;

/** Writes both forms of a content. */
export function formsOf(title: string, blocks: readonly Block[], footer: string): Forms {
  const text = [...blocks.map(textOf), `-- \n${footer}`].join("\n\n");
  return { text: `${text}\n`, html: pageOf(title, blocks.map(htmlOf), footer) };
}

/** Text of one line: what a person typed cannot begin another one, or turn the direction of the text. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ");

function textOf(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `${oneLine(block.text)}\n${"=".repeat(Math.min(WIDTH, block.text.length))}`;
    case "text":
    case "note":
      return oneLine(block.text);
    case "lines":
      return block.lines.map(textLine).join("\n");
    case "address":
      return block.lines.map(oneLine).join("\n");
    case "link":
      return `${oneLine(block.label)}:\n${block.url}`;
    case "bars":
      return block.bars
        .map(
          ({ label, value, share }) =>
            `${label.padEnd(6)} ${"#".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH)} ${value}`,
        )
        .join("\n");
  }
}

function textLine({ label, detail, value }: Line): string {
  const left = oneLine(detail === undefined ? label : `${label}, ${detail}`);
  return `${left.padEnd(WIDTH - value.length - 1)} ${value}`;
}

function htmlOf(block: Block): Html {
  switch (block.kind) {
    case "heading":
      return html`<h1 style="font-size:22px;margin:0 0 16px">${oneLine(block.text)}</h1>`;
    case "text":
      return html`<p style="margin:0 0 16px">${oneLine(block.text)}</p>`;
    case "note":
      return html`<p style="margin:0 0 16px;color:#666;font-size:14px">${oneLine(block.text)}</p>`;
    case "lines":
      return html`<table role="presentation" width="100%" style="border-collapse:collapse;margin:0 0 16px">${block.lines.map(htmlLine)}</table>`;
    case "address":
      return html`<p style="margin:0 0 16px">${block.lines.map((line) => html`${oneLine(line)}<br>`)}</p>`;
    case "link":
      return html`<p style="margin:0 0 16px"><a href="${block.url}">${oneLine(block.label)}</a></p>`;
    case "bars":
      return html`<table role="presentation" width="100%" style="border-collapse:collapse;margin:0 0 16px">${block.bars.map(htmlBar)}</table>`;
  }
}

const htmlLine = ({ label, detail, value, isStrong = false }: Line): Html =>
  html`<tr style="font-weight:${isStrong ? "bold" : "normal"}"><td style="padding:6px 0">${oneLine(label)}${
    detail === undefined ? "" : html`<br><span style="color:#666">${oneLine(detail)}</span>`
  }</td><td align="right" valign="top" style="padding:6px 0;white-space:nowrap">${value}</td></tr>`;

const htmlBar = ({ label, value, share }: Bar): Html =>
  html`<tr><td width="48">${label}</td><td><div style="background:#d0532c;height:10px;width:${Math.round(share * 100)}%"></div></td><td align="right" width="90">${value}</td></tr>`;

const pageOf = (title: string, blocks: Html[], footer: string): string =>
  html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title></head>
<body style="margin:0;padding:24px 16px;font:16px/1.5 system-ui,sans-serif;color:#222;background:#fff">
<div style="max-width:560px;margin:0 auto">
${blocks}
<p style="margin:32px 0 0;color:#666;font-size:13px">${footer}</p>
</div>
</body>
</html>
`.markup;
