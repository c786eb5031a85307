// What is derived from the row of a saved shoe: its entry in the search index and its related list.
import type { Statement } from "../../../db/database.ts";
import { bandOf } from "../list/price-bands.ts";
import type { ShoeDraft } from "./draft.ts";

// The rows that this save inserted or changed, by its time stamp. `?1` is a list of ids, or of [id, value] pairs.
export const SAVED =
  "FROM json_each(?1) AS d CROSS JOIN shoes AS s ON s.shoe_id = d.value AND s.updated_at = ?2";
export const SAVED_WITH = SAVED.replace("d.value", "d.value ->> 0");

const OLD_SEARCH = `DELETE FROM search WHERE rowid IN (SELECT s.id ${SAVED} WHERE s.version > 1)`;
const SEARCH = `INSERT INTO search (rowid, title, labels, description, tags)
SELECT f.id, f.title, f.labels, f.description, f.tags ${SAVED} CROSS JOIN search_source AS f ON f.id = s.id`;
const GIVEN = `INSERT INTO related (shoe, shoe_id, given, list) SELECT s.id, s.shoe_id, 1, d.value -> 1 ${SAVED_WITH}
WHERE true ON CONFLICT (shoe) DO UPDATE SET given = 1, list = excluded.list`;
const COMPUTED = `UPDATE related SET list = ?1 WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = ?2 AND updated_at = ?3)
AND given = 0 AND list <> ?1`;
const PENDING = `INSERT INTO related_pending (shoe) SELECT s.id ${SAVED} WHERE true ON CONFLICT DO NOTHING`;
const NOT_PENDING = `DELETE FROM related_pending WHERE shoe IN (SELECT s.id ${SAVED_WITH})`;

/** The ids of drafts as JSON. */
export const idsOf = (drafts: ShoeDraft[]): string => JSON.stringify(drafts.map(({ shoeId }) => shoeId));

/** The statements that index the saved drafts for the search. */
export function searchStatements(drafts: ShoeDraft[], stamp: number): Statement[] {
  const args = [idsOf(drafts), stamp];
  return [
    { sql: OLD_SEARCH, args },
    { sql: SEARCH, args },
  ];
}

/** Whether two drafts with the same sizes in stock have the same entry in the search index: prices count by their bands. */
export const isFoundAlike = (a: ShoeDraft, b: ShoeDraft): boolean =>
  a.description === b.description &&
  isLabelledAlike(a, b) &&
  isPricedAlike(a, b) &&
  isOnSale(a) === isOnSale(b);

const isOnSale = ({ priceCents, listPriceCents }: ShoeDraft): boolean => (listPriceCents ?? 0) > priceCents;
const isPricedAlike = (a: ShoeDraft, b: ShoeDraft): boolean => bandOf(a.priceCents) === bandOf(b.priceCents);

/**
 * Whether a shoe's related list stays when `b` takes the place of `a`. A computed one does while the price stays in its
 * band: the neighbours in price are almost the same.
 */
export const isRelatedAlike = (a: ShoeDraft, b: ShoeDraft): boolean =>
  Bun.deepEquals(a.related, b.related) &&
  (b.related !== null || (isLabelledAlike(a, b) && isPricedAlike(a, b)));

/** Whether two drafts agree in what a computed related list depends on, apart from the price. */
export const isLabelledAlike = (a: ShoeDraft, b: ShoeDraft): boolean =>
  (["title", "category", "brand", "color", "gender"] as const).every((field) => a[field] === b[field]);

/** The statements that save given lists, and leave the others to be computed later. */
export function relatedStatements(drafts: ShoeDraft[], stamp: number): Statement[] {
  const given = drafts.flatMap(({ shoeId, related }) => (related ? [[shoeId, related]] : []));
  const pending = drafts.flatMap(({ shoeId, related }) => (related ? [] : [shoeId]));
  return [
    ...(given.length > 0
      ? [GIVEN, NOT_PENDING].map((sql) => ({ sql, args: [JSON.stringify(given), stamp] }))
      : []),
    ...(pending.length > 0 ? [{ sql: PENDING, args: [JSON.stringify(pending), stamp] }] : []),
  ];
}

/** Whether a statement leaves lists to be computed. */
export const leavesPending = ({ sql }: Statement): boolean => sql === PENDING;

/** The statement that saves a computed list where it differs from the stored one, if that is a computed one too. */
export const computedStatement = (shoeId: string, list: number[], stamp: number): Statement => ({
  sql: COMPUTED,
  args: [JSON.stringify(list), shoeId, stamp],
});
