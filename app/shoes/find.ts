// Finds single resources of the catalogue: a shoe, its related shoes, the categories, the source of its picture.
import type { Database, Readable } from "../../db/database.ts";
import { labelSql } from "../../db/sql.ts";
import { Problem } from "../http/problems.ts";
import type { Shop } from "../http/shop.ts";
import { relatedJson, shoeJson, type View, withPublicUrl } from "./views.ts";
import { isShoeId } from "./write/draft.ts";

/** A finished JSON object with the version of its row. */
type Item = { json: string; version: number };

const ITEM = (view: View) => `SELECT ${shoeJson(view)}, s.version FROM shoes AS s WHERE s.shoe_id = ?3`;
const ITEMS = { shoe: ITEM("shoe"), product: ITEM("product") };
const RELATED = `SELECT ${withPublicUrl(relatedJson)}, c.version, iif(r.given, r.list, NULL)
  FROM cards AS c LEFT JOIN related AS r ON r.shoe = c.id
  WHERE c.id = (SELECT id FROM shoes WHERE shoe_id = ?2)`;

/** The id of the shoe with this slug; `null` when there is none. */
export const findIdOfSlug = (db: Readable, slug: string): string | null =>
  db.read.get<[string]>("SELECT shoe_id FROM shoes WHERE slug = ?", slug)?.[0] ?? null;

/** The id of the shoe at an address, which is an id or a slug. Throws a `Problem` 404. */
export async function shoeIdAt(db: Database, address: string): Promise<string> {
  // An id in the local copy needs no round trip; a condition of the write checks that the shoe still exists.
  if (isShoeId(address) && findVersion(db, address) !== null) return address;
  const shoeId = await db.onPrimary((snapshot) =>
    isShoeId(address) && findVersion(snapshot, address) !== null ? address : findIdOfSlug(snapshot, address),
  );
  if (shoeId === null) throw noShoe();
  return shoeId;
}

/** The `Problem` 404 of an address without a shoe. */
export const noShoe = (): Problem => new Problem("not-found", "there is no such shoe");

/** The version of a shoe's row; `null` when the shoe does not exist. */
export const findVersion = (db: Readable, shoeId: string): number | null =>
  db.read.get<[number]>("SELECT version FROM shoes WHERE shoe_id = ?", shoeId)?.[0] ?? null;

/** A shoe in a view; `null` when it does not exist. */
export function findShoe(
  db: Readable,
  shoeId: string,
  view: View,
  { publicUrl, currency }: Shop,
): Item | null {
  const row = db.read.get<[string, number]>(ITEMS[view], publicUrl, currency, shoeId);
  return row ? { json: row[0], version: row[1] } : null;
}

/** A shoe with its related shoes; `waitsFor` are the ids of its given list, which may name shoes that do not exist yet. */
export function findRelated(
  db: Readable,
  shoeId: string,
  { publicUrl }: Shop,
): (Item & { waitsFor: string[] }) | null {
  const row = db.read.get<[string, number, string | null]>(RELATED, publicUrl, shoeId);
  if (!row) return null;
  const [json, version, given] = row;
  return { json, version, waitsFor: given === null ? [] : (JSON.parse(given) as string[]) };
}

/** All categories with their counts, as finished JSON objects, by name. */
export function listCategories(db: Readable): string[] {
  const rows = db.read.all<
    [string]
  >(`SELECT json_object('name', name, 'slug', key, 'description', description, 'count', shoes)
FROM facets WHERE kind = 'category' ORDER BY name COLLATE NOCASE, id`);
  return rows.map(([json]) => json);
}

/** The attributes that a picture is drawn from, and the version of the shoe's row. */
type PictureSource = {
  shoeId: string;
  title: string;
  category: string | null;
  color: string | null;
  brand: string | null;
  version: number;
};

/** The source of a shoe's picture; `null` when the shoe does not exist. */
export function findPictureSource(db: Readable, shoeId: string): PictureSource | null {
  const row = db.read.get<[string, string | null, string | null, string | null, number]>(
    `SELECT s.title, ${labelSql("s.category_id")}, ${labelSql("s.color_id")}, ${labelSql("s.brand_id")}, s.version
     FROM shoes AS s WHERE s.shoe_id = ?`,
    shoeId,
  );
  if (!row) return null;
  const [title, category, color, brand, version] = row;
  return { shoeId, title, category, color, brand, version };
}
