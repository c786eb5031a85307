// The guard of routes: `{ who: "user" | "admin" | "self" }` authenticates and authorises, and puts `caller` into the context.
import { Elysia } from "elysia";
import type { Caller } from "../http/caller.ts";
import { Problem } from "../http/problems.ts";
import type { Identity } from "./identity.ts";

/** `self`: the `:userid` (or else the `:id`) in the path is the caller's own id or `me`, or the caller is an admin. */
type Who = "user" | "admin" | "self";

/** Alias of the caller's own id in every path. */
const ME = "me";

/** The macro `who`. Routes also get `target`: the user id in the path, with `me` resolved. */
export function identityPlugin(identity: Identity) {
  return new Elysia({ name: "identity" }).macro({
    who: (who: Who) => ({
      async resolve({ request, params }): Promise<{ caller: Caller; target: string }> {
        const caller = await requireCaller(identity, request);
        const pathUserId = userIdIn(params);
        if (!mayPass(who, caller, pathUserId)) throw new Problem("forbidden", refusalFor(who, caller));
        return { caller, target: pathUserId === ME ? caller.userId : pathUserId };
      },
    }),
  });
}

/** The caller of a request. Throws a `Problem` 401 with the challenge. */
async function requireCaller(identity: Identity, request: Request): Promise<Caller> {
  const caller = await findCaller(identity, request);
  if (caller === null) throw noCaller();
  return caller;
}

/** The `Problem` 401 of a request without a token. */
export const noCaller = (): Problem =>
  new Problem("unauthorized", "authentication required", [], { "www-authenticate": "Bearer" });

/** The caller of a request that guests may make too; `null` without a token. Throws the `Problem` 401 for a bad one. */
export async function findCaller(identity: Identity, request: Request): Promise<Caller | null> {
  const caller = await identity.authenticate(request.headers.get("authorization"));
  if (caller === "no token") return null;
  if (caller === "bad token")
    throw new Problem("unauthorized", "the token is invalid or has expired", [], {
      "www-authenticate": 'Bearer error="invalid_token"',
    });
  return caller;
}

/** A path without parameters has no `params` at all. */
const userIdIn = (params: Record<string, string | undefined> | undefined): string =>
  params?.userid ?? params?.id ?? "";

function mayPass(who: Who, caller: Caller, named: string): boolean {
  if (who === "admin") return caller.role === "admin";
  // A key has no account, so it is neither a user nor `me`.
  if (who === "user") return caller.kind === "user";
  if (named === ME) return caller.kind === "user";
  return caller.role === "admin" || caller.userId === named;
}

function refusalFor(who: Who, caller: Caller): string {
  if (who === "admin") return "only admins may do this";
  return caller.kind === "key" ? "a key has no account of its own" : "this account belongs to another user";
}
