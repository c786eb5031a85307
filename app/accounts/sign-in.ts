// The actions of users on accounts: register, log in, refresh, log out, change, remove. Joins accounts, passwords and sessions.
import type { Database } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import type { Caller } from "../http/caller.ts";
import { emailKey } from "../http/credentials.ts";
import { Problem } from "../http/problems.ts";
import { commitWrite, plainWrite } from "../http/write.ts";
import type { Identity } from "../identity/identity.ts";
import {
  type Account,
  changeAccount,
  commitAccount,
  emailTaken,
  findAccount,
  findByEmail,
  loginStatement,
  newAccount,
  removeAccount,
  type User,
} from "./accounts.ts";
import type { AccountChange, Login, Registration } from "./fields.ts";
import type { Passwords } from "./passwords.ts";
import type { Visitor } from "./places.ts";
import { beginSession, endSessionOf, findToken, rotate, type Session } from "./sessions.ts";
import type { LoginThrottle } from "./throttle.ts";

type Services = {
  db: Database;
  identity: Identity;
  passwords: Passwords;
  loginThrottle: LoginThrottle;
  now(): number;
};

/** A session that was just started or refreshed, with its user. */
export type SignedIn = { session: Session; user: User };

/** Creates a customer's account and its first session. Throws the `Problem` 409 for an address that has an account. */
export async function register(services: Services, input: Registration, visitor: Visitor): Promise<SignedIn> {
  const { db, passwords, loginThrottle, now } = services;
  if (await db.onPrimary((snapshot) => findByEmail(snapshot, input.email))) throw emailTaken();
  const passwordHash = await passwords.hash(input.password, visitor);
  const nowMs = now();
  const { user, group } = newAccount({ ...input, role: "customer", passwordHash }, nowMs);
  const begun = beginSession(user.id, passwordHash, nowMs);
  const self: Caller = { userId: user.id, role: user.role, kind: "user" };
  await commitAccount(db, plainWrite(self, nowMs), {
    ...group,
    statements: [...group.statements, ...begun.statements, loginStatement(user.id, null, nowMs)],
  });
  loginThrottle.welcome(emailKey(input.email), visitor);
  return { session: begun.session, user: { ...user, lastLogin: new Date(nowMs).toISOString() } };
}

/**
 * Checks the password and starts a session. `provenId` is the account's id where an earlier session proves a sign-in to it.
 * Every failure is the same `Problem` 401, after the same work.
 */
export async function login(
  services: Services,
  input: Login,
  visitor: Visitor,
  provenId: string | null,
): Promise<SignedIn> {
  const { db, passwords, loginThrottle, now } = services;
  const name = emailKey(input.email);
  const attempted = provenId === null ? { email: name } : { userId: provenId };
  const who = { ...visitor, isKnown: provenId !== null };
  const account = await loginThrottle.attempt(attempted, who, async (inTurn) => {
    const found = await db.onPrimary((snapshot) => findByEmail(snapshot, input.email));
    const isRight = await passwords.verify(input.password, found?.passwordHash ?? null, inTurn);
    return isRight ? found : null;
  });
  if (!account) throw wrongLogin();
  loginThrottle.welcome(name, visitor);
  const { user, passwordHash } = account;
  const newHash = passwords.isOutdated(passwordHash) ? await passwords.hash(input.password, who) : null;
  const nowMs = now();
  const begun = beginSession(user.id, passwordHash, nowMs);
  try {
    const statements = [...begun.statements, loginStatement(user.id, newHash, nowMs)];
    await commitWrite(db, plainWrite(null, nowMs), { statements });
  } catch (thrown) {
    // The account was removed, or its password changed, during the verification.
    if (thrown instanceof DatabaseError && thrown.kind === "reference") throw wrongLogin();
    throw thrown;
  }
  return { session: begun.session, user: { ...user, lastLogin: new Date(nowMs).toISOString() } };
}

/** Exchanges a refresh token for the next one. Throws the `Problem` 401. */
export async function refresh({ db, identity, now }: Services, token: string): Promise<SignedIn> {
  // Before any write, so that a 401 means that nothing was written.
  const found = await db.onPrimary((snapshot) => {
    const stored = findToken(snapshot, token);
    const account = stored && findAccount(snapshot, stored.userId);
    return account && { stored, user: account.user };
  });
  const session = found && (await rotate(db, found.stored, now(), identity.forgetUser));
  if (!session) throw new Problem("unauthorized", "the refresh token is invalid or has expired");
  return { session, user: found.user };
}

/** Ends the session of a refresh token; does nothing for an unknown one. */
export async function logout({ db, identity }: Services, token: string): Promise<void> {
  const userId = await endSessionOf(db, token);
  if (userId !== null) identity.forgetUser(userId);
}

/** Changes an account. Throws a `Problem`: 404, 403 for a role from a customer, 400 or 403 for the owner's password. */
export async function change(
  services: Services,
  caller: Caller,
  userId: string,
  input: AccountChange,
  visitor: Visitor,
): Promise<User> {
  const { db, identity, passwords, now } = services;
  const known = { ...visitor, isKnown: true };
  const account = await db.onPrimary((snapshot) => findAccount(snapshot, userId));
  if (!account) throw noAccount();
  const role = input.role === account.user.role ? undefined : input.role;
  if (role !== undefined && caller.role !== "admin")
    throw new Problem("forbidden", "only an admin may change a role");
  if (input.password !== undefined && caller.userId === userId)
    await checkOwnPassword(services, account, known, {
      password: input.currentPassword,
      field: "currentPassword",
    });
  const passwordHash = input.password === undefined ? undefined : await passwords.hash(input.password, known);
  const { name, phone } = input;
  const facts = { name, phone, role, passwordHash };
  const user = await changeAccount(db, plainWrite(caller, now()), userId, facts);
  if (role !== undefined || passwordHash !== undefined) identity.forgetUser(userId);
  if (!user) throw noAccount();
  return user;
}

/** Removes an account. `password` is its owner's, or `null` when an admin removes the account of another user. */
export async function remove(
  services: Services,
  caller: Caller,
  userId: string,
  password: string | null | undefined,
  visitor: Visitor,
): Promise<void> {
  const { db, identity, now } = services;
  const account = await db.onPrimary((snapshot) => findAccount(snapshot, userId));
  if (!account) throw noAccount();
  if (password !== null)
    await checkOwnPassword(services, account, { ...visitor, isKnown: true }, { password, field: "password" });
  await removeAccount(db, plainWrite(caller, now()), userId);
  identity.forgetUser(userId);
}

/**
 * Checks the password of the account that its owner changes, as an attempt of somebody signed in. Throws the `Problem` 400
 * without one, 403 for a wrong one.
 */
async function checkOwnPassword(
  { passwords, loginThrottle }: Services,
  { user, passwordHash }: Account,
  visitor: Visitor,
  { password, field }: { password: string | undefined; field: string },
): Promise<void> {
  if (password === undefined)
    throw new Problem("invalid-request", `${field} is required`, [
      { pointer: `/${field}`, detail: "is required" },
    ]);
  const isRight = await loginThrottle.attempt({ userId: user.id }, visitor, async (inTurn) =>
    (await passwords.verify(password, passwordHash, inTurn)) ? true : null,
  );
  if (!isRight)
    throw new Problem("forbidden", `${field} is wrong`, [{ pointer: `/${field}`, detail: "is wrong" }]);
}

/** The `Problem` 404 of an account that does not exist. */
export const noAccount = () => new Problem("not-found", "there is no such account");
const wrongLogin = () => new Problem("unauthorized", "the e-mail address or the password is wrong");
