// Response times in milliseconds, and their percentiles.

export type Times = {
  add(ms: number): void;
  /** Adds the times of another collection. */
  merge(other: Times): void;
  count(): number;
  /** The longest time; 0 when empty. */
  max(): number;
  /** The time that this share (0 to 1) of all did not exceed; 0 when empty. */
  percentile(share: number): number;
  all(): readonly number[];
};

/** Opens an empty collection of times. */
export function openTimes(): Times {
  const all: number[] = [];
  const percentile = (share: number): number => {
    const sorted = Float64Array.from(all).sort();
    return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0;
  };
  return {
    add: (ms) => void all.push(ms),
    merge(other) {
      for (const ms of other.all()) all.push(ms);
    },
    count: () => all.length,
    max: () => percentile(1),
    percentile,
    all: () => all,
  };
}
