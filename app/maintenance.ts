// Maintenance of the database: completes the catalogue at the start, then removes what has expired every ten minutes.
import type { Database } from "../db/database.ts";
import { removeOldWrites } from "./http/idempotency.ts";
import { fillDemo } from "./import/demo/fill.ts";
import type { Log } from "./log.ts";
import { cleanUpOutbox } from "./mail/cleanup.ts";
import { computeRelated, countPending, findPending } from "./shoes/related/backlog.ts";
import { computeRelatedOf } from "./shoes/related/related.ts";

/** Pending related lists that the start computes; a larger backlog belongs to the next import. */
const BACKLOG_MAX = 2_000;
/** Between two runs. */
export const MAINTENANCE_MS = 10 * 60_000;
/** Related lists that one run computes. */
const LISTS_MAX = 100;

/** Fills an empty catalogue with demo shoes if `demo` is set, and computes related lists that an import left out. */
export async function completeCatalogue(db: Database, demo: boolean, log: Log): Promise<void> {
  if (demo) {
    const filled = await fillDemo(db);
    if (filled > 0) log.info("filled an empty catalogue with demo shoes", { shoes: filled });
  }
  const pending = countPending(db, BACKLOG_MAX + 1);
  if (pending > BACKLOG_MAX)
    log.warn("an import was interrupted: run it again to complete the related shoes");
  else if (pending > 0) await computeRelated(db);
}

/** The repeated part of the maintenance. */
export type Maintenance = {
  /** Deletes expired rows, cleans the outbox up, then computes related lists whose writer failed. Logs a failure and never rejects. */
  run(): Promise<void>;
  /** Stops the repetition; a current run ends by itself. */
  close(): void;
};

/** Opens the maintenance; its first run comes after `everyMs`. */
export function openMaintenance(
  db: Database,
  { log, now, everyMs }: { log: Log; now(): number; everyMs: number },
): Maintenance {
  const run = async () => {
    try {
      await removeOldWrites(db, now());
      await cleanUpOutbox(db, now());
      for (const shoeId of findPending(db, LISTS_MAX)) await computeRelatedOf(db, shoeId);
    } catch (thrown) {
      log.warn("the maintenance of the database failed", { error: String(thrown) });
    }
  };
  const timer = setInterval(() => void run(), everyMs);
  return { run, close: () => clearInterval(timer) };
}
