// Admins that are made from outside the API: the first one from the settings, others by the command.
import type { Database } from "../../db/database.ts";
import { Problem } from "../http/problems.ts";
import { plainWrite } from "../http/write.ts";
import { changeAccount, commitAccount, findByEmail, hasAdmin, newAccount } from "./accounts.ts";
import type { Passwords } from "./passwords.ts";

/** What an admin made here is called until somebody says otherwise. */
const NAME = "Admin";

/** Makes the first admin while there is none; says whether it did. An account with the address gets this password. */
export async function makeFirstAdmin(
  db: Database,
  passwords: Passwords,
  given: { email: string; password: string } | null,
  nowMs: number,
): Promise<boolean> {
  if (given === null || (await db.onPrimary(hasAdmin))) return false;
  const passwordHash = await passwords.hash(given.password);
  // Hashing takes a while, in which another process may have been quicker.
  if (await db.onPrimary(hasAdmin)) return false;
  const account = await db.onPrimary((at) => findByEmail(at, given.email));
  try {
    // Whoever took the address before must not become the admin by it.
    if (account) await promote(db, account.user.id, passwordHash, nowMs);
    else await addAdmin(db, given.email, passwordHash, nowMs);
    return true;
  } catch (thrown) {
    if (thrown instanceof Problem && (await db.onPrimary(hasAdmin))) return false;
    throw thrown;
  }
}

/** Makes an account an admin, with another password where one is given. */
export async function promote(
  db: Database,
  userId: string,
  passwordHash: string | undefined,
  nowMs: number,
): Promise<void> {
  const facts = { name: undefined, phone: undefined, role: "admin", passwordHash } as const;
  await changeAccount(db, plainWrite(null, nowMs), userId, facts);
}

/** Adds an account that is an admin. */
export async function addAdmin(
  db: Database,
  email: string,
  passwordHash: string,
  nowMs: number,
): Promise<void> {
  const { group } = newAccount({ email, name: NAME, role: "admin", passwordHash }, nowMs);
  await commitAccount(db, plainWrite(null, nowMs), group);
}
