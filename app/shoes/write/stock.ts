// The stock of a shoe's sizes, set or moved; what is sold is the orders' own affair.
import type { Database } from "../../../db/database.ts";
import { requires } from "../../../db/write/guard.ts";
import type { StoredAnswer } from "../../http/idempotency.ts";
import { Problem } from "../../http/problems.ts";
import type { Shop } from "../../http/shop.ts";
import type { View } from "../views.ts";
import type { SizeStock } from "./draft.ts";
import {
  conditional,
  findDraft,
  type IfMatch,
  inGroup,
  isAt,
  itemRecipe,
  noShoe,
  type Writing,
} from "./group.ts";

const SIZES_OF = "shoe = (SELECT id FROM shoes WHERE shoe_id = ?1)";

/** Sets the stock of these sizes; others stay. Throws the `Problem` 400 for a size that the shoe has not. */
export async function setStock(
  db: Database,
  shoeId: string,
  sizes: SizeStock[],
  view: View,
  shop: Shop,
  condition: IfMatch,
  writing: Writing,
): Promise<StoredAnswer> {
  const json = JSON.stringify(sizes.map(({ size, stock }) => [size, stock]));
  const named = "lower(size) IN (SELECT lower(value ->> 0) FROM json_each(?2))";
  await refuseUnknownSizes(
    db,
    shoeId,
    sizes.map(({ size }, at) => ({ size, pointer: `/sizes/${at}/size` })),
  );
  const recipe = itemRecipe(200, view, shop, shoeId, {});
  const statements = [
    isAt(shoeId, condition),
    requires(`(SELECT count(*) FROM sizes WHERE ${SIZES_OF} AND ${named}) = ?3`, shoeId, json, sizes.length),
    {
      sql: `UPDATE sizes SET stock =
(SELECT value ->> 1 FROM json_each(?2) WHERE lower(value ->> 0) = lower(size)) WHERE ${SIZES_OF} AND ${named}`,
      args: [shoeId, json],
    },
  ];
  return conditional(db, shoeId, condition, () =>
    inGroup(db, writing, recipe, statements, "shoe.stock", shoeId, { sizes }),
  );
}

/** Adds to the stock of one size, or takes from it. Throws the `Problem` 409 when that would go below zero. */
export async function addStock(
  db: Database,
  shoeId: string,
  size: string,
  delta: number,
  view: View,
  shop: Shop,
  condition: IfMatch,
  writing: Writing,
): Promise<StoredAnswer> {
  const isSize = `${SIZES_OF} AND lower(size) = lower(?2)`;
  await refuseUnknownSizes(db, shoeId, [{ size, pointer: "/size" }]);
  const recipe = itemRecipe(200, view, shop, shoeId, {});
  const statements = [
    isAt(shoeId, condition),
    requires(`EXISTS (SELECT 1 FROM sizes WHERE ${isSize})`, shoeId, size),
    { sql: `UPDATE sizes SET stock = stock + ?3 WHERE ${isSize}`, args: [shoeId, size, delta] },
  ];
  return conditional(db, shoeId, condition, () =>
    inGroup(db, writing, recipe, statements, "shoe.stock", shoeId, { size, delta }),
  );
}

async function refuseUnknownSizes(
  db: Database,
  shoeId: string,
  asked: { size: string; pointer: string }[],
): Promise<void> {
  const found = await db.onPrimary((at) => findDraft(at, shoeId));
  if (!found) throw noShoe();
  const known = new Set(found.draft.sizes.map(({ size }) => size.toLowerCase()));
  const errors = asked
    .filter(({ size }) => !known.has(size.toLowerCase()))
    .map(({ pointer }) => ({ pointer, detail: "is not a size of the shoe" }));
  const [first] = errors;
  if (first) throw new Problem("invalid-request", `${first.pointer.slice(1)} ${first.detail}`, errors);
}
