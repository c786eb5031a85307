// Writes to the catalogue: adds, changes and removes shoes, adds categories.
import type { Database } from "../../../db/database.ts";
import { labelKey } from "../../../db/words.ts";
import { isUnmet, requires } from "../../../db/write/guard.ts";
import { conditionFailed, mayChange, requiresRow } from "../../http/conditions.ts";
import { toProblem } from "../../http/problem-of.ts";
import { Problem } from "../../http/problems.ts";
import { commitWrite, orProblem, type Write } from "../../http/write.ts";
import type { AnswerSql, StoredAnswer } from "../../http/write-answer.ts";
import { findVersion, noShoe } from "../find.ts";
import { listAtPrice, openRelatedQueue, type RelatedQueue } from "../related/related.ts";
import { type Shown, shoeJson, type View } from "../views.ts";
import { isLabelledAlike, isRelatedAlike } from "./derived.ts";
import { type Change, changed, type ShoeDraft, slugOfDraft } from "./draft.ts";
import { findDraft, openSaving, planSave, type SavePlan, type Saving } from "./save.ts";

/** Tries of a change while other processes change the shoe. */
const TRIES_MAX = 20;

/** The catalogue for writes of this process. */
export type Catalogue = Saving & {
  /** Runs `work` after all earlier work of this process on the same shoe; a row's version reveals changes of others. */
  inTurn<T>(shoeId: string, work: () => Promise<T>): Promise<T>;
  related: RelatedQueue;
  /** Stops computing related lists, and waits for current writes. */
  close(): Promise<void>;
};

/** Opens the catalogue of a database. */
export function openCatalogue(db: Database): Catalogue {
  const turns = new Map<string, Promise<unknown>>();
  const related = openRelatedQueue(db);
  return {
    ...openSaving(db),
    async inTurn(shoeId, work) {
      const before = turns.get(shoeId) ?? Promise.resolve();
      const mine = before.then(work, work);
      turns.set(shoeId, mine);
      try {
        return await mine;
      } finally {
        if (turns.get(shoeId) === mine) turns.delete(shoeId);
      }
    },
    related,
    close: related.close,
  };
}

/** A write whose answer shows the shoe. */
export type ShoeWrite = Write & Shown;

/** Adds a shoe. Throws the `Problem` 409 when its id is taken, as an id or as a slug. */
export async function addShoe(
  catalogue: Catalogue,
  write: ShoeWrite,
  draft: ShoeDraft,
): Promise<StoredAnswer> {
  const { shoeId, related } = draft;
  const plan = planSave(catalogue, [draft], { origin: "api", onConflict: "fail", nowMs: write.nowMs });
  const isFree = requires(
    "NOT EXISTS (SELECT 1 FROM shoes WHERE slug = ?1 OR shoe_id = ?2)",
    shoeId,
    slugOfDraft(draft),
  );
  const committed = commitWrite(catalogue.db, write, {
    statements: [isFree, ...plan.statements],
    audit: { action: "shoe.add", subject: shoeId },
    answer: shoeAnswer(201, write, shoeId, { location: `${write.path}/${shoeId}`, related }),
  });
  const { answer } = await orProblem(committed, shoeId, () => taken(shoeId));
  await afterSave(catalogue, plan, shoeId);
  return found(answer);
}

/** Applies a change to the current state of a shoe; concurrent changes of other fields are not lost. */
export async function changeShoe(
  catalogue: Catalogue,
  write: ShoeWrite,
  shoeId: string,
  change: Change,
): Promise<StoredAnswer> {
  const { db } = catalogue;
  return catalogue.inTurn(shoeId, async () => {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const before = await db.onPrimary((snapshot) => findDraft(snapshot, shoeId));
      if (!before) throw noShoe();
      if (!mayChange(write.conditions, before.version))
        throw conditionFailed(write.conditions, before.version);
      const draft = changed(before.draft, change, write.shop);
      const sizesGiven = change.sizes !== undefined;
      const plan = planSave(catalogue, [draft], {
        origin: "api",
        onConflict: "replace",
        nowMs: write.nowMs,
        keepsStock: !sizesGiven,
        isForced: sizesGiven,
        before: before.draft,
        relatedList: listAfter(db, before, draft),
      });
      try {
        const { answer } = await commitWrite(db, write, {
          statements: [
            requiresShoe(shoeId, { match: [before.version], noneMatch: null }),
            ...plan.statements,
          ],
          audit: { action: "shoe.replace", subject: shoeId },
          answer: shoeAnswer(200, write, shoeId),
        });
        await afterSave(catalogue, plan, shoeId);
        return found(answer);
      } catch (thrown) {
        if (!isUnmet(thrown)) throw toProblem(thrown, shoeId);
      }
    }
    throw new Problem("unavailable", "other requests keep changing the shoe", [], { "retry-after": "1" });
  });
}

/** Removes a shoe with its sizes, likes and related list. */
export async function removeShoe(db: Database, write: Write, shoeId: string): Promise<void> {
  const committed = commitWrite(db, write, {
    statements: [
      requiresShoe(shoeId, write.conditions),
      { sql: "DELETE FROM shoes WHERE shoe_id = ?", args: [shoeId] },
    ],
    audit: { action: "shoe.remove", subject: shoeId },
  });
  await orProblem(committed, shoeId, () => whyUnmet(db, write, shoeId));
}

/** Adds a category. Throws the `Problem` 409 when its slug is taken. */
export async function addCategory(
  db: Database,
  write: Write,
  { name, description }: { name: string; description: string },
): Promise<StoredAnswer> {
  const slug = labelKey("category", name);
  const answer: AnswerSql = {
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
  const audit = { action: "category.add", subject: slug };
  const committed = await orProblem(commitWrite(db, write, { statements: [insert], audit, answer }), slug);
  return found(committed.answer);
}

/** The condition that the shoe exists with a version that may be changed. */
export const requiresShoe = (shoeId: string, conditions: Write["conditions"]) =>
  requiresRow("shoes", "shoe_id", shoeId, conditions);

/** The `Problem` of the condition that did not hold: the shoe is gone, has another version, or other sizes. */
export async function whyUnmet(db: Database, { conditions }: Write, shoeId: string): Promise<Problem> {
  const version = await db.onPrimary((snapshot) => findVersion(snapshot, shoeId));
  if (version === null) return noShoe();
  return mayChange(conditions, version)
    ? new Problem("conflict", "the sizes of the shoe have changed")
    : conditionFailed(conditions, version);
}

/** The answer of a committed write. Throws the `Problem` 404 when it found no shoe. */
export function found(answer: StoredAnswer | null): StoredAnswer {
  if (!answer) throw noShoe();
  return answer;
}

async function afterSave({ vocabulary, related }: Catalogue, plan: SavePlan, shoeId: string): Promise<void> {
  vocabulary.note(plan.words);
  if (plan.isPending) await related.add(shoeId);
}

/** The computed list of a shoe whose price alone changed; `null` where it has none, or it must be computed later. */
const listAfter = (
  db: Database,
  before: { draft: ShoeDraft; version: number },
  draft: ShoeDraft,
): number[] | null =>
  draft.related === null &&
  before.draft.related === null &&
  isLabelledAlike(before.draft, draft) &&
  !isRelatedAlike(before.draft, draft)
    ? listAtPrice(db, draft.shoeId, before.version, draft.priceCents)
    : null;

const taken = (shoeId: string) =>
  new Problem("conflict", `shoe_id ${shoeId} is taken`, [{ pointer: "/shoe_id", detail: "is taken" }]);

const ANSWERS = { shoe: answerWith("shoe"), product: answerWith("product") };

function answerWith(view: View): Pick<AnswerSql, "headers" | "body" | "from"> {
  const unknown = `(SELECT json_group_array(value) FROM json_each(?5)
WHERE NOT EXISTS (SELECT 1 FROM shoes WHERE shoe_id = value))`;
  return {
    headers: `json_object('version', s.version, 'view', '${view}', 'location', ?4, 'more',
CASE ${unknown} WHEN '[]' THEN NULL ELSE ',"unknownRelated":' || ${unknown} END)`,
    body: `'{"success":true,"data":' || ${shoeJson(view)} || '}'`,
    from: "FROM shoes AS s WHERE s.shoe_id = ?3",
  };
}

/**
 * The answer of a write with the shoe's new state. `location` is the address of a new shoe; `unknownRelated` beside the
 * shoe lists the ids of its given `related` list that do not exist yet.
 */
export function shoeAnswer(
  status: number,
  { view, shop: { publicUrl, currency } }: Shown,
  shoeId: string,
  { location, related }: { location?: string; related?: string[] | null } = {},
): AnswerSql {
  const args = [publicUrl, currency, shoeId, location ?? null, JSON.stringify(related ?? [])];
  return { status, ...ANSWERS[view], args };
}
