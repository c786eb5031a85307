// Admins made outside the API: the first one from the settings, others by the command.
import type { Database } from "../../db/database.ts";
import { Problem } from "../http/problems.ts";
import { plainWrite } from "../http/write.ts";
import { changeAccount, commitAccount, findByEmail, hasAdmin, newAccount } from "./accounts.ts";
import type { Passwords } from "./passwords.ts";

/** The name of an admin who is made here. */
const NAME = "Admin";

/** Makes the first admin where there is none; `true` when it did. An account with this address gets this password. */
export async function makeFirstAdmin(
  db: Database,
  passwords: Passwords,
  given: { email: string; password: string } | null,
  nowMs: number,
): Promise<boolean> {
  if (given === null || (await db.onPrimary(hasAdmin))) return false;
  const passwordHash = await passwords.hash(given.password);
  // Another process may have made one while this one was hashing.
  if (await db.onPrimary(hasAdmin)) return false;
  const account = await db.onPrimary((snapshot) => findByEmail(snapshot, given.email));
  try {
    // Another person may have registered the address: the given password replaces theirs.
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
