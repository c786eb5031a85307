// The values of requests and replies as JSON, without loss between whole numbers, floats and bytes.
import type { Row, Value } from "../database.ts";
import type { Cell } from "./pipeline.ts";

/** A row of cells as a row of values. */
export const toRow = (row: Cell[]): Row => row.map(toValue);

/** The value as a cell. */
export function toCell(value: Value): Cell {
  if (value === null) return { type: "null" };
  if (typeof value === "string") return { type: "text", value };
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return { type: "integer", value: `${value}` };
  if (typeof value === "number") return { type: "float", value };
  return { type: "blob", base64: Buffer.from(value).toString("base64") };
}

/** The value of a cell; whole numbers beyond 2^53 lose digits. */
export function toValue(cell: Cell): Value {
  if (cell.type === "null") return null;
  if (cell.type === "blob") return new Uint8Array(Buffer.from(cell.base64, "base64"));
  return cell.type === "text" ? cell.value : Number(cell.value);
}
