// Counts a request for its client: the account of a valid token, else the address.
import type { Identity } from "../identity/identity.ts";
import { blockOf } from "./address.ts";
import type { Clients } from "./client.ts";
import type { Count, Kind, Limits } from "./limits.ts";

type Services = { identity: Identity; limits: Limits; clients: Clients };

/** Counts a request against a limit; returns `null` when the limit is off. */
export async function countRequest(request: Request, kind: Kind, services: Services): Promise<Count | null> {
  if (!services.limits.isOn(kind)) return null;
  return services.limits.count(kind, await nameOf(kind, request, services));
}

async function nameOf(kind: Kind, request: Request, { identity, clients }: Services): Promise<string> {
  // A sign-in counts for its address, even with a token.
  const authorization = kind === "request" ? request.headers.get("authorization") : null;
  // A failure is ignored here: the guard of the route authenticates again and refuses the request.
  const caller = authorization === null ? null : await identity.authenticate(authorization).catch(() => null);
  return caller === null || typeof caller === "string"
    ? nameOfAddress(clients.of(request).address)
    : `account ${caller.userId}`;
}

/** Clients whose proxy names no address share one count, which is not that of the proxy's own address. */
const nameOfAddress = (address: string): string =>
  address === "" ? "unknown address" : `address ${blockOf(address)}`;
