// Times counted in buckets that grow by two percent: small however many there are, and exact enough for a percentile.

const GROWTH = 1.02;
const LEAST_MS = 0.01;
const BUCKETS = 820;

/** The longest time of a bucket, in milliseconds. */
const upTo = (bucket: number): number => LEAST_MS * GROWTH ** bucket;

const bucketOf = (ms: number): number =>
  Math.min(
    BUCKETS - 1,
    Math.max(0, Math.ceil(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / Math.log(GROWTH))),
  );

export type Histogram = {
  add(ms: number): void;
  /** Adds what another one counted. */
  take(other: Histogram): void;
  count(): number;
  /** The longest time, exact; 0 where nothing was counted. */
  max(): number;
  /** The time that this share (0 to 1) of all did not exceed, within two percent; 0 where nothing was counted. */
  at(share: number): number;
  buckets(): Readonly<Uint32Array>;
};

/** An empty histogram of milliseconds. */
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
    take(other) {
      for (const [at, more] of other.buckets().entries()) buckets[at] = (buckets[at] ?? 0) + more;
      count += other.count();
      max = Math.max(max, other.max());
    },
    count: () => count,
    max: () => max,
    at(share) {
      const wanted = Math.max(1, Math.ceil(share * count));
      let below = 0;
      for (const [at, more] of buckets.entries()) {
        below += more;
        if (below >= wanted) return Math.min(upTo(at), max);
      }
      return max;
    },
    buckets: () => buckets,
  };
}
