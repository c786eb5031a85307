// Counts a request for its client: the account where there is one, else the address.
import type { Identity } from "../identity/identity.ts";
import { blockOf } from "./address.ts";
import type { Clients } from "./client.ts";
import type { Count, Kind, Limits } from "./limits.ts";

type Services = { identity: Identity; limits: Limits; clients: Clients };

/** Counts the request by a limit; `null` where there is none. */
export async function countRequest(request: Request, kind: Kind, services: Services): Promise<Count | null> {
  if (!services.limits.isOn(kind)) return null;
  return services.limits.count(kind, await nameOf(kind, request, services));
}

async function nameOf(kind: Kind, request: Request, { identity, clients }: Services): Promise<string> {
  // A client that signs in has no account yet, even if it sends a token.
  const authorization = kind === "request" ? request.headers.get("authorization") : null;
  // The route authenticates again and answers with the failure.
  const caller = authorization === null ? null : await identity.authenticate(authorization).catch(() => null);
  return caller === null || typeof caller === "string"
    ? `address ${blockOf(clients.of(request).address)}`
    : `account ${caller.userId}`;
}
