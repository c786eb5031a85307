// The views of a shoe: SQL expressions that build their JSON inside the database.
import { labelSql, moneySql, timeSql } from "../../db/sql.ts";
import type { Shop } from "../http/shop.ts";

/** The view of an answer with a shoe, and the shop whose settings it shows. */
export type Shown = { view: View; shop: Shop };

/** A shape of the same record: that of the shoe service, or that of the e-commerce gateway. */
export type View = "shoe" | "product";

// `?1` is PUBLIC_URL without its last slash, or empty: it goes before paths on this site.
const absolute = (link: string) =>
  `CASE WHEN ?1 <> '' AND substr(${link}, 1, 1) = '/' THEN ?1 || ${link} ELSE ${link} END`;
const drawn = (s: string) => `?1 || '/images/' || ${s}.shoe_id || '.svg?v=' || ${s}.version`;
const cover = (s: string) =>
  `CASE WHEN ${s}.images = '[]' THEN ${drawn(s)} ELSE ${absolute(`(${s}.images ->> 0)`)} END`;
const gallery = (s: string) => `json(CASE
  WHEN ${s}.images = '[]' THEN json_array(${drawn(s)})
  WHEN ?1 = '' THEN ${s}.images
  ELSE (SELECT json_group_array(${absolute("value")}) FROM json_each(${s}.images)) END)`;
const href = (s: string) => absolute(`coalesce(${s}.href, '/shoes/' || ${s}.slug)`);
const sizes = (s: string) => `(SELECT json_group_array(json_object('size', size, 'stock', stock))
  FROM (SELECT size, stock FROM sizes WHERE shoe = ${s}.id AND size <> '' ORDER BY position))`;
const times = (s: string) =>
  `'createdAt', ${timeSql(`${s}.created_at`)}, 'updatedAt', ${timeSql(`${s}.updated_at`)}`;

/** The JSON object of a shoe in a view, as an SQL expression over the row `s`; binds `?1` (public URL) and `?2` (currency). */
export const shoeJson = (view: View): string =>
  view === "shoe"
    ? `json_object('id', s.shoe_id, 'slug', s.slug, 'title', s.title, 'description', s.description,
  'brand', ${labelSql("s.brand_id")}, 'category', ${labelSql("s.category_id")}, 'color', ${labelSql("s.color_id")},
  'gender', ${labelSql("s.gender_id")}, 'price', ${moneySql("s.price_cents")}, 'priceCents', s.price_cents,
  'listPrice', ${moneySql("s.list_price_cents")}, 'currency', ?2, 'images', ${cover("s")}, 'gallery', ${gallery("s")},
  'href', ${href("s")}, 'stock', s.stock, 'sizeSystem', s.size_system, 'sizes', ${sizes("s")},
  'likes', s.likes, ${times("s")})`
    : `json_object('id', s.shoe_id, 'name', s.title, 'slug', s.slug, 'description', s.description,
  'price', ${moneySql("s.price_cents")}, 'currency', ?2, 'category', ${labelSql("s.category_id")},
  'brand', ${labelSql("s.brand_id")}, 'stock', s.stock, 'sizes', ${sizes("s")}, 'images', ${gallery("s")},
  'likes', s.likes, ${times("s")})`;

/**
 * A shoe with its related shoes, as one SQL expression over its card `c` and its list `r`, in the list's order; ids that do
 * not exist are left out. CROSS JOIN makes SQLite walk the list and find each card by its id, without sorting.
 */
export const relatedJson = `substr(c.card, 1, length(c.card) - 1) || ',"relatedProducts":[' || coalesce((
  SELECT group_concat(t.card, ',') FROM json_each(r.list) AS j CROSS JOIN cards AS t
  WHERE t.id = CASE j.type WHEN 'integer' THEN j.value ELSE (SELECT id FROM shoes WHERE shoe_id = j.value) END
), '') || ']}'`;

/**
 * The same with `?1` (public URL) before paths on this site. A quote within a JSON string is escaped, so the replaced
 * text is always a member's name and the beginning of its value.
 */
export const withPublicUrl = (json: string): string =>
  `CASE WHEN ?1 = '' THEN ${json} ELSE
  replace(replace(${json}, '"images":"/', '"images":"' || ?1 || '/'), '"href":"/', '"href":"' || ?1 || '/') END`;
