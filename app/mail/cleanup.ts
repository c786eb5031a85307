// Cleanup of the outbox: empties or deletes mails that were sent or withdrawn a while ago, in batches.
import type { Database, Statement } from "../../db/database.ts";

const DAY_MS = 86_400_000;
/** After this time mails about orders are emptied: their rows still prove what was sent. Others are deleted. */
const KEPT_MS = 30 * DAY_MS;
/** Requests for a new password are over after 30 minutes, and anyone may cause them for an address. */
const RESET_KEPT_MS = DAY_MS;
/** Rows of a write, and writes of a run: a run does not hold up other writes for long. */
const BATCH = 500;
const BATCHES_MAX = 10;

// Mails that are held, due or parked stay as they are. `due_at` of the others is when they were sent or withdrawn.
const OLD = `SELECT seq FROM outbox INDEXED BY outbox_finished
  WHERE state IN ('sent', 'withdrawn') AND data IS NOT NULL AND due_at < ?1 ORDER BY due_at LIMIT ?2`;
const OLD_RESETS = `SELECT seq FROM outbox INDEXED BY outbox_keys
  WHERE kind = 'password-reset' AND key IS NOT NULL AND state IN ('sent', 'withdrawn') AND due_at < ?1 LIMIT ?2`;

/** Mails that are removed together: a query of some of them, and what becomes of these. */
type Removal = { old: string; keptMs: number; effects: string[] };

const REMOVALS: Removal[] = [
  {
    old: OLD,
    keptMs: KEPT_MS,
    // The signs keep SQLite from reading every mail without an order by the index of numbers.
    effects: [
      `DELETE FROM outbox WHERE +number IS NULL AND seq IN (${OLD})`,
      `UPDATE outbox SET recipient = NULL, data = NULL WHERE +number IS NOT NULL AND seq IN (${OLD})`,
    ],
  },
  {
    old: OLD_RESETS,
    keptMs: RESET_KEPT_MS,
    effects: [`DELETE FROM outbox WHERE seq IN (${OLD_RESETS})`],
  },
];

/** Removes what is no longer needed; writes only where the local copy has such mails. Rejects with `DatabaseError`. */
export async function cleanUpOutbox(db: Database, nowMs: number): Promise<void> {
  for (const { old, keptMs, effects } of REMOVALS) {
    const before = nowMs - keptMs;
    const [found] = await db.scan([{ sql: old, args: [before, 1] }]);
    if (found?.length)
      await removeOld(
        db,
        effects.map((sql) => ({ sql, args: [before, BATCH] })),
      );
  }
}

async function removeOld(db: Database, statements: Statement[]): Promise<void> {
  for (let batch = 1; batch <= BATCHES_MAX; batch += 1) {
    const results = await db.write(statements);
    if (results.reduce((sum, { changes }) => sum + changes, 0) < BATCH) return;
  }
}
