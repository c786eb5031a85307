// A few shoes for a shop window: the newest ones, and the largest categories.
import type { Database } from "../../db/database.ts";
import type { Shop } from "./lists.ts";
import { shoeJson } from "./views.ts";

/** A shoe as a card shows it; amounts in major units. */
export type Card = {
  id: string;
  title: string;
  brand: string | null;
  category: string | null;
  price: number;
  listPrice: number | null;
  currency: string;
  images: string;
};

/** What the window shows: the newest shoes, the largest categories and how many shoes there are in all. */
export type Showcase = { shoes: Card[]; categories: { name: string; count: number }[]; total: number };

const SHOES = 12;
const CATEGORIES = 8;
/** Of how many categories the largest are picked. */
const CATEGORIES_LOOKED_AT = 200;

const NEWEST = `SELECT ${shoeJson("shoe")} FROM shoes AS s ORDER BY s.id DESC LIMIT ?3`;
const LARGEST = `SELECT name, shoes FROM (SELECT name, shoes FROM facets WHERE kind = 'category' LIMIT ?)
WHERE shoes > 0 ORDER BY shoes DESC, name LIMIT ?`;

/** Reads the window; looks at a bounded number of rows, whatever the size of the catalogue. */
export function readShowcase({ read }: Database, { publicUrl, currency }: Shop): Showcase {
  const shoes = read.all<[string]>(NEWEST, publicUrl, currency, SHOES);
  const categories = read.all<[string, number]>(LARGEST, CATEGORIES_LOOKED_AT, CATEGORIES);
  const [total] = read.get<[number]>("SELECT shoes FROM facets WHERE kind = 'all'") ?? [0];
  return {
    shoes: shoes.map(([json]) => JSON.parse(json) as Card),
    categories: categories.map(([name, count]) => ({ name, count })),
    total,
  };
}
