// The part of the catalogue that the front page shows: the newest shoes and the largest categories.
import type { Readable } from "../../../db/database.ts";
import type { Shop } from "../../http/shop.ts";
import { shoeJson } from "../views.ts";

/** A shoe of the front page; amounts in major units. */
export type ShowcaseShoe = {
  id: string;
  title: string;
  brand: string | null;
  category: string | null;
  price: number;
  listPrice: number | null;
  images: string;
};

export type Showcase = {
  currency: string;
  shoes: ShowcaseShoe[];
  categories: { name: string; count: number }[];
  /** All shoes of the shop. */
  total: number;
};

const SHOES = 12;
const CATEGORIES = 8;
/** The largest categories are picked among this many. */
const CATEGORIES_SCANNED = 200;

const NEWEST = `SELECT ${shoeJson("shoe")} FROM shoes AS s ORDER BY s.id DESC LIMIT ?3`;
const LARGEST = `SELECT name, shoes FROM (SELECT name, shoes FROM facets WHERE kind = 'category' LIMIT ?)
WHERE shoes > 0 ORDER BY shoes DESC, name LIMIT ?`;

/** Reads the showcase; the number of rows read is bounded, whatever the size of the catalogue. */
export function readShowcase({ read }: Readable, { publicUrl, currency }: Shop): Showcase {
  const shoes = read.all<[string]>(NEWEST, publicUrl, currency, SHOES);
  const categories = read.all<[string, number]>(LARGEST, CATEGORIES_SCANNED, CATEGORIES);
  const [total] = read.get<[number]>("SELECT shoes FROM facets WHERE kind = 'all'") ?? [0];
  return {
    currency,
    shoes: shoes.map(([json]) => JSON.parse(json) as ShowcaseShoe),
    categories: categories.map(([name, count]) => ({ name, count })),
    total,
  };
}
