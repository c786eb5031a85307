// Cursors: opaque texts that say where a list goes on. Only the canonical text is accepted, so each position has one text.

/** The sort value and id of the last row shown, or the number of ranked rows before; `text` is the cursor itself. */
export type Position = { value: string | number; id: number; offset: number; text: string };

const TEXT_MAX = 1_000;
/** Larger than any ranked set. */
const RANKED_OFFSET_MAX = 100_000;
const NUMBER_TEXT_MAX = 32;

/** The cursor of a list in this sort. */
export const encodeCursor = (sort: string, value: string | number, id: number, offset: number): string =>
  encode(JSON.stringify([sort, value, id, offset]));

/** Reads a cursor of a list with this sort; `null` when it is not one. */
export function decodeCursor(text: string, sort: string): Position | null {
  if (text.length > TEXT_MAX || !/^[\w-]+$/.test(text)) return null;
  const parts = parse(decode(text));
  if (!Array.isArray(parts) || parts.length !== 4 || parts[0] !== sort) return null;
  const [, value, id, offset] = parts as unknown[];
  if (typeof value !== "string" && !Number.isSafeInteger(value)) return null;
  if (!isCount(id, Number.MAX_SAFE_INTEGER) || !isCount(offset, RANKED_OFFSET_MAX)) return null;
  if (encodeCursor(sort, value as string | number, id, offset) !== text) return null;
  return { value: value as string | number, id, offset, text };
}

/** The cursor of a list whose position is one number from 1: the last row shown, or the number of rows before. */
export const encodeNumber = (number: number): string => encode(`s${number}`);

/** Reads a cursor that holds a number; `null` when it is not one. */
export function decodeNumber(text: string): number | null {
  const number = Number(/^s([1-9]\d{0,15})$/.exec(decode(text.slice(0, NUMBER_TEXT_MAX)))?.[1]);
  return Number.isSafeInteger(number) && encodeNumber(number) === text ? number : null;
}

const encode = (text: string): string => Buffer.from(text).toString("base64url");
const decode = (text: string): string => Buffer.from(text, "base64url").toString();

const isCount = (value: unknown, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
