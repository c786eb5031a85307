// Limits how often lists and single shoes are invalidated, however fast changes arrive.

/** Least time between two invalidations: of the lists for a collection change, and of lists or an item for likes and stock. */
const COLLECTION_PAUSE_MS = 100;
const COUNTERS_PAUSE_MS = 1_000;

/** Opens the throttle; it calls `dropLists` and `dropItem` when an invalidation is due. */
export function openThrottle(now: () => number, dropLists: () => void, dropItem: (shoeId: string) => void) {
  const lists = { droppedAtMs: Number.NEGATIVE_INFINITY, dueAtMs: Number.POSITIVE_INFINITY };
  const items = new Map<string, { droppedAtMs: number; isDue: boolean }>();
  // The earliest time at which an item may be due: a burst of likes ticks hundreds of times a second over a thousand items.
  let nextItemDueAtMs = Number.POSITIVE_INFINITY;

  const listsDueAfter = (pauseMs: number) => {
    lists.dueAtMs = Math.min(lists.dueAtMs, lists.droppedAtMs + pauseMs);
  };

  return {
    /** A shoe was added or removed, or moved between lists. */
    collectionChanged: () => listsDueAfter(COLLECTION_PAUSE_MS),
    /** A shoe's likes or stock changed. */
    countersChanged(shoeId: string | null): void {
      listsDueAfter(COUNTERS_PAUSE_MS);
      if (shoeId === null) return;
      const item = items.get(shoeId);
      if (item) item.isDue = true;
      else {
        items.set(shoeId, { droppedAtMs: Number.NEGATIVE_INFINITY, isDue: true });
        nextItemDueAtMs = Number.NEGATIVE_INFINITY;
      }
    },
    /** The whole cache was cleared: nothing is due any more. */
    allDropped(): void {
      items.clear();
      lists.droppedAtMs = now();
      lists.dueAtMs = Number.POSITIVE_INFINITY;
    },
    /** Invalidates what has become due. */
    tick(): void {
      const nowMs = now();
      if (lists.dueAtMs <= nowMs) {
        lists.droppedAtMs = nowMs;
        lists.dueAtMs = Number.POSITIVE_INFINITY;
        dropLists();
      }
      if (nextItemDueAtMs > nowMs) return;
      nextItemDueAtMs = Number.POSITIVE_INFINITY;
      for (const [shoeId, item] of items) {
        const dueAtMs = item.droppedAtMs + COUNTERS_PAUSE_MS;
        if (dueAtMs > nowMs) nextItemDueAtMs = Math.min(nextItemDueAtMs, dueAtMs);
        else if (item.isDue) {
          items.set(shoeId, { droppedAtMs: nowMs, isDue: false });
          nextItemDueAtMs = Math.min(nextItemDueAtMs, nowMs + COUNTERS_PAUSE_MS);
          dropItem(shoeId);
        } else items.delete(shoeId);
      }
    },
  };
}
