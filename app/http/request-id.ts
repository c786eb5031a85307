// The id of each request: the client's where it is safe to repeat, else one of our own.

const SAFE = /^[A-Za-z0-9._:-]{1,128}$/;
const PREFIX = crypto.randomUUID().slice(0, 8);
const ids = new WeakMap<Request, string>();
let count = 0;

/** The id that a client gave, or a new one: unique in this process, and for all practical purposes beyond it. */
export function takeRequestId(given: string | null): string {
  if (given !== null && SAFE.test(given)) return given;
  count += 1;
  return `${PREFIX}-${count.toString(36)}`;
}

export const keepRequestId = (request: Request, id: string): void => void ids.set(request, id);

/** The id that was kept for this request. */
export const requestIdOf = (request: Request): string => ids.get(request) ?? takeRequestId(null);
