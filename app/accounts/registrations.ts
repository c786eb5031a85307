// How many customers registered in a span of time.
import type { Database } from "../../db/database.ts";

/**
 * Rows are in the order of their commits, which may differ from that of their times by the clocks of nodes: the walk back from
 * the newest row ends at the first that is so much older than the span.
 */
const DISORDER_MS = 3_600_000;

const REGISTERED = `SELECT count(*) FROM users
WHERE seq > coalesce((SELECT seq FROM users WHERE created_at < ?1 - ${DISORDER_MS} ORDER BY seq DESC LIMIT 1), 0)
  AND created_at >= ?1 AND created_at < ?2 AND role = 'customer'`;

/**
 * Counts the customers' accounts that were made from `startMs` to before `endMs`, and still exist. Looks at the accounts that are
 * newer than the start, twice.
 */
export async function countRegistered(
  scan: Database["scan"],
  { startMs, endMs }: { startMs: number; endMs: number },
): Promise<number> {
  const [rows = []] = await scan([{ sql: REGISTERED, args: [startMs, endMs] }]);
  return Number(rows[0]?.[0] ?? 0);
}
