// The newest changes of the feed, against which an entry is checked that was computed while they arrived.
import type { Change } from "../../db/feed.ts";
import { type Entry, INVALIDATED_BY, idHashOf, isOfMany } from "./entry.ts";

/** Changes that are always in the window; an entry older than the window is not stored. */
const RECENT_MAX = 4_096;

/** Opens an empty window. */
export function openChangeWindow() {
  let changes: Change[] = [];
  let discardedToSeq = 0;
  return {
    add(change: Change): void {
      changes.push(change);
      if (changes.length <= 2 * RECENT_MAX) return;
      discardedToSeq = changes[changes.length - RECENT_MAX - 1]?.seq ?? discardedToSeq;
      changes = changes.slice(-RECENT_MAX);
    },
    /** Discards the window: an entry computed before `seq` counts as stale. */
    discardTo(seq: number): void {
      changes = [];
      discardedToSeq = seq;
    },
    /** Whether a change after the entry's own `seq`, up to and including `to`, invalidates it. */
    isStale: (entry: Entry, to = Number.POSITIVE_INFINITY): boolean =>
      entry.seq < discardedToSeq ||
      changes.some((change) => change.seq > entry.seq && change.seq <= to && invalidates(change, entry)),
  };
}

function invalidates({ kind, shoeId }: Change, entry: Entry): boolean {
  if (shoeId === null && kind === "facts") return true;
  if (!INVALIDATED_BY[entry.scope].includes(kind)) return false;
  return isOfMany(entry.scope) || (shoeId !== null && entry.idHashes.includes(idHashOf(shoeId)));
}
