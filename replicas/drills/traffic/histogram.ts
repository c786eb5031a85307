// A histogram of times whose buckets grow by two percent: of a fixed size, and exact enough for percentiles.

const GROWTH = 1.02;
const SHORTEST_MS = 0.01;
const BUCKETS = 820;

/** The longest time of a bucket, in milliseconds. */
const longestOf = (bucket: number): number => SHORTEST_MS * GROWTH ** bucket;

const bucketOf = (ms: number): number =>
  Math.min(
    BUCKETS - 1,
    Math.max(0, Math.ceil(Math.log(Math.max(ms, SHORTEST_MS) / SHORTEST_MS) / Math.log(GROWTH))),
  );

export type Histogram = {
  add(ms: number): void;
  /** Adds the counts of another histogram. */
  merge(other: Histogram): void;
  count(): number;
  /** The longest time, exact; 0 when empty. */
  max(): number;
  /** The time that this share (0 to 1) of all did not exceed, within two percent; 0 when empty. */
  percentile(share: number): number;
  buckets(): Readonly<Uint32Array>;
};

/** Opens an empty histogram of milliseconds. */
export function openHistogram(): Histogram {
  const buckets = new Uint32Array(BUCKETS);
  let count = 0;
  let max = 0;
  return {
    add(ms) {
      buckets[bucketOf(ms)] = (buckets[bucketOf(ms)] ?? 0) + 1;
      count += 1;
      max = Math.max(max, ms);
    },
    merge(other) {
      for (const [bucket, more] of other.buckets().entries()) buckets[bucket] = (buckets[bucket] ?? 0) + more;
      count += other.count();
      max = Math.max(max, other.max());
    },
    count: () => count,
    max: () => max,
    percentile(share) {
      const rank = Math.max(1, Math.ceil(share * count));
      let below = 0;
      for (const [bucket, more] of buckets.entries()) {
        below += more;
        if (below >= rank) return Math.min(longestOf(bucket), max);
      }
      return max;
    },
    buckets: () => buckets,
  };
}
