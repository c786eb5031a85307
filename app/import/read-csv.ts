// Splits CSV text into rows with their line numbers in the file; a broken row does not affect the others.
import Papa from "papaparse";
import { must } from "../../db/must.ts";
import type { Cells, SourceBatch, SourceRow } from "./rows.ts";

/** A longer row means a quote that is never closed: its first line is refused, and parsing resumes with the next. */
const ROW_CHARS_MAX = 1024 * 1024;
/** Characters parsed first after a broken row, so that a file with many of them is not parsed again and again. */
const RESUME_CHARS = 8 * 1024;
const DELIMITERS = [",", ";", "\t", "|"];

type ParseResult = { data: string[][]; errors: { row?: number }[]; meta: { cursor: number } };
type Reader = { parser: Papa.Parser; newline: string; header: string[] | null; line: number };

/** The rows of a CSV file, one batch per piece of text. */
export async function* csvBatches(pieces: AsyncIterable<string>): AsyncGenerator<SourceBatch> {
  let reader: Reader | null = null;
  let carry = "";
  for await (const piece of pieces) {
    const text = carry + piece;
    if (reader === null && !/\n|\r./.test(text) && text.length < ROW_CHARS_MAX) {
      carry = text;
      continue;
    }
    reader ??= createReader(text);
    const rows: SourceRow[] = [];
    carry = parseRows(reader, text, false, rows);
    while (carry.length > ROW_CHARS_MAX)
      carry = parseRows(reader, refuseFirstLine(reader, carry, rows), false, rows);
    yield { header: reader.header, rows };
  }
  if (carry === "") return;
  reader ??= createReader(carry);
  const rows: SourceRow[] = [];
  parseRows(reader, carry, true, rows);
  yield { header: reader.header, rows };
}

function createReader(text: string): Reader {
  const newline = text.includes("\n") ? "\n" : "\r";
  const first = must(text.trimStart().split(/[\r\n]/, 1)[0], "the first line");
  const unquoted = first.replace(/"[^"]*"/g, "");
  const counts = DELIMITERS.map((delimiter) => unquoted.split(delimiter).length);
  const delimiter = DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ",";
  return { parser: new Papa.Parser({ delimiter, newline }), newline, header: null, line: 1 };
}

/** Parses the complete rows of the text and returns the rest, which is empty at the end of the file. */
function parseRows(reader: Reader, text: string, isEnd: boolean, rows: SourceRow[]): string {
  let rest = text;
  let window = text.length;
  for (;;) {
    const chunk = rest.slice(0, window);
    const isWhole = chunk.length === rest.length;
    const lineBefore = reader.line;
    const { data, errors, meta }: ParseResult = reader.parser.parse(chunk, 0, !(isEnd && isWhole));
    const broken = new Set(errors.map((error) => error.row));
    let isBroken = addRows(reader, data, broken, rows);
    const start = isBroken ? offsetOfLine(rest, reader.line - lineBefore, reader.newline) : meta.cursor;
    const open = errors.filter((error) => error.row === data.length).length;
    isBroken ||= (open > 1 || (open === 1 && !endsAtQuote(chunk))) && chunk.includes(reader.newline, start);
    rest = rest.slice(start);
    if (isBroken) {
      rest = refuseFirstLine(reader, rest, rows);
      window = RESUME_CHARS;
    } else if (isWhole) return isEnd ? "" : rest;
    else window *= 2;
  }
}

/** Adds rows up to a broken one that spans several lines; true if there is one. */
function addRows(
  reader: Reader,
  data: string[][],
  broken: Set<number | undefined>,
  rows: SourceRow[],
): boolean {
  for (const [index, values] of data.entries()) {
    const lines = linesOf(values, reader.newline);
    if (broken.has(index) && lines > 1) return true;
    addRow(reader, values, broken.has(index), rows);
    reader.line += lines;
  }
  return false;
}

function addRow(reader: Reader, values: string[], isBroken: boolean, rows: SourceRow[]): void {
  const last = values.length - 1;
  const lastValue = values[last] ?? "";
  if (lastValue.endsWith("\r")) values[last] = lastValue.slice(0, -1);
  if (values.length === 1 && lastValue.trim() === "") return;
  if (reader.header === null) {
    reader.header = uniqueNames(values);
    return;
  }
  const { header, line } = reader;
  if (isBroken)
    rows.push({ line, cells: cellsOf(header, values), fault: "a quote is not closed or not doubled" });
  else if (values.length === header.length) rows.push({ line, cells: cellsOf(header, values), fault: null });
  else {
    const fault = `has ${values.length} cells where the header has ${header.length}`;
    rows.push({ line, cells: cellsOf(header, values), fault });
  }
}

function cellsOf(header: string[], values: string[]): Cells {
  const cells: Cells = {};
  for (let index = 0; index < values.length; index++)
    cells[header[index] ?? `column ${index + 1}`] = values[index];
  return cells;
}

/** Refuses the first line of the text and returns the text after it. */
function refuseFirstLine(reader: Reader, text: string, rows: SourceRow[]): string {
  const end = text.indexOf(reader.newline);
  const first = end === -1 ? text : text.slice(0, end);
  const fault = "a quote is not closed or not doubled";
  rows.push({ line: reader.line, cells: { row: first.slice(0, 2000) }, fault });
  reader.line += 1;
  return end === -1 ? "" : text.slice(end + 1);
}

function linesOf(values: string[], newline: string): number {
  let lines = 1;
  for (const value of values)
    for (let index = value.indexOf(newline); index !== -1; index = value.indexOf(newline, index + 1)) lines++;
  return lines;
}

/** Whether the text ends with a quote: the next piece decides whether it is a closing one. */
function endsAtQuote(text: string): boolean {
  return text.slice(text.lastIndexOf('"') + 1).trim() === "";
}

function offsetOfLine(text: string, line: number, newline: string): number {
  let start = 0;
  for (let left = line; left > 0; left--) start = text.indexOf(newline, start) + 1;
  return start;
}

/** The column names, trimmed; an empty or repeated one gets a unique name. */
function uniqueNames(values: string[]): string[] {
  const seen = new Set<string>(["__proto__"]);
  return values.map((value, index) => {
    const name = value.trim() === "" && index > 0 ? `unnamed: ${index}` : value.trim();
    const unique = seen.has(name) ? `${name} (${index + 1})` : name;
    seen.add(unique);
    return unique;
  });
}
