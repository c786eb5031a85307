// How often lists and single shoes are dropped at most, however fast the changes come.

/** Lists are dropped at most this often for shoes that come, go or move; and for likes and stock. */
const COLLECTION_PAUSE_MS = 100;
const COUNTERS_PAUSE_MS = 1_000;

/** Opens the pace; `dropLists` and `dropItem` are called when something is due. */
export function openThrottle(now: () => number, dropLists: () => void, dropItem: (shoeId: string) => void) {
  const lists = { droppedAt: Number.NEGATIVE_INFINITY, dueAt: Number.POSITIVE_INFINITY };
  const items = new Map<string, { droppedAt: number; isDue: boolean }>();
  // When the first item may be due: a burst of likes ticks hundreds of times a second over a thousand items.
  let nextLookAt = Number.POSITIVE_INFINITY;

  const listsDueAfter = (pauseMs: number) => {
    lists.dueAt = Math.min(lists.dueAt, lists.droppedAt + pauseMs);
  };

  return {
    /** A shoe came, went, or moved between lists. */
    collectionChanged: () => listsDueAfter(COLLECTION_PAUSE_MS),
    /** A shoe's likes or stock changed. */
    countersChanged(shoeId: string | null): void {
      listsDueAfter(COUNTERS_PAUSE_MS);
      if (shoeId === null) return;
      const item = items.get(shoeId);
      if (item) item.isDue = true;
      else {
        items.set(shoeId, { droppedAt: Number.NEGATIVE_INFINITY, isDue: true });
        nextLookAt = Number.NEGATIVE_INFINITY;
      }
    },
    /** Everything was dropped just now. */
    allDropped(): void {
      items.clear();
      lists.droppedAt = now();
      lists.dueAt = Number.POSITIVE_INFINITY;
    },
    /** Does what has become due. */
    tick(): void {
      const time = now();
      if (lists.dueAt <= time) {
        lists.droppedAt = time;
        lists.dueAt = Number.POSITIVE_INFINITY;
        dropLists();
      }
      if (nextLookAt > time) return;
      nextLookAt = Number.POSITIVE_INFINITY;
      for (const [shoeId, item] of items) {
        const dueAt = item.droppedAt + COUNTERS_PAUSE_MS;
        if (dueAt > time) nextLookAt = Math.min(nextLookAt, dueAt);
        else if (item.isDue) {
          items.set(shoeId, { droppedAt: time, isDue: false });
          nextLookAt = Math.min(nextLookAt, time + COUNTERS_PAUSE_MS);
          dropItem(shoeId);
        } else items.delete(shoeId);
      }
    },
  };
}
