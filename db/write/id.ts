// Ids of writes: unique, and in the order of their time, so that the newest stand together and the oldest are found first.

/** The id of a new write: a UUID of version 7, which begins with the time. */
export const newWriteId = (): string => Bun.randomUUIDv7();

const TIME_DIGITS = 12;

/** The lower bound of the ids that are made at a time in ms since 1970 or later. */
export function firstWriteIdAt(ms: number): string {
  const time = Math.floor(ms).toString(16).padStart(TIME_DIGITS, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}
