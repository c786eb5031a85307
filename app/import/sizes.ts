// Parses sizes and stock in the forms that files use: one value, lists, pairs, arrays, or words like "in stock".
import { LIMITS, type SizeStock } from "../shoes/shoes.ts";
import { cleanLine, isMissing } from "./text.ts";

/** The stock of a size for which the file has no number. */
const STOCK_DEFAULT = 10;

const AVAILABLE = /^(?:instock|available|yes|true|y|limitedavailability|lowstock|onlineonly|instoreonly)$/;
const SOLD_OUT =
  /^(?:outofstock|soldout|unavailable|notavailable|no|false|n|discontinued|preorder|backorder)$/;
/** "42,5" is one European size, not two. */
const DECIMAL_COMMA = /^\d{2},5$/;

type Pair = { size: string; stock: number | null };

/** The sizes of a row; a returned text is the reason why they are refused. */
export function readSizes(
  sizeValues: readonly unknown[],
  stockValues: readonly unknown[],
): SizeStock[] | string {
  const pairs = sizeValues.flatMap(pairsOf);
  const stocks = stockValues.find((value) => value !== null && value !== undefined && cellText(value) !== "");
  if (pairs.length === 0) pairs.push({ size: "", stock: null });
  const open = pairs.filter((pair) => pair.stock === null);
  const spread = spreadStock(stocks, open.length);
  if (typeof spread === "string") return spread;
  open.forEach((pair, index) => {
    pair.stock = spread[index] ?? STOCK_DEFAULT;
  });
  const united = uniteSizes(pairs.map(({ size, stock }) => ({ size, stock: stock ?? STOCK_DEFAULT })));
  return united.some(({ stock }) => Number.isNaN(stock)) ? "has a stock that is not a number" : united;
}

/** Merges equal sizes and adds up their stock; the size `""` is dropped where there are others. */
export function uniteSizes(sizes: readonly SizeStock[]): SizeStock[] {
  const bySize = new Map<string, SizeStock>();
  for (const { size, stock } of sizes) {
    const known = bySize.get(size.toLowerCase());
    if (known === undefined) bySize.set(size.toLowerCase(), { size, stock });
    else known.stock = Math.min(LIMITS.stockMax, known.stock + stock);
  }
  if (bySize.size > 1) bySize.delete("");
  return [...bySize.values()];
}

/** Stock from a number or a word; NaN for anything else. */
function readStock(value: unknown): number {
  if (value === null || value === undefined || value === "") return STOCK_DEFAULT;
  if (typeof value === "number") return Number.isInteger(value) ? value : Number.NaN;
  const text = cellText(value);
  if (/^\d{1,9}(?:\.0+)?$/.test(text)) return Number(text);
  const word = text
    .toLowerCase()
    .replace(/^https?:\/\/schema\.org\//, "")
    .replace(/[\s_-]/g, "");
  if (AVAILABLE.test(word)) return STOCK_DEFAULT;
  return SOLD_OUT.test(word) ? 0 : Number.NaN;
}

function pairsOf(value: unknown): Pair[] {
  if (typeof value === "number") return [{ size: String(value), stock: null }];
  if (Array.isArray(value)) return value.flatMap(pairsOf);
  if (typeof value === "object" && value !== null) return pairsOfObject(value as Record<string, unknown>);
  const text = cellText(value);
  if (text === "") return [];
  if (/^[[{]/.test(text)) {
    const parsed = parseJson(text);
    if (parsed !== undefined) return pairsOf(parsed);
  }
  if (DECIMAL_COMMA.test(text)) return [{ size: text, stock: null }];
  const separator = ["|", ";", ","].find((each) => text.includes(each));
  return (separator === undefined ? [text] : text.split(separator)).flatMap((part) => {
    const [size = "", stock] = part.split(":", 2).map((each) => each.trim());
    return size === "" ? [] : [{ size, stock: stock === undefined ? null : readStock(stock) }];
  });
}

function pairsOfObject(object: Record<string, unknown>): Pair[] {
  const size = object.size ?? object.name ?? object.value;
  if (size === undefined)
    return Object.entries(object).map(([each, stock]) => ({ size: each, stock: readStock(stock) }));
  const stock =
    object.stock ??
    object.qty ??
    object.quantity ??
    object.inventory ??
    object.available ??
    object.availability;
  return [{ size: cellText(size), stock: stock === undefined ? null : readStock(stock) }];
}

/** The stock of each of `sizes` sizes: from a list of that length, from one word for all, or from a total that is divided. */
function spreadStock(value: unknown, sizes: number): number[] | string {
  if (sizes === 0) return [];
  const given = Array.isArray(value) ? value : typeof value === "string" ? value.split(/[|;,]/) : [value];
  const stocks = given.map((each) => readStock(typeof each === "string" ? each.trim() : each));
  if (stocks.some((stock) => Number.isNaN(stock)))
    return 'is neither a number nor a word such as "in stock" or "sold out"';
  if (stocks.length === sizes) return stocks;
  if (stocks.length > 1) return `has ${stocks.length} stocks for ${sizes} sizes`;
  const total = stocks[0] ?? STOCK_DEFAULT;
  const isNumber = /^\s*\d/.test(String(value));
  if (!isNumber) return Array.from({ length: sizes }, () => total);
  return Array.from(
    { length: sizes },
    (_, index) => Math.floor(total / sizes) + (index < total % sizes ? 1 : 0),
  );
}

function cellText(value: unknown): string {
  const text = cleanLine(typeof value === "string" ? value : String(value ?? ""));
  return isMissing(text) ? "" : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
