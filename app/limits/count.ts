// One request's place in the count of its client: the account where there is one, else the address.
import type { Identity } from "../identity/identity.ts";
import { blockOf } from "./address.ts";
import { clientOf } from "./client.ts";
import { type Count, type Kind, kindOf, type Limits } from "./limits.ts";

type Services = { identity: Identity; limits: Limits };

/** Counts the request; `null` where it is not counted. `isFree` is what everybody may read. */
export async function countRequest(
  request: Request,
  pathname: string,
  isFree: boolean,
  { identity, limits }: Services,
): Promise<Count | null> {
  const kind = kindOf(request.method, pathname, isFree);
  if (kind === null || !limits.isOn(kind)) return null;
  return limits.count(kind, await nameOf(kind, request, identity));
}

async function nameOf(kind: Kind, request: Request, identity: Identity): Promise<string> {
  // Who signs in has no account yet, whatever token comes along.
  const authorization = kind === "request" ? request.headers.get("authorization") : null;
  // What fails here fails again where the route asks, and is told there.
  const caller = authorization === null ? null : await identity.authenticate(authorization).catch(() => null);
  return caller === null || typeof caller === "string"
    ? `address ${blockOf(clientOf(request).address)}`
    : `account ${caller.userId}`;
}
