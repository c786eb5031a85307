// The last changes of the feed, so that an answer computed meanwhile can be checked against them.

import type { Change } from "../../db/feed.ts";
import { type Entry, idHashOf } from "./entry.ts";

/** Changes that are remembered; an answer older than them is not kept. */
const RECENT_MAX = 4_096;

/** Opens an empty memory of changes. */
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
    /** Nothing computed before `seq` may be kept any more. */
    discardTo(seq: number): void {
      changes = [];
      discardedToSeq = seq;
    },
    /** Whether something happened since the answer's computation began, and not after `to`, that makes it wrong. */
    isStale: (entry: Entry, to = Number.POSITIVE_INFINITY): boolean =>
      entry.seq < discardedToSeq ||
      changes.some((change) => change.seq > entry.seq && change.seq <= to && invalidates(change, entry)),
  };
}

function invalidates({ kind, shoeId }: Change, entry: Entry): boolean {
  if (shoeId === null && kind === "facts") return true;
  if (entry.scope === "list") return kind === "collection" || kind === "counters";
  if (shoeId === null || !entry.idHashes.includes(idHashOf(shoeId))) return false;
  return kind === "facts" || (kind === "counters" && entry.scope === "item");
}
