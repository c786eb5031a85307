// Whether something grows: a line through its readings, and how well its slope is known.

/** One reading; `minutes` since the start. */
export type Reading = { minutes: number; value: number };

/** The slope per minute, and the 95 % interval it lies in. */
export type Slope = { perMinute: number; low: number; high: number };

/** The normal distribution's 97.5 % point, and terms that make Student's out of it (Cornish and Fisher). */
const NORMAL = 1.959964;
const STUDENT_TERMS = [
  (NORMAL ** 3 + NORMAL) / 4,
  (5 * NORMAL ** 5 + 16 * NORMAL ** 3 + 3 * NORMAL) / 96,
  (3 * NORMAL ** 7 + 19 * NORMAL ** 5 + 17 * NORMAL ** 3 - 15 * NORMAL) / 384,
];

/** How many standard errors the 95 % interval reaches to either side; within 1 % from three degrees of freedom on. */
export const studentOf = (degrees: number): number =>
  STUDENT_TERMS.reduce((sum, term, at) => sum + term / degrees ** (at + 1), NORMAL);

/** The slope by least squares; needs three readings at least, at different times. */
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

/** The readings from so many minutes on: what comes before is filling up. */
export const from = (readings: readonly Reading[], minutes: number): Reading[] =>
  readings.filter((reading) => reading.minutes >= minutes);

/** The lowest reading of each window of so many minutes, at the time it was read. */
export function lowerEnvelope(readings: readonly Reading[], windowMinutes: number): Reading[] {
  const lowest = new Map<number, Reading>();
  for (const reading of readings) {
    const window = Math.floor(reading.minutes / windowMinutes);
    const before = lowest.get(window);
    if (before === undefined || reading.value < before.value) lowest.set(window, reading);
  }
  return [...lowest.values()];
}

/** The growth per minute that the readings show: none where the interval holds zero or less, else as much as it may be. */
export const growthOf = ({ low, high }: Slope): number => (low <= 0 ? 0 : high);

/** So many of the readings, evenly spread, the first and the last among them. */
export function thinned(readings: readonly Reading[], count: number): Reading[] {
  if (readings.length <= count) return [...readings];
  const step = (readings.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, at) => readings[Math.round(at * step)] as Reading);
}
