// Whether a value grows: a line through its readings, and the confidence interval of its slope.

/** One reading; `minutes` since the start. */
export type Reading = { minutes: number; value: number };

/** The slope per minute, and its 95 % confidence interval. */
export type Slope = { perMinute: number; low: number; high: number };

/** The 97.5 % point of the normal distribution, and the terms of its expansion to Student's t (Cornish and Fisher). */
const NORMAL = 1.959964;
const STUDENT_TERMS = [
  (NORMAL ** 3 + NORMAL) / 4,
  (5 * NORMAL ** 5 + 16 * NORMAL ** 3 + 3 * NORMAL) / 96,
  (3 * NORMAL ** 7 + 19 * NORMAL ** 5 + 17 * NORMAL ** 3 - 15 * NORMAL) / 384,
];

/** The 97.5 % point of Student's t; within 1 % from three degrees of freedom on. */
export const studentOf = (degrees: number): number =>
  STUDENT_TERMS.reduce((sum, term, at) => sum + term / degrees ** (at + 1), NORMAL);

/** The slope by least squares, of at least three readings at different times. */
export function slopeOf(readings: readonly Reading[]): Slope {
  const count = readings.length;
  if (count < 3) throw new RangeError("a slope with its uncertainty needs three readings");
  const mean = (of: (reading: Reading) => number) =>
    readings.reduce((sum, reading) => sum + of(reading), 0) / count;
  const [middle, level] = [mean(({ minutes }) => minutes), mean(({ value }) => value)];
  const sum = (of: (x: number, y: number) => number) =>
    readings.reduce((total, { minutes, value }) => total + of(minutes - middle, value - level), 0);
  const spread = sum((x) => x * x);
  const perMinute = sum((x, y) => x * y) / spread;
  const left = sum((x, y) => (y - perMinute * x) ** 2);
  const reach = studentOf(count - 2) * Math.sqrt(left / (count - 2) / spread);
  return { perMinute, low: perMinute - reach, high: perMinute + reach };
}

/** The readings from this many minutes on; before, caches are still filling. */
export const from = (readings: readonly Reading[], minutes: number): Reading[] =>
  readings.filter((reading) => reading.minutes >= minutes);

/** The lowest reading of each window of this many minutes, at its own time. */
export function lowerEnvelope(readings: readonly Reading[], windowMinutes: number): Reading[] {
  const lowest = new Map<number, Reading>();
  for (const reading of readings) {
    const window = Math.floor(reading.minutes / windowMinutes);
    const before = lowest.get(window);
    if (before === undefined || reading.value < before.value) lowest.set(window, reading);
  }
  return [...lowest.values()];
}

/** The growth per minute: 0 where the interval reaches zero, else its upper end. */
export const growthOf = ({ low, high }: Slope): number => (low <= 0 ? 0 : high);

/** This many of the readings at even distances, with the first and the last. */
export function thinned(readings: readonly Reading[], count: number): Reading[] {
  if (readings.length <= count) return [...readings];
  const step = (readings.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, at) => readings[Math.round(at * step)] as Reading);
}
