// Access to metrics and details: for clients on this machine or a private network, and with METRICS_TOKEN.
import { timingSafeEqual } from "node:crypto";
import type { Clients } from "../limits/client.ts";

/** Whether this request may read metrics and details. */
export type Access = (request: Request) => boolean;

/** Opens the check; without a token only clients on this machine or a private network have access. */
export function openAccess(clients: Clients, token: string | null): Access {
  const digest = (text: string): Buffer => Buffer.from(Bun.SHA256.hash(text).buffer);
  const expectedDigest = token === null ? null : digest(`Bearer ${token}`);
  return (request) => {
    if (clients.of(request).isNear) return true;
    const authorization = request.headers.get("authorization");
    return (
      expectedDigest !== null &&
      authorization !== null &&
      timingSafeEqual(digest(authorization), expectedDigest)
    );
  };
}
