// Who may look inside: the machine itself, its private network, and whoever has the token.
import { timingSafeEqual } from "node:crypto";
import type { Clients } from "../limits/client.ts";

export type Access = (request: Request) => boolean;

/** Opens the check; without a token only the nearness of the client counts. */
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
