// A forgotten password: the mail with the link, and the new password for the link's token.
import type { Database, Readable } from "../../db/database.ts";
import { isUnmet, requires } from "../../db/write/guard.ts";
import { newWriteId } from "../../db/write/id.ts";
import type { Caller } from "../http/caller.ts";
import { emailKey } from "../http/credentials.ts";
import { Problem } from "../http/problems.ts";
import { commitWrite, plainWrite } from "../http/write.ts";
import type { Identity } from "../identity/identity.ts";
import { type Account, findAccount } from "./accounts.ts";
import type { Reset } from "./fields.ts";
import type { Passwords } from "./passwords.ts";
import type { Visitor } from "./places.ts";
import type { ResetTokens } from "./reset-tokens.ts";
import { endAllStatement } from "./sessions.ts";
import type { LoginThrottle } from "./throttle.ts";

export type ResetServices = {
  db: Database;
  identity: Pick<Identity, "forgetUser">;
  passwords: Pick<Passwords, "hash">;
  loginThrottle: Pick<LoginThrottle, "attempt" | "welcome">;
  resetTokens: ResetTokens;
  now(): number;
};

/** How long a link works after it was requested. */
const RESET_TTL_MS = 30 * 60_000;
/** Working links that an account may have: who is refused another mail has these. */
const LINKS_MAX = 3;

/**
 * The trigger `users_mails_removed` knows the form of the key. Its times compare as texts, having 13 digits until 2286. The mail
 * goes to the account's own address: the one that was typed may only look like it.
 */
const REQUEST = `INSERT INTO outbox (kind, key, recipient, data, state, due_at, created_at)
SELECT 'password-reset', u.id || ' ' || ?2, u.email,
  json_object('userId', u.id, 'updatedAt', u.updated_at, 'expiresAt', ?2 + ${RESET_TTL_MS}), 'due', ?2, ?2
FROM users AS u WHERE u.email_key = ?1 AND (
  SELECT count(*) FROM outbox AS o WHERE o.kind = 'password-reset'
    AND o.key > u.id || ' ' || (?2 - ${RESET_TTL_MS}) AND o.key < u.id || '!'
    AND json_extract(o.data, '$.updatedAt') = u.updated_at
) < ${LINKS_MAX}
ON CONFLICT DO NOTHING`;

/**
 * Adds the mail with the link to the outbox, if an account has this address. Its write id is stored in any case, so the write
 * costs a commit whether or not there is an account.
 */
export async function requestReset(
  { db, now }: Pick<ResetServices, "db" | "now">,
  email: string,
): Promise<void> {
  await db.write([{ sql: REQUEST, args: [emailKey(email), now()] }], newWriteId());
}

/**
 * The token of a link, the same for each try of its mail; `null` when its time is over, or the account is gone or was changed
 * since the time `updatedAtMs`. Rejects with `DatabaseError`.
 */
export async function resetTokenOf(
  { db, resetTokens, now }: Pick<ResetServices, "db" | "resetTokens" | "now">,
  userId: string,
  { expiresAtMs, updatedAtMs }: { expiresAtMs: number; updatedAtMs: number },
): Promise<string | null> {
  if (expiresAtMs <= now()) return null;
  const account = await db.onPrimary((snapshot) => findAccount(snapshot, userId));
  if (account === null || Date.parse(account.user.updatedAt) !== updatedAtMs) return null;
  return resetTokens.of(userId, expiresAtMs, account.passwordHash);
}

/** The address of the account whose password a token would set; `null` for a token that does not work. */
export const resetEmailOf = async (
  services: Pick<ResetServices, "db" | "resetTokens" | "now">,
  token: string,
): Promise<string | null> => (await findProven(services, token))?.user.email ?? null;

/**
 * Sets the password of a token's account and ends all its sessions; the token and every other one of the account end by it.
 * Throws the `Problem` 400 for a token that does not work.
 */
export async function resetPassword(
  services: ResetServices,
  { token, password }: Reset,
  visitor: Visitor,
): Promise<void> {
  const { identity, loginThrottle } = services;
  // Before anything is hashed, and before the account's line: made-up tokens cost a look-up and delay nobody.
  const { user } = (await findProven(services, token)) ?? refuse();
  const known = { ...visitor, isKnown: true };
  await loginThrottle.attempt({ userId: user.id }, known, async (inTurn) => {
    // The attempt before may have used the token.
    const account = (await findProven(services, token)) ?? refuse();
    await setPassword(services, account, await services.passwords.hash(password, inTurn));
    return account;
  });
  identity.forgetUser(user.id);
  loginThrottle.welcome(emailKey(user.email), visitor);
}

/** Of two resets at once, one finds the password hash that its token was proven with. */
async function setPassword(
  { db, now }: ResetServices,
  { user, passwordHash }: Account,
  newHash: string,
): Promise<void> {
  const nowMs = now();
  const self: Caller = { userId: user.id, role: user.role, kind: "user" };
  const statements = [
    requires("EXISTS (SELECT 1 FROM users WHERE id = ? AND password_hash = ?)", user.id, passwordHash),
    {
      sql: "UPDATE users SET password_hash = ?, updated_at = ? WHERE id = ?",
      args: [newHash, nowMs, user.id],
    },
    endAllStatement(user.id),
  ];
  try {
    const audit = { action: "password.reset", subject: user.id };
    await commitWrite(db, plainWrite(self, nowMs), { statements, audit });
  } catch (thrown) {
    throw isUnmet(thrown) ? unusable() : thrown;
  }
}

/** The account of a token that works; `null` for any other token. */
async function findProven(
  { db, resetTokens, now }: Pick<ResetServices, "db" | "resetTokens" | "now">,
  token: string,
): Promise<Account | null> {
  const claim = resetTokens.read(token);
  if (claim === null || claim.expiresAtMs <= now()) return null;
  const account = await db.onPrimary((snapshot: Readable) => findAccount(snapshot, claim.userId));
  return resetTokens.isProven(claim, account?.passwordHash ?? "") ? account : null;
}

const unusable = () =>
  new Problem("invalid-request", "the link does not work: it has expired, or was used", [
    { pointer: "/token", detail: "does not work: it has expired, or was used" },
  ]);

function refuse(): never {
  throw unusable();
}
