// The change feed: the changes since the last poll, also those of other processes.
import type { Database } from "./database.ts";
import { stateOf } from "./position.ts";

export type ChangeKind = "facts" | "collection" | "counters" | "session";

/** One row of the feed; `shoeId` null means every shoe. */
export type Change = { seq: number; kind: ChangeKind; shoeId: string | null };

/** What a poll found: the changes in order, or `lost` where they cannot be listed and every cache must be cleared. */
export type FeedUpdate = { kind: "changes"; changes: Change[] } | { kind: "lost" };

/** More changes than this in one poll count as lost: clearing a cache is cheaper than applying them. */
const CHANGES_MAX = 1_000;

export type Feed = {
  /**
   * Returns the changes since the last poll and moves on to the last of them. Throws what `Database.read` throws, and then
   * stays where it was.
   */
  poll(): FeedUpdate;
  /** The `seq` of the newest change that a poll returned, or that stood there when the feed was opened. */
  position(): number;
  /** The generation of the dataset as of the last poll. */
  generation(): string;
};

/** Opens the feed at its present end. Throws what `Database.read` throws. */
export function openFeed(db: Database): Feed {
  const end = () => stateOf(db.read);
  let { generation, seq: position } = end();

  const poll = (): FeedUpdate => {
    const { generation: generationNow, seq: last } = end();
    if (generationNow === generation && last === position) return { kind: "changes", changes: [] };
    const isSame = generationNow === generation && last > position && last - position <= CHANGES_MAX;
    const rows = isSame
      ? db.read.all<[number, ChangeKind, string | null]>(
          "SELECT seq, kind, shoe_id FROM changes WHERE seq > ? ORDER BY seq",
          position,
        )
      : [];
    const newest = rows.at(-1)?.[0];
    const isWhole = newest !== undefined && newest === position + rows.length;
    generation = generationNow;
    position = isWhole ? newest : last;
    if (!isWhole) return { kind: "lost" };
    return { kind: "changes", changes: rows.map(([seq, kind, shoeId]) => ({ seq, kind, shoeId })) };
  };

  return { poll, position: () => position, generation: () => generation };
}
