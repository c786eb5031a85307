// Splits JSON arrays of any size and NDJSON into rows, one element at a time.
import { messageOf } from "../../db/message.ts";
import { must } from "../../db/must.ts";
import type { Cells, SourceBatch, SourceRow } from "./rows.ts";

/** A longer element ends the import: it would exceed the memory bound. */
const ELEMENT_CHARS_MAX = 8 * 1024 * 1024;
const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const NEWLINE = 10;
const SPACE = 32;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** The rows of a JSON file: an array of objects, or an object that contains one. */
export async function* jsonBatches(pieces: AsyncIterable<string>): AsyncGenerator<SourceBatch> {
  const splitter = createSplitter();
  for await (const piece of pieces) yield { header: null, rows: splitter.push(piece) };
  yield { header: null, rows: splitter.end() };
}

/** The rows of a file with one JSON object per line. */
export async function* ndjsonBatches(pieces: AsyncIterable<string>): AsyncGenerator<SourceBatch> {
  let carry = "";
  let line = 1;
  for await (const piece of pieces) {
    const lines = (carry + piece).split("\n");
    carry = must(lines.pop(), "the last line");
    if (carry.length > ELEMENT_CHARS_MAX) throw new Error(`line ${line + lines.length} is longer than 8 MB`);
    const rows: SourceRow[] = [];
    for (const text of lines) addLine(text, line++, rows);
    yield { header: null, rows };
  }
  const rows: SourceRow[] = [];
  addLine(carry, line, rows);
  yield { header: null, rows };
}

function addLine(text: string, line: number, rows: SourceRow[]): void {
  if (text.trim() !== "") rows.push(elementRow(text, line));
}

function elementRow(text: string, line: number): SourceRow {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { line, cells: value as Cells, fault: null };
    return { line, cells: { row: value }, fault: "is not an object" };
  } catch (error) {
    const reason = messageOf(error);
    return { line, cells: { row: text.trim().slice(0, 2000) }, fault: `is not JSON: ${reason}` };
  }
}

/** The position of the splitter: before any array, just inside one, between elements, in an element, after the array. */
type SplitterMode = "outside" | "peek" | "between" | "element" | "done";

type Splitter = {
  mode: SplitterMode;
  isString: boolean;
  isEscaped: boolean;
  depth: number;
  line: number;
  /** Line and text of the element that is not complete yet. */
  elementLine: number;
  partial: string;
  /** Whether an array of objects, or an empty one, was found. */
  hasArray: boolean;
};

/** Splits off the elements of the first array of objects, at the top level or one object deep, across pieces. */
export function createSplitter(): { push: (piece: string) => SourceRow[]; end: () => SourceRow[] } {
  const splitter: Splitter = {
    mode: "outside",
    isString: false,
    isEscaped: false,
    depth: 0,
    line: 1,
    elementLine: 1,
    partial: "",
    hasArray: false,
  };
  return { push: (piece) => push(splitter, piece), end: () => end(splitter) };
}

function push(splitter: Splitter, piece: string): SourceRow[] {
  const rows: SourceRow[] = [];
  let start = 0;
  for (let index = 0; index < piece.length && splitter.mode !== "done"; index++) {
    if (splitter.isString) index = skipString(splitter, piece, index);
    const code = piece.charCodeAt(index);
    if (code === NEWLINE) splitter.line++;
    if (code <= SPACE || Number.isNaN(code)) continue;
    if (splitter.mode === "peek") enterArray(splitter, code);
    if (splitter.mode === "between") {
      if (code === COMMA) continue;
      if (code === CLOSE_ARRAY) {
        splitter.mode = "done";
        break;
      }
      Object.assign(splitter, { mode: "element", elementLine: splitter.line, depth: 0 });
      start = index;
    }
    if (splitter.mode === "element" && splitter.depth <= 0 && (code === COMMA || code === CLOSE_ARRAY)) {
      rows.push(elementRow(splitter.partial + piece.slice(start, index), splitter.elementLine));
      splitter.partial = "";
      splitter.mode = code === COMMA ? "between" : "done";
    } else step(splitter, code);
  }
  if (splitter.mode === "element") splitter.partial += piece.slice(start);
  if (splitter.partial.length > ELEMENT_CHARS_MAX)
    throw new Error(`line ${splitter.elementLine}: one element is longer than 8 MB`);
  return rows;
}

function end({ mode, hasArray, partial, line, elementLine }: Splitter): SourceRow[] {
  if (mode === "done" || (mode === "outside" && hasArray)) return [];
  if (mode === "outside") throw new Error("the file contains no array of objects");
  const fault = "the file ends inside the array";
  return [{ line: mode === "element" ? elementLine : line, cells: { row: partial.slice(0, 2000) }, fault }];
}

/** The index after the string, or the end of the piece; a string may continue in the next piece. */
function skipString(splitter: Splitter, piece: string, from: number): number {
  let { isEscaped } = splitter;
  let index = from;
  for (; index < piece.length; index++) {
    const code = piece.charCodeAt(index);
    if (isEscaped) isEscaped = false;
    else if (code === BACKSLASH) isEscaped = true;
    else if (code === QUOTE) break;
    if (code === NEWLINE) splitter.line++;
  }
  splitter.isEscaped = isEscaped;
  splitter.isString = index === piece.length;
  return index + 1;
}

/** Decides by an array's first element: objects are shoes, arrays of anything else are skipped. */
function enterArray(splitter: Splitter, code: number): void {
  splitter.hasArray ||= code === OPEN_OBJECT || code === CLOSE_ARRAY;
  if (code === OPEN_OBJECT || splitter.depth === 0) splitter.mode = "between";
  else {
    splitter.mode = "outside";
    splitter.depth++;
  }
}

function step(splitter: Splitter, code: number): void {
  if (code === QUOTE) splitter.isString = true;
  else if (splitter.mode === "outside" && code === OPEN_ARRAY && splitter.depth <= 1) splitter.mode = "peek";
  else if (code === OPEN_OBJECT || code === OPEN_ARRAY) splitter.depth++;
  else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) splitter.depth--;
}
