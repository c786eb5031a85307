// Measures how long replicas take from an answer with frames until they ask for the next ones.

export type Turnarounds = {
  /** An answer goes out after which its replica asks from `place` on. */
  left(place: string, nowMs: number): void;
  /** A replica asks from `place` on. Returns the milliseconds since the answer that led there, `null` where none did. */
  returned(place: string, nowMs: number): number | null;
};

/** Replicas that are not back after this time are forgotten: they ended, or slept. */
const AWAY_MS_MAX = 1_000;

/** Opens the measurement with all replicas here. */
export function openTurnarounds(): Turnarounds {
  const away = new Map<string, { atMs: number; count: number }>();
  return {
    left(place, nowMs) {
      for (const [key, { atMs }] of away) if (atMs < nowMs - AWAY_MS_MAX) away.delete(key);
      const group = away.get(place);
      if (group) group.count += 1;
      else away.set(place, { atMs: nowMs, count: 1 });
    },
    returned(place, nowMs) {
      const group = away.get(place);
      if (!group) return null;
      group.count -= 1;
      if (group.count === 0) away.delete(place);
      return nowMs - group.atMs;
    },
  };
}
