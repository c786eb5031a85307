// What every write to a shoe is made of: one group with its conditions in it, its audit row and its answer.
import type { Database, Readable, Statement, Value } from "../../../db/database.ts";
import { labelSql } from "../../../db/sql.ts";
import { isUnmet, requires } from "../../../db/write/guard.ts";
import { auditStatement } from "../../http/audit.ts";
import type { Caller } from "../../http/caller.ts";
import {
  type AnswerSql,
  answerStatement,
  readAnswer,
  type StoreAnswer,
  type StoredAnswer,
} from "../../http/idempotency.ts";
import { toProblem } from "../../http/problem-of.ts";
import { Problem } from "../../http/problems.ts";
import type { Shop } from "../../http/shop.ts";
import { findVersion } from "../shoes.ts";
import { shoeJson, type View } from "../views.ts";
import type { ShoeDraft } from "./draft.ts";

/** Who writes, when, and what is to be kept for a repetition. */
export type Writing = { caller: Caller | null; keep: StoreAnswer; nowMs: number };

/** Versions that a client knows a shoe by; `*`: any. */
export type IfMatch = number[] | "*" | null;

const DRAFT = `SELECT s.version, json_object('shoeId', s.shoe_id, 'title', s.title, 'description', s.description,
  'brand', ${labelSql("s.brand_id")}, 'category', ${labelSql("s.category_id")},
  'color', ${labelSql("s.color_id")}, 'gender', ${labelSql("s.gender_id")},
  'priceCents', s.price_cents, 'listPriceCents', s.list_price_cents, 'images', json(s.images), 'href', s.href,
  'sizeSystem', s.size_system, 'sizes', (SELECT json_group_array(json_object('size', size, 'stock', stock))
    FROM (SELECT size, stock FROM sizes WHERE shoe = s.id ORDER BY position)),
  'related', (SELECT json(list) FROM related WHERE shoe = s.id AND given = 1))
FROM shoes AS s WHERE s.shoe_id = ?`;

/** A shoe as it would be saved again, with its version; `null` when there is none. */
export function findDraft(at: Readable, shoeId: string): { draft: ShoeDraft; version: number } | null {
  const row = at.read.get<[number, string]>(DRAFT, shoeId);
  return row ? { version: row[0], draft: JSON.parse(row[1]) } : null;
}

type ItemExtras = { location?: string; related?: string[] | null };

/** The answer with a shoe in a view; `version` and `view` among its headers are what its entity tag is made of. */
export function itemRecipe(
  status: number,
  view: View,
  { publicUrl, currency }: Shop,
  shoeId: string,
  { location, related = null }: ItemExtras,
): AnswerSql {
  const unknown = `(SELECT json_group_array(value) FROM json_each(?5)
WHERE NOT EXISTS (SELECT 1 FROM shoes WHERE shoe_id = value))`;
  return {
    status,
    headers: `json_object('version', s.version, 'view', '${view}', 'location', ?4)`,
    body: `'{"success":true,"data":' || ${shoeJson(view)} ||
CASE ${unknown} WHEN '[]' THEN '' ELSE ',"unknownRelated":' || ${unknown} END || '}'`,
    from: "FROM shoes AS s WHERE s.shoe_id = ?3",
    args: [publicUrl, currency, shoeId, location ?? null, JSON.stringify(related ?? [])],
  };
}

/** Commits the statements together with their audit row, and reads the answer as it then is. */
export async function inGroup(
  db: Database,
  { caller, keep, nowMs }: Writing,
  recipe: AnswerSql,
  statements: Statement[],
  action: string,
  subject: string,
  detail: Record<string, unknown> = {},
): Promise<StoredAnswer> {
  const results = await db.write(
    [
      ...statements,
      auditStatement(caller, action, subject, detail, nowMs),
      ...keep(recipe),
      answerStatement(recipe),
    ],
    crypto.randomUUID(),
  );
  const answer = readAnswer(recipe, results.at(-1)?.rows);
  if (!answer) throw noShoe();
  return answer;
}

/** The shoe is there, at one of these versions if any are named. */
export function isAt(shoeId: string, condition: IfMatch): Statement {
  const versions = Array.isArray(condition) ? condition : null;
  const args: Value[] = versions ? [shoeId, JSON.stringify(versions)] : [shoeId];
  const isVersion = versions ? " AND version IN (SELECT value FROM json_each(?2))" : "";
  return requires(`EXISTS (SELECT 1 FROM shoes WHERE shoe_id = ?1${isVersion})`, ...args);
}

/** Says why a write's conditions did not hold. */
export async function conditional<T>(
  db: Database,
  shoeId: string,
  condition: IfMatch,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (thrown) {
    if (!isUnmet(thrown)) throw toProblem(thrown, shoeId);
    const version = await db.onPrimary((at) => findVersion(at, shoeId));
    if (version === null) throw noShoe();
    throw Array.isArray(condition)
      ? versionFailed()
      : new Problem("conflict", "the sizes of the shoe have changed");
  }
}

export const noShoe = () => new Problem("not-found", "there is no such shoe");
export const versionFailed = () =>
  new Problem("precondition-failed", "the shoe has another version than If-Match says");
