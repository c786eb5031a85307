// Proof of an earlier sign-in to the same account: a valid access token, or the refresh token in the cookie.
import type { Database } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { emailKey } from "../http/credentials.ts";
import { isBehindTls, isFromAllowedOrigin, type Origins } from "../http/origin.ts";
import type { Identity } from "../identity/identity.ts";
import { findAccount } from "./accounts.ts";
import { cookieTokenOf } from "./cookie.ts";
import { findToken } from "./sessions.ts";

type Services = { db: Database; identity: Identity; origins: Origins; now(): number };

/**
 * The id of the account with this address, if the request proves an earlier sign-in to it; else `null`, also while nothing
 * can be looked up. Only the account of the token is looked up, so that nothing depends on whether an account has the address.
 */
export async function provenUserOf(
  services: Services,
  request: Request,
  email: string,
): Promise<string | null> {
  const { db } = services;
  const isOwner = (userId: string | null): boolean => {
    const account = userId === null ? null : findAccount(db, userId);
    return account !== null && emailKey(account.user.email) === emailKey(email);
  };
  try {
    return (
      [await userOfAccessToken(services, request), userOfCookie(services, request)].find(isOwner) ?? null
    );
  } catch (thrown) {
    // A login needs no proof.
    if (thrown instanceof DatabaseError) return null;
    throw thrown;
  }
}

async function userOfAccessToken({ identity }: Services, { headers }: Request): Promise<string | null> {
  const caller = await identity.authenticate(headers.get("authorization"));
  return typeof caller === "string" ? null : caller.userId;
}

function userOfCookie({ db, origins, now }: Services, request: Request): string | null {
  const token = cookieTokenOf(request, isBehindTls(origins));
  if (token === null || !isFromAllowedOrigin(request, origins)) return null;
  const stored = findToken(db, token);
  return stored && stored.usedAt === null && stored.expiresAt > now() ? stored.userId : null;
}
