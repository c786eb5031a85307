// A value that cannot be missing unless the program is wrong.

/** Returns the value; throws an error that names `what` where it is missing, instead of going on with an empty one. */
export function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}
