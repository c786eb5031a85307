// Writes to the catalogue: shoes and categories that come, change and go.
import type { Database } from "../../../db/database.ts";
import { labelKey } from "../../../db/words.ts";
import { isUnmet, requires } from "../../../db/write/guard.ts";
import { auditStatement } from "../../http/audit.ts";
import type { AnswerSql, StoredAnswer } from "../../http/idempotency.ts";
import { toProblem } from "../../http/problem-of.ts";
import { Problem } from "../../http/problems.ts";
import type { Shop } from "../../http/shop.ts";
import { relate } from "../related/later.ts";
import type { View } from "../views.ts";
import { type Change, changed } from "./body.ts";
import type { ShoeDraft } from "./draft.ts";
import {
  conditional,
  findDraft,
  type IfMatch,
  inGroup,
  isAt,
  itemRecipe,
  noShoe,
  versionFailed,
  type Writing,
} from "./group.ts";
import { slugOfDraft } from "./rows.ts";
import { keepWords, planSave, type SavePlan } from "./save.ts";

/** A shoe whose version moves under every try is too busy. */
const TRIES_MAX = 20;

/** Adds a shoe; `location` is its address. Throws the `Problem` 409 when its id is taken, as an id or as a slug. */
export async function addShoe(
  db: Database,
  draft: ShoeDraft,
  view: View,
  shop: Shop,
  location: string,
  writing: Writing,
): Promise<StoredAnswer> {
  const { shoeId, related } = draft;
  const plan = planSave(db, [draft], { origin: "api", onConflict: "fail", nowMs: writing.nowMs });
  const recipe = itemRecipe(201, view, shop, shoeId, { location, related });
  const isFree = requires(
    "NOT EXISTS (SELECT 1 FROM shoes WHERE slug = ?1 OR shoe_id = ?2)",
    shoeId,
    slugOfDraft(draft),
  );
  const answer = await inGroup(db, writing, recipe, [isFree, ...plan.statements], "shoe.add", shoeId).catch(
    (thrown) => {
      throw isUnmet(thrown) ? taken(shoeId) : toProblem(thrown, shoeId);
    },
  );
  await afterSave(db, plan, draft);
  return answer;
}

/** Changes a shoe by what `change` makes of it as it is now; two changes at once lose nothing of one another. */
export async function changeShoe(
  db: Database,
  shoeId: string,
  change: Change,
  view: View,
  shop: Shop,
  condition: IfMatch,
  writing: Writing,
): Promise<StoredAnswer> {
  return inTurn(shoeId, async () => {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const found = await db.onPrimary((at) => findDraft(at, shoeId));
      if (!found) throw noShoe();
      if (Array.isArray(condition) && !condition.includes(found.version)) throw versionFailed();
      const draft = changed(found.draft, change, view, shop);
      const sizesGiven = change.sizes !== undefined;
      const plan = planSave(db, [draft], {
        origin: "api",
        onConflict: "replace",
        nowMs: writing.nowMs,
        keepsStock: !sizesGiven,
        isForced: sizesGiven,
        before: found.draft,
      });
      const recipe = itemRecipe(200, view, shop, shoeId, {});
      const statements = [isAt(shoeId, [found.version]), ...plan.statements];
      try {
        const answer = await inGroup(db, writing, recipe, statements, "shoe.replace", shoeId);
        await afterSave(db, plan, draft);
        return answer;
      } catch (thrown) {
        if (!isUnmet(thrown)) throw toProblem(thrown, shoeId);
      }
    }
    throw new Problem("unavailable", "the shoe is changing too fast", [], { "retry-after": "1" });
  });
}

/** Removes a shoe with its sizes, likes and related list. */
export async function removeShoe(
  db: Database,
  shoeId: string,
  condition: IfMatch,
  { caller, nowMs }: Writing,
): Promise<void> {
  await conditional(db, shoeId, condition, () =>
    db.write(
      [
        isAt(shoeId, condition),
        { sql: "DELETE FROM shoes WHERE shoe_id = ?", args: [shoeId] },
        auditStatement(caller, "shoe.remove", shoeId, {}, nowMs),
      ],
      crypto.randomUUID(),
    ),
  );
}

/** Adds a category. Throws the `Problem` 409 when there is one of its name. */
export async function addCategory(
  db: Database,
  { name, description }: { name: string; description: string },
  writing: Writing,
): Promise<StoredAnswer> {
  const slug = labelKey("category", name);
  const recipe: AnswerSql = {
    status: 201,
    headers: "'{}'",
    body: `json_object('success', json('true'), 'data',
json_object('name', name, 'slug', key, 'description', description, 'count', shoes))`,
    from: "FROM facets WHERE kind = 'category' AND key = ?1",
    args: [slug],
  };
  const insert = {
    sql: "INSERT INTO facets (kind, key, name, description) VALUES ('category', ?, ?, ?)",
    args: [slug, name, description],
  };
  return inGroup(db, writing, recipe, [insert], "category.add", slug).catch((thrown) => {
    throw toProblem(thrown, slug);
  });
}

async function afterSave(db: Database, { words }: SavePlan, { related, shoeId }: ShoeDraft): Promise<void> {
  keepWords(db, words);
  if (related === null) await relate(db, shoeId);
}

const turns = new Map<string, Promise<unknown>>();

/** One after the other for each shoe; what another process does is met by the version. */
async function inTurn<T>(shoeId: string, work: () => Promise<T>): Promise<T> {
  const before = turns.get(shoeId) ?? Promise.resolve();
  const mine = before.then(work, work);
  turns.set(shoeId, mine);
  try {
    return await mine;
  } finally {
    if (turns.get(shoeId) === mine) turns.delete(shoeId);
  }
}

const taken = (shoeId: string) =>
  new Problem("conflict", `shoe_id ${shoeId} is taken`, [{ pointer: "/shoe_id", detail: "is taken" }]);
