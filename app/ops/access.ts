// Access to metrics and details: for near clients that ask for the shop by a name of its own, and with METRICS_TOKEN.
import { timingSafeEqual } from "node:crypto";
import type { HostCheck } from "../http/host.ts";
import type { Clients } from "../limits/client.ts";

/** Whether this request may read metrics and details. */
export type Access = (request: Request) => boolean;

type AccessOptions = { clients: Clients; isOwnHost: HostCheck; token: string | null };

/** Opens the check; without a token only near clients have access. */
export function openAccess({ clients, isOwnHost, token }: AccessOptions): Access {
  const digest = (text: string): Buffer => Buffer.from(Bun.SHA256.hash(text).buffer);
  const expectedDigest = token === null ? null : digest(`Bearer ${token}`);
  return (request) => {
    // A page of a stranger may be open in a browser on this machine.
    if (clients.of(request).isNear && isOwnHost(request)) return true;
    const authorization = request.headers.get("authorization");
    return (
      expectedDigest !== null &&
      authorization !== null &&
      timingSafeEqual(digest(authorization), expectedDigest)
    );
  };
}
