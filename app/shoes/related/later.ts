// Related shoes of a shoe that was just saved: at once on one machine, a moment later and many together on a node.
import type { Database } from "../../../db/database.ts";
import { toProblem } from "../../http/problem-of.ts";
import { computeRelatedHere, computeRelatedOf } from "./related.ts";

/** Computes related lists of saved shoes; a list that cannot be computed now is left to the upkeep of the database. */
export type RelatedQueue = {
  /** Computes the list of a saved shoe where a commit is cheap, else queues the shoe. An unavailable database is no error. */
  add(shoeId: string): Promise<void>;
  /** Takes no more shoes, and waits for the commit that is under way. */
  close(): Promise<void>;
};

/** A queued shoe has its list after about this time. */
const SOON_MS = 250;
/** The replica shows a save within a fraction of a second; a shoe that it does not show in so many rounds is given up. */
const ROUNDS_MAX = 40;

/** Opens an empty queue. */
export function openRelatedQueue(db: Database): RelatedQueue {
  const roundsLeft = new Map<string, number>();
  let timer: Timer | undefined;
  let underWay = Promise.resolve();
  let isClosed = false;

  const schedule = () => {
    timer = setTimeout(() => {
      underWay = round();
    }, SOON_MS);
    // Does not keep the process alive: what waits is in the database.
    timer.unref();
  };

  const round = async () => {
    try {
      for (const shoeId of await computeRelatedHere(db, [...roundsLeft.keys()])) roundsLeft.delete(shoeId);
    } catch (thrown) {
      unlessLater(thrown);
    }
    for (const [shoeId, rounds] of roundsLeft)
      if (rounds > 1) roundsLeft.set(shoeId, rounds - 1);
      else roundsLeft.delete(shoeId);
    timer = undefined;
    if (roundsLeft.size > 0 && !isClosed) schedule();
  };

  return {
    async add(shoeId) {
      if (!db.isRemote) return computeRelatedOf(db, shoeId).catch(unlessLater);
      if (isClosed) return;
      roundsLeft.set(shoeId, ROUNDS_MAX);
      if (timer === undefined) schedule();
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}

/** The shoe is saved, so its client must not hear that it is not. */
function unlessLater(thrown: unknown): void {
  const { type } = toProblem(thrown);
  if (type !== "unavailable" && type !== "outcome-unknown") throw thrown;
}
