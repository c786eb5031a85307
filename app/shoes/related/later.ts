// Related shoes where a commit is far away: many lists together, from the copy here, a moment after their shoes were saved.
import type { Database } from "../../../db/database.ts";
import { toProblem } from "../../http/problem-of.ts";
import { computeRelatedHere, computeRelatedOf } from "./related.ts";

/** A shoe that was saved has its list after about this time. */
const SOON_MS = 250;
/** The copy shows a save within a fraction of a second; who waits longer than this many rounds is left to the tidying. */
const ROUNDS_MAX = 40;

type Waiting = Map<string, number>;
const waiting = new WeakMap<Database, Waiting>();

/** Gives a saved shoe its list: at once where that is cheap, else soon. A list that cannot be made now waits on. */
export async function relate(db: Database, shoeId: string): Promise<void> {
  if (!db.isRemote) return computeRelatedOf(db, shoeId).catch(elseLater);
  const mine = waiting.get(db) ?? start(db);
  mine.set(shoeId, ROUNDS_MAX);
}

function start(db: Database): Waiting {
  const mine: Waiting = new Map();
  waiting.set(db, mine);
  // The program need not stay for it: what waits is in the database.
  setTimeout(() => void round(db, mine), SOON_MS).unref();
  return mine;
}

async function round(db: Database, mine: Waiting): Promise<void> {
  try {
    for (const shoeId of await computeRelatedHere(db, [...mine.keys()])) mine.delete(shoeId);
  } catch (thrown) {
    elseLater(thrown);
  }
  for (const [shoeId, rounds] of mine)
    if (rounds > 1) mine.set(shoeId, rounds - 1);
    else mine.delete(shoeId);
  if (mine.size === 0) waiting.delete(db);
  else setTimeout(() => void round(db, mine), SOON_MS).unref();
}

/** The shoe is saved, so nobody may be told that it is not. */
function elseLater(thrown: unknown): void {
  const { type } = toProblem(thrown);
  if (type !== "unavailable" && type !== "outcome-unknown") throw thrown;
}
