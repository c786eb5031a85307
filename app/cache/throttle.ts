// Limits how often lists and single shoes are invalidated, however fast changes arrive.

/** Least time between two invalidations: for a change of the collection, and of lists or an item for likes and stock. */
const COLLECTION_PAUSE_MS = 100;
const COUNTERS_PAUSE_MS = 1_000;

/** Invalidates the lists, the categories, or what shows a shoe's likes and stock. */
type Drop = { lists(): void; categories(): void; item(shoeId: string): void };

/** Opens the throttle; it calls the functions of `drop` when an invalidation is due. */
export function openThrottle(now: () => number, drop: Drop) {
  const lists = openPaused(now, drop.lists);
  const categories = openPaused(now, drop.categories);
  const items = new Map<string, { droppedAtMs: number; isDue: boolean }>();
  // The earliest time at which an item may be due: a burst of likes ticks hundreds of times a second over a thousand items.
  let nextItemDueAtMs = Number.POSITIVE_INFINITY;

  return {
    /** A shoe was added or removed, or moved between lists. */
    collectionChanged(): void {
      lists.dueAfter(COLLECTION_PAUSE_MS);
      categories.dueAfter(COLLECTION_PAUSE_MS);
    },
    /** A shoe's likes or stock changed. */
    countersChanged(shoeId: string | null): void {
      lists.dueAfter(COUNTERS_PAUSE_MS);
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
      lists.dropped();
      categories.dropped();
    },
    /** Invalidates what has become due. */
    tick(): void {
      const nowMs = now();
      lists.tick();
      categories.tick();
      if (nextItemDueAtMs > nowMs) return;
      nextItemDueAtMs = Number.POSITIVE_INFINITY;
      for (const [shoeId, item] of items) {
        const dueAtMs = item.droppedAtMs + COUNTERS_PAUSE_MS;
        if (dueAtMs > nowMs) nextItemDueAtMs = Math.min(nextItemDueAtMs, dueAtMs);
        else if (item.isDue) {
          items.set(shoeId, { droppedAtMs: nowMs, isDue: false });
          nextItemDueAtMs = Math.min(nextItemDueAtMs, nowMs + COUNTERS_PAUSE_MS);
          drop.item(shoeId);
        } else items.delete(shoeId);
      }
    },
  };
}

/** An invalidation that is due some time after the one before. */
function openPaused(now: () => number, drop: () => void) {
  let [droppedAtMs, dueAtMs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const dropped = () => {
    droppedAtMs = now();
    dueAtMs = Number.POSITIVE_INFINITY;
  };
  return {
    /** It is due `pauseMs` after the last one, or earlier where it was due already. */
    dueAfter(pauseMs: number): void {
      dueAtMs = Math.min(dueAtMs, droppedAtMs + pauseMs);
    },
    dropped,
    tick(): void {
      if (dueAtMs > now()) return;
      dropped();
      drop();
    },
  };
}
