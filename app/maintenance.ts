// Upkeep of the database: completes the catalogue at the start, then deletes what has expired every ten minutes.
import type { Database } from "../db/database.ts";
import { forgetOldWrites } from "./http/idempotency.ts";
import { fillDemo } from "./import/demo/fill.ts";
import type { Log } from "./log.ts";
import { computeRelated, countPending, findPending } from "./shoes/related/backlog.ts";
import { computeRelatedOf } from "./shoes/related/related.ts";

/** Shoes that wait for their related list at the start; a larger backlog belongs to the next import. */
const BACKLOG_MAX = 2_000;
const TIDY_MS = 10 * 60_000;
/** Related lists that one run computes. */
const LISTS_MAX = 100;

/** Fills an empty catalogue with demo shoes where that is wanted, and computes related lists that an import left out. */
export async function completeCatalogue(db: Database, hasDemo: boolean, log: Log): Promise<void> {
  if (hasDemo) {
    const filled = await fillDemo(db);
    if (filled > 0) log.info("filled an empty catalogue with demo shoes", { shoes: filled });
  }
  const pending = countPending(db, BACKLOG_MAX + 1);
  if (pending > BACKLOG_MAX) log.warn("an import was broken off: run it again to complete the related shoes");
  else if (pending > 0) await computeRelated(db);
}

/** The repeated part of the upkeep. */
export type Tidying = {
  /** Deletes expired rows, then computes related lists whose writer failed. Logs a failure and never rejects. */
  run(): Promise<void>;
  /** Stops the repetition; a run under way ends by itself. */
  close(): void;
};

/** Opens the tidying; its first run comes after `everyMs`. */
export function openTidying(
  db: Database,
  { log, now, everyMs = TIDY_MS }: { log: Log; now(): number; everyMs?: number },
): Tidying {
  const run = async () => {
    try {
      await forgetOldWrites(db, now());
      for (const shoeId of findPending(db, LISTS_MAX)) await computeRelatedOf(db, shoeId);
    } catch (thrown) {
      log.warn("the database could not be tidied", { error: String(thrown) });
    }
  };
  const timer = setInterval(() => void run(), everyMs);
  return { run, close: () => clearInterval(timer) };
}
