// A mail as HTML: inline styles and tables, as mail programs need them; no script, nothing from elsewhere.
import { type Html, html } from "../http/html.ts";
import { type Bar, type Block, type Line, type Look, partOf } from "./blocks.ts";
import { oneLine, typedLine, webLink } from "./words.ts";

const FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif";
const PAPER = "#f6f4f0";
const CARD = "#ffffff";
const INK = "#1d1b19";
const SOFT = "#6b655e";
const LINE = "#e4dfd7";
const ACCENT = "#b8421f";
/** Long words break instead of making the mail wider than a phone. */
const BREAK = "overflow-wrap:anywhere;word-break:break-word";
const TABLE = { markup: 'width="100%" cellpadding="0" cellspacing="0" border="0"' };
/** Values up to this length stay on the line of their label; longer ones stand below it. */
const VALUE_MAX = 24;
const BAR_LABEL_MAX = 12;

/** The colours of a dark screen, for mail programs that do not choose their own. */
const DARK = {
  markup: `<style>
@media (prefers-color-scheme: dark) {
  .paper { background: #171614 !important; }
  .card { background: #211f1c !important; }
  .card, .line { border-color: #34302b !important; }
  .ink { color: #f1ede6 !important; }
  .soft { color: #a69f95 !important; }
  .bar { background: #ff9169 !important; }
  .button { background: #ff9169 !important; border-color: #ff9169 !important; color: #171614 !important; }
  .minor { color: #ff9169 !important; }
}
</style>`,
};

/** Writes the page. */
export const pageOf = (title: string, blocks: readonly Block[], { shopName, locale }: Look): string =>
  html`<!doctype html>
<html lang="${languageOf(locale)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>${oneLine(title)}</title>
${DARK}
</head>
<body class="paper" style="margin:0;padding:0;background:${PAPER}">
<table role="presentation" ${TABLE} class="paper" style="background:${PAPER}"><tr><td align="center" style="padding:24px 10px">
<table role="presentation" ${TABLE} style="max-width:580px;${FONT};font-size:16px;line-height:1.5;text-align:left">
<tr><td class="ink" style="padding:0 10px 14px;color:${INK};font-size:18px;font-weight:700;${BREAK}">${oneLine(shopName)}</td></tr>
<tr><td class="card ink" style="padding:24px 20px 8px;background:${CARD};border:1px solid ${LINE};border-radius:14px;color:${INK};${BREAK}">
${blocks.map((block, at) => htmlOf(block, at === 0))}
</td></tr>
</table>
</td></tr></table>
</body>
</html>
`.markup;

/** The words are English, whatever the locale of amounts and dates. */
const languageOf = (locale: string): string => (/^en\b/.test(locale) ? locale : "en");

function htmlOf(block: Block, isFirst: boolean): Html {
  switch (block.kind) {
    case "heading":
      if (!isFirst)
        return html`<h2 style="margin:8px 0 12px;font-size:18px;line-height:1.3">${oneLine(block.text)}</h2>\n`;
      return html`<h1 style="margin:0 0 12px;font-size:24px;line-height:1.25">${oneLine(block.text)}</h1>\n`;
    case "text":
      return html`<p style="margin:0 0 16px">${oneLine(block.text)}</p>\n`;
    case "note":
      return html`<p class="soft" style="margin:0 0 16px;color:${SOFT};font-size:14px">${oneLine(block.text)}</p>\n`;
    case "lines":
      return html`<table ${TABLE} style="margin:0 0 20px">${block.lines.map((line, at, { length }) => rowOf(line, at === length - 1))}</table>\n`;
    case "address":
      return html`<p style="margin:0 0 20px">${labelOf(block.label)}${block.lines.map(
        (line) => html`<br><bdi>${typedLine(line)}</bdi>`,
      )}</p>\n`;
    case "link":
      return linkOf(block, webLink(block.url));
    case "bars":
      return html`<table ${TABLE} style="margin:0 0 20px;font-size:14px">${block.bars.map(barOf)}</table>\n`;
  }
}

const labelOf = (label: string): Html =>
  html`<span class="soft" style="color:${SOFT};font-size:14px;font-weight:400">${oneLine(label)}</span>`;

function rowOf({ label, detail, value, isStrong = false }: Line, isLast: boolean): Html {
  const rule = isLast ? "" : `;border-bottom:1px solid ${LINE}`;
  const weight = isStrong ? "font-weight:700;font-size:18px" : "font-weight:400";
  const cell = `padding:10px 0;vertical-align:top${rule};${weight}`;
  const shown = oneLine(value);
  const name = html`<bdi>${oneLine(label)}</bdi>${detail === undefined ? "" : html`<br>${labelOf(detail)}`}`;
  if (shown.length > VALUE_MAX)
    return html`<tr><td class="line" colspan="2" style="${cell};text-align:left;${BREAK}">${name}<br><bdi>${shown}</bdi></td></tr>`;
  return html`<tr><th class="line" scope="row" align="left" style="${cell};text-align:left;${BREAK}">${name}</th><td class="line" align="right" style="${cell};padding-left:16px;text-align:right;white-space:nowrap">${shown}</td></tr>`;
}

function linkOf({ label, isMinor = false }: { label: string; isMinor?: boolean }, url: string | null): Html {
  if (url === null) return { markup: "" };
  if (isMinor)
    return html`<p style="margin:0 0 20px"><a class="minor" href="${url}" style="color:${ACCENT}">${oneLine(label)}</a></p>\n`;
  return html`<p style="margin:4px 0 24px"><a class="button" href="${url}" style="display:inline-block;padding:0 22px;border:1px solid ${ACCENT};border-radius:999px;background:${ACCENT};color:#ffffff;font-weight:600;line-height:46px;text-decoration:none">${oneLine(label)}</a></p>\n`;
}

function barOf({ label, value, share }: Bar): Html {
  const name = oneLine(label);
  const fits = name.length <= BAR_LABEL_MAX ? "white-space:nowrap" : BREAK;
  const width = Math.round(partOf(share) * 100);
  return html`<tr><td class="soft" width="1" style="padding:3px 10px 3px 0;color:${SOFT};${fits}">${name}</td><td><div class="bar" style="width:${width}%;height:12px;border-radius:3px;background:${ACCENT}"></div></td><td align="right" width="1" style="padding:3px 0 3px 10px;white-space:nowrap">${oneLine(value)}</td></tr>`;
}
