// Opens a file of shoes, detects its format and yields its rows in batches.
import { open, stat } from "node:fs/promises";
import { extname } from "node:path";
import { textPieces } from "./bytes.ts";
import { csvBatches } from "./read-csv.ts";
import { jsonBatches, ndjsonBatches } from "./read-json.ts";
import type { Cells, SourceBatch } from "./rows.ts";
import { INVALID_MARK } from "./text.ts";

type Format = "csv" | "json" | "ndjson";

/** Bytes read to distinguish a JSON array from one object per line. */
const SNIFF_BYTES = 64 * 1024;
const FORMATS: Record<string, Format> = {
  ".csv": "csv",
  ".tsv": "csv",
  ".ndjson": "ndjson",
  ".jsonl": "ndjson",
};

/** The size of a file to import, in bytes. Throws when it is missing, empty or not a file. */
export async function fileBytes(path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`cannot read ${path}: ${error.code === "ENOENT" ? "no such file" : error.message}`);
  });
  if (!found.isFile()) throw new Error(`cannot read ${path}: it is not a file`);
  if (found.size === 0) throw new Error(`cannot read ${path}: it is empty`);
  return found.size;
}

/** The rows of a file in their order, in constant memory. */
export async function* readBatches(
  path: string,
  onBytes: (bytes: number) => void,
): AsyncGenerator<SourceBatch> {
  const format = await formatOf(path);
  let hasSeenInvalid = false;
  const pieces = observePieces(textPieces(path, onBytes), (piece) => {
    hasSeenInvalid ||= piece.includes(INVALID_MARK);
  });
  const batches =
    format === "csv" ? csvBatches(pieces) : format === "json" ? jsonBatches(pieces) : ndjsonBatches(pieces);
  for await (const batch of batches) {
    if (hasSeenInvalid)
      for (const row of batch.rows)
        if (row.fault === null && hasInvalid(row.cells)) row.fault = "has bytes that are not UTF-8";
    yield batch;
  }
}

async function* observePieces(
  pieces: AsyncIterable<string>,
  onPiece: (piece: string) => void,
): AsyncGenerator<string> {
  for await (const piece of pieces) {
    onPiece(piece);
    yield piece;
  }
}

async function formatOf(path: string): Promise<Format> {
  const known = FORMATS[extname(path).toLowerCase()];
  if (known !== undefined) return known;
  const head = await headOf(path);
  const first = head.trimStart()[0];
  if (first === "[") return "json";
  if (first !== "{") return "csv";
  return isOnePerLine(head) ? "ndjson" : "json";
}

/** Whether the first line is a complete object, and another follows or it does not look like a wrapper of the array. */
function isOnePerLine(head: string): boolean {
  const [line = "", ...rest] = head.trimStart().split("\n");
  try {
    const values = Object.values(JSON.parse(line) as Record<string, unknown>);
    if (rest.join("\n").trimStart().startsWith("{")) return true;
    const lists = values.filter((value) => Array.isArray(value));
    const hasOnlyEmptyLists = lists.length > 0 && values.every((value) => typeof value !== "string");
    return !lists.some((list) => (list.length === 0 ? hasOnlyEmptyLists : typeof list[0] === "object"));
  } catch {
    return false;
  }
}

async function headOf(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

function hasInvalid(value: unknown): boolean {
  if (typeof value === "string") return value.includes(INVALID_MARK);
  if (typeof value !== "object" || value === null) return false;
  for (const name in value) if (hasInvalid((value as Cells)[name])) return true;
  return false;
}
