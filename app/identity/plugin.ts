// The one way for routes to ask who is calling: `{ who: "user" | "admin" | "self" }` puts `caller` into the context.
import { Elysia } from "elysia";
import type { Caller } from "../http/caller.ts";
import { Problem } from "../http/problems.ts";
import type { Identity } from "./identity.ts";

/** `self`: the `:userid` (or else the `:id`) in the path is the caller's own id or `me`, or the caller is an admin. */
export type Who = "user" | "admin" | "self";

/** Stands for the caller's own id in every path. */
const ME = "me";

/** The macro `who`. Routes also get `target`: the user whom the path names, `me` resolved. */
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

/** The caller of a request. Throws the `Problem` 401. */
export async function requireCaller(identity: Identity, request: Request): Promise<Caller> {
  const caller = await identity.authenticate(request.headers.get("authorization"));
  if (caller === "no token")
    throw new Problem("unauthorized", "this needs a token", [], { "www-authenticate": "Bearer" });
  if (caller === "bad token")
    throw new Problem("unauthorized", "the token is not valid, or not any more", [], {
      "www-authenticate": 'Bearer error="invalid_token"',
    });
  return caller;
}

/** An address without a parameter has no `params` at all. */
const userIdIn = (params: Record<string, string | undefined> | undefined): string =>
  params?.userid ?? params?.id ?? "";

function mayPass(who: Who, caller: Caller, named: string): boolean {
  if (who === "admin") return caller.role === "admin";
  // A key is nobody's account: it has no self and is no user.
  if (who === "user") return caller.kind === "user";
  if (named === ME) return caller.kind === "user";
  return caller.role === "admin" || caller.userId === named;
}

function refusalFor(who: Who, caller: Caller): string {
  if (who === "admin") return "this is for admins";
  return caller.kind === "key" ? "a key has no account" : "this belongs to another user";
}
