// The id of each request: the client's where it is safe to repeat, else one of our own.

const SAFE = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Opens the giver of ids: takes the one that a client sent, or makes one that is unique in this process and, for all
 * practical purposes, beyond it.
 */
export function openRequestIds(): (given: string | null) => string {
  const prefix = crypto.randomUUID().slice(0, 8);
  let count = 0;
  return (given) => {
    if (given !== null && SAFE.test(given)) return given;
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}
