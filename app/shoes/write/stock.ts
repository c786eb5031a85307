// The stock of a shoe's sizes: admins set it or add to it; only orders take stock for a sale.
import type { Database, Statement } from "../../../db/database.ts";
import { requires } from "../../../db/write/guard.ts";
import { Problem } from "../../http/problems.ts";
import { commitWrite, orProblem } from "../../http/write.ts";
import type { StoredAnswer } from "../../http/write-answer.ts";
import { noShoe } from "../find.ts";
import type { SizeStock } from "./draft.ts";
import { findDraft } from "./save.ts";
import { found, requiresShoe, type ShoeWrite, shoeAnswer, whyUnmet } from "./shoes.ts";

const SIZES_OF = "shoe = (SELECT id FROM shoes WHERE shoe_id = ?1)";

/** Sets the stock of the named sizes only. Throws the `Problem` 400 for a size that the shoe does not have. */
export async function setStock(
  db: Database,
  write: ShoeWrite,
  shoeId: string,
  sizes: SizeStock[],
): Promise<StoredAnswer> {
  const json = JSON.stringify(sizes.map(({ size, stock }) => [size, stock]));
  const named = "lower(size) IN (SELECT lower(value ->> 0) FROM json_each(?2))";
  await refuseUnknownSizes(
    db,
    shoeId,
    sizes.map(({ size }, index) => ({ size, pointer: `/sizes/${index}/size` })),
  );
  const statements = [
    requires(`(SELECT count(*) FROM sizes WHERE ${SIZES_OF} AND ${named}) = ?3`, shoeId, json, sizes.length),
    {
      sql: `UPDATE sizes SET stock =
(SELECT value ->> 1 FROM json_each(?2) WHERE lower(value ->> 0) = lower(size)) WHERE ${SIZES_OF} AND ${named}`,
      args: [shoeId, json],
    },
  ];
  return commitStock(db, write, shoeId, { statements, detail: { sizes } });
}

/** Adds `delta` to the stock of one size. Throws the `Problem` 409 when it would go below zero. */
export async function addStock(
  db: Database,
  write: ShoeWrite,
  shoeId: string,
  { size, delta }: { size: string; delta: number },
): Promise<StoredAnswer> {
  const isSize = `${SIZES_OF} AND lower(size) = lower(?2)`;
  await refuseUnknownSizes(db, shoeId, [{ size, pointer: "/size" }]);
  const statements = [
    requires(`EXISTS (SELECT 1 FROM sizes WHERE ${isSize})`, shoeId, size),
    { sql: `UPDATE sizes SET stock = stock + ?3 WHERE ${isSize}`, args: [shoeId, size, delta] },
  ];
  return commitStock(db, write, shoeId, { statements, detail: { size, delta } });
}

async function commitStock(
  db: Database,
  write: ShoeWrite,
  shoeId: string,
  { statements, detail }: { statements: Statement[]; detail: Record<string, unknown> },
): Promise<StoredAnswer> {
  const committed = commitWrite(db, write, {
    statements: [requiresShoe(shoeId, write.conditions), ...statements],
    audit: { action: "shoe.stock", subject: shoeId, detail },
    answer: shoeAnswer(200, write, shoeId),
  });
  const { answer } = await orProblem(committed, shoeId, () => whyUnmet(db, write, shoeId));
  return found(answer);
}

async function refuseUnknownSizes(
  db: Database,
  shoeId: string,
  sizes: { size: string; pointer: string }[],
): Promise<void> {
  const stored = await db.onPrimary((snapshot) => findDraft(snapshot, shoeId));
  if (!stored) throw noShoe();
  const known = new Set(stored.draft.sizes.map(({ size }) => size.toLowerCase()));
  const errors = sizes
    .filter(({ size }) => !known.has(size.toLowerCase()))
    .map(({ pointer }) => ({ pointer, detail: "is not a size of the shoe" }));
  const [first] = errors;
  if (first) throw new Problem("invalid-request", `${first.pointer.slice(1)} ${first.detail}`, errors);
}
