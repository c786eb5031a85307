// Converts the cells of a row into a shoe draft, or refuses the row with the field and the reason.
import { must } from "../../db/must.ts";
import { checkDraft, type ShoeDraft } from "../shoes/shoes.ts";
import type { Columns } from "./columns.ts";
import { decodePercent, type RowIdentity, shoeIdOf, shoeIdOfTitle } from "./identity.ts";
import { jsonList, readLink, splitLinks } from "./links.ts";
import { currencyOf, inShopCents, type MoneyRules, readAmount } from "./money.ts";
import type { Cells } from "./rows.ts";
import { readSizes } from "./sizes.ts";
import { cleanLine, cleanText, isMissing } from "./text.ts";

/** Why a row is refused; `field` is a JSON pointer as in the API, null where the reason concerns the whole row. */
export type Refusal = { field: string | null; reason: string };

/** The draft of a row, or why it is refused. */
export type ConvertedRow = { draft: ShoeDraft } | { refusal: Refusal };

const GENDERS: Record<string, string> = {
  men: "men", mens: "men", man: "men", male: "men", m: "men",
  women: "women", womens: "women", woman: "women", female: "women", ladies: "women", w: "women", f: "women",
  kids: "kids", kid: "kids", children: "kids", child: "kids", boys: "kids", girls: "kids", junior: "kids",
  youth: "kids", toddler: "kids", infant: "kids", baby: "kids",
  unisex: "unisex",
}; // biome-ignore format: a table

type RefusedRow = { refusal: Refusal };

/** Converts a row; a missing title or price is taken from `base`, the draft of an earlier row of the shoe. */
export function convertRow(
  cells: Cells,
  columns: Columns,
  identity: RowIdentity,
  money: MoneyRules,
  base: ShoeDraft | null,
): ConvertedRow {
  const prices = readPrices(cells, columns, money, base);
  if ("refusal" in prices) return prices;
  const links = readLinks(cells, columns);
  if ("refusal" in links) return links;
  const sizes = readSizes(valuesOf(cells, columns.size), valuesOf(cells, columns.stock));
  if (typeof sizes === "string") return refuse("/sizes", sizes);
  const { title, brand } = readNames(cells, columns, links.href);
  if (title === null && base === null) return refuse("/title", "is missing");
  const shoeId = identity.shoeId ?? base?.shoeId ?? shoeIdOfTitle(must(title, "the title"), identity.key);
  const breadcrumbs = lineOf(cells, columns.breadcrumbs)?.split(/\s*[/>]\s*/) ?? [];
  const draft: ShoeDraft = {
    shoeId,
    title: must(title ?? base?.title, "the title"),
    description: cleanText(textOf(valuesOf(cells, columns.description)) ?? ""),
    brand,
    category: lineOf(cells, columns.category) ?? (breadcrumbs.at(-1) || null),
    color: lineOf(cells, columns.color),
    gender: readGender(cells, columns, breadcrumbs),
    ...prices,
    ...links,
    sizeSystem: lineOf(cells, columns.sizeSystem),
    sizes,
    related: readRelated(cells, columns, shoeId),
  };
  const [wrong] = checkDraft(draft);
  return wrong === undefined ? { draft } : refuse(wrong.pointer, wrong.detail);
}

function refuse(field: string, reason: string): RefusedRow {
  return { refusal: { field, reason } };
}

type Prices = Pick<ShoeDraft, "priceCents" | "listPriceCents">;

/** The price is the sale price if there is one; a list price of 0 or not above the price is ignored. */
function readPrices(
  cells: Cells,
  columns: Columns,
  money: MoneyRules,
  base: ShoeDraft | null,
): Prices | RefusedRow {
  const column = lineOf(cells, columns.currency);
  const currency = column === null ? null : currencyOf(column, money.currency);
  if (column !== null && currency === null) return refuse("/price", `has an unknown currency ${column}`);
  const found: Record<"sale" | "price" | "list", number> = { sale: 0, price: 0, list: 0 };
  for (const [kind, names] of [
    ["sale", columns.salePrice],
    ["price", columns.price],
    ["list", columns.listPrice],
  ] as const) {
    for (const name of names) {
      const value = amountText(cells[name]);
      if (value === null || found[kind] > 0) continue;
      const amount = readAmount(value, currency, money.currency);
      const cents = typeof amount === "string" ? amount : inShopCents(amount, money);
      if (typeof cents === "string")
        return refuse(kind === "list" ? "/listPrice" : "/price", `${value} ${cents}`);
      found[kind] = cents;
    }
  }
  const priceCents = found.sale || found.price || found.list;
  if (priceCents === 0 && base !== null)
    return { priceCents: base.priceCents, listPriceCents: base.listPriceCents };
  if (priceCents === 0) return refuse("/price", "is missing or 0");
  const listPriceCents = [found.list, found.price].find((cents) => cents > priceCents) ?? null;
  return { priceCents, listPriceCents };
}

/** An amount as text or number, also out of {"amount": 80, "currency": "USD"}; null where there is none. */
function amountText(value: unknown): string | number | null {
  if (typeof value === "number") return value;
  if (typeof value === "string") {
    const text = cleanLine(value);
    return isMissing(text) ? null : text;
  }
  if (typeof value !== "object" || value === null) return null;
  const object = value as Cells;
  const amount = amountText(object.amount ?? object.value ?? null);
  return amount !== null && typeof object.currency === "string" ? `${amount} ${object.currency}` : amount;
}

type Links = Pick<ShoeDraft, "images" | "href">;

function readLinks(cells: Cells, columns: Columns): Links | RefusedRow {
  const images = new Set<string>();
  for (const value of valuesOf(cells, columns.images))
    for (const part of splitLinks(value)) {
      const read = readLink(part);
      if ("reason" in read) return refuse("/images", read.reason);
      images.add(read.link);
    }
  const href = lineOf(cells, columns.href);
  if (href === null) return { images: [...images], href: null };
  const read = readLink(href);
  return "reason" in read ? refuse("/href", read.reason) : { images: [...images], href: read.link };
}

function readNames(
  cells: Cells,
  columns: Columns,
  href: string | null,
): { title: string | null; brand: string | null } {
  const title = lineOf(cells, columns.title);
  const brand = lineOf(cells, columns.brand);
  if (title !== null && brand !== null && columns.titleIsModel) return { title: `${brand} ${title}`, brand };
  if (title !== null && href !== null && columns.titleMayBeBrand) {
    const fromUrl = nameInUrl(title, href);
    if (fromUrl !== null) return { title: fromUrl, brand: title };
  }
  return { title, brand: brand === null ? null : withoutRepeats(brand) };
}

/** The words of the URL's last segment without a number at its end, if it begins with the words of `title`. */
function nameInUrl(title: string, href: string): string | null {
  const last = must(
    href
      .replace(/[?#].*$/, "")
      .split("/")
      .at(-1),
    "the last segment",
  );
  const words = cleanLine(
    decodePercent(last)
      .replace(/\.html?$/i, "")
      .replace(/[-_]+/g, " "),
  );
  const beginning = cleanLine(title.replace(/[-_]+/g, " "));
  if (!words.toLowerCase().startsWith(`${beginning.toLowerCase()} `)) return null;
  const rest = words
    .slice(beginning.length)
    .replace(/\s+\d+$/, "")
    .trim();
  return rest === "" ? null : `${title} ${rest}`;
}

/** The brand without repeated words ("Adidas Adidas ORIGINALS"), unless it has two only ("Miu Miu"). */
function withoutRepeats(brand: string): string {
  const words = brand.split(" ");
  if (words.length < 3) return brand;
  return words
    .filter((word, index) => index === 0 || word.toLowerCase() !== words[index - 1]?.toLowerCase())
    .join(" ");
}

function readGender(cells: Cells, columns: Columns, breadcrumbs: string[]): string | null {
  const text = lineOf(cells, columns.gender) ?? (columns.gender.length === 0 ? breadcrumbs[0] : undefined);
  if (text === undefined) return null;
  return GENDERS[text.toLowerCase().replace(/['’\s]/g, "")] ?? null;
}

function readRelated(cells: Cells, columns: Columns, shoeId: string): string[] | null {
  const ids = new Set(valuesOf(cells, columns.related).flatMap(idsOf).map(shoeIdOf));
  ids.delete(shoeId);
  return ids.size === 0 ? null : [...ids];
}

function idsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(idsOf);
  if (typeof value === "number") return [String(value)];
  if (typeof value === "object" && value !== null) {
    const object = value as Cells;
    return idsOf(object.shoe_id ?? object.product_id ?? object.id ?? object.sku);
  }
  if (typeof value !== "string") return [];
  const text = cleanLine(value);
  if (isMissing(text)) return [];
  const list = text.startsWith("[") ? jsonList(text) : null;
  return list === null ? text.split(/[\s,;|~]+/).filter((id) => id !== "") : list.flatMap(idsOf);
}

/** The first non-empty text in these columns, as one line. */
function lineOf(cells: Cells, names: readonly string[]): string | null {
  for (const name of names) {
    const text = textOf([cells[name]]);
    if (text === null) continue;
    const line = cleanLine(text);
    if (!isMissing(line)) return line;
  }
  return null;
}

function textOf(values: readonly unknown[]): string | null {
  for (const value of values) {
    if (typeof value === "string") {
      if (!isMissing(value.trim())) return value;
    } else if (typeof value === "number" || typeof value === "boolean") return String(value);
    else if (Array.isArray(value)) return textOf(value);
    else if (typeof value === "object" && value !== null) {
      const object = value as Cells;
      const text = textOf([object.name, object.title, object.value]);
      if (text !== null) return text;
    }
  }
  return null;
}

function valuesOf(cells: Cells, names: readonly string[]): unknown[] {
  return names.map((name) => cells[name]);
}
