// Request ids: the client's `X-Request-Id` where it is safe to repeat, else a new one.

const SAFE = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Opens the source of request ids: returns the client's id, or one that is unique in this process and, by its random
 * prefix, among processes.
 */
export function openRequestIds(): (clientId: string | null) => string {
  const prefix = crypto.randomUUID().slice(0, 8);
  let count = 0;
  return (clientId) => {
    if (clientId !== null && SAFE.test(clientId)) return clientId;
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}
