// Statistics over measured values, and how numbers are printed.

/** The median; the mean of the two middle values where there are two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("there is no median of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The quantile of this share (nearest rank); 1 is the greatest value. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("there is no quantile of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** A number as text: thousands with commas, small ones with three significant digits. */
export function written(value: number): string {
  if (!Number.isFinite(value)) return "?";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

/** The median, with the least and the greatest where there are several. */
export function spread(values: readonly number[], unit: string): string {
  const middle = `${written(median(values))}${unit === "" ? "" : ` ${unit}`}`;
  if (values.length === 1) return middle;
  return `${middle} (${written(Math.min(...values))} to ${written(Math.max(...values))})`;
}

/** Two series value by value: first / second. */
export const ratios = (first: readonly number[], second: readonly number[]): number[] =>
  first.map((value, at) => value / (second[at] ?? Number.NaN));

/** The order of sides in a round, which every second round reverses. */
export const turns = <T>(sides: readonly T[], round: number): T[] =>
  round % 2 === 0 ? [...sides] : [...sides].reverse();

/** Random numbers in [0, 1) that depend only on the seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
