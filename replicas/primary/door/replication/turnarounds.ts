// Measures how long replicas take from an answer with frames until they ask for the next ones.

export type Turnarounds = {
  /** An answer goes out after which its replica asks from `place` on. */
  left(place: string, nowMs: number): void;
  /**
   * A replica asks from `place` on. Returns the milliseconds since the answer that led there once half of those that got it are
   * back, else `null`: the slow half may be on slower machines, and one replica must not slow all.
   */
  returned(place: string, nowMs: number): number | null;
};

/** Replicas that are not back after this time are forgotten: they ended, or slept. */
const AWAY_MS_MAX = 1_000;

/** Opens the measurement with all replicas here. */
export function openTurnarounds(): Turnarounds {
  const groups = new Map<string, { atMs: number; count: number; back: number }>();
  return {
    left(place, nowMs) {
      for (const [key, { atMs }] of groups) if (atMs < nowMs - AWAY_MS_MAX) groups.delete(key);
      const group = groups.get(place);
      if (group) group.count += 1;
      else groups.set(place, { atMs: nowMs, count: 1, back: 0 });
    },
    returned(place, nowMs) {
      const group = groups.get(place);
      if (!group) return null;
      group.back += 1;
      if (group.back < group.count / 2) return null;
      groups.delete(place);
      return nowMs - group.atMs;
    },
  };
}
