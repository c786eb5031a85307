// A few shoes for the front page: the newest ones, and the largest categories.
import type { Readable } from "../../../db/database.ts";
import type { Shop } from "../../http/shop.ts";
import type { Showcase, ShowcaseShoe } from "../../pages/front.ts";
import { shoeJson } from "../views.ts";

const SHOES = 12;
const CATEGORIES = 8;
/** Of how many categories the largest are picked. */
const CATEGORIES_LOOKED_AT = 200;

const NEWEST = `SELECT ${shoeJson("shoe")} FROM shoes AS s ORDER BY s.id DESC LIMIT ?3`;
const LARGEST = `SELECT name, shoes FROM (SELECT name, shoes FROM facets WHERE kind = 'category' LIMIT ?)
WHERE shoes > 0 ORDER BY shoes DESC, name LIMIT ?`;

/** Reads what the front page shows; looks at a bounded number of rows, whatever the size of the catalogue. */
export function readShowcase({ read }: Readable, { publicUrl, currency }: Shop): Showcase {
  const shoes = read.all<[string]>(NEWEST, publicUrl, currency, SHOES);
  const categories = read.all<[string, number]>(LARGEST, CATEGORIES_LOOKED_AT, CATEGORIES);
  const [total] = read.get<[number]>("SELECT shoes FROM facets WHERE kind = 'all'") ?? [0];
  return {
    currency,
    shoes: shoes.map(([json]) => JSON.parse(json) as ShowcaseShoe),
    categories: categories.map(([name, count]) => ({ name, count })),
    total,
  };
}
