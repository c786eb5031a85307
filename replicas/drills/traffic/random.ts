// Pseudo-random choices that are the same in each run.

/** A pseudo-random number from 0 up to 1, the same each time for the same number and salt. */
export function random(number: number, salt = 0): number {
  let mixed = Math.imul(number + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}

/** One of these, pseudo-random; throws when there is none. */
export function pick<T>(all: readonly T[], number: number, salt = 0): T {
  const found = all[Math.floor(random(number, salt) * all.length)];
  if (found === undefined) throw new Error("there is nothing to choose from");
  return found;
}
