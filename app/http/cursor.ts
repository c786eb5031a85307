// Where a list goes on: an opaque text that holds the last row's sort value and id, or a bounded offset.

/** A decoded cursor: `value` and `id` of the last row shown, or `offset` in a ranked set; `text` is the cursor itself. */
export type Position = { value: string | number; id: number; offset: number; text: string };

const TEXT_MAX = 1_000;
const OFFSET_MAX = 100_000;

/** Writes the cursor of the row after which the list goes on. */
export const encodeCursor = (sort: string, value: string | number, id: number, offset: number): string =>
  Buffer.from(JSON.stringify([sort, value, id, offset])).toString("base64url");

/** Reads a cursor of a list with this sort; `null` when it is not one. */
export function decodeCursor(text: string, sort: string): Position | null {
  if (text.length > TEXT_MAX || !/^[\w-]+$/.test(text)) return null;
  const parts = parse(Buffer.from(text, "base64url").toString("utf8"));
  if (!Array.isArray(parts) || parts.length !== 4 || parts[0] !== sort) return null;
  const [, value, id, offset] = parts as unknown[];
  if (typeof value !== "string" && !Number.isSafeInteger(value)) return null;
  if (!isCount(id, Number.MAX_SAFE_INTEGER) || !isCount(offset, OFFSET_MAX)) return null;
  // Only the spelling that we write ourselves, so that one position has one text.
  if (encodeCursor(sort, value as string | number, id, offset) !== text) return null;
  return { value: value as string | number, id, offset, text };
}

const isCount = (value: unknown, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
