// Admins that the API does not create: the first one from the settings, others from the command.
import type { Database } from "../../db/database.ts";
import { Problem } from "../http/problems.ts";
import { plainWrite } from "../http/write.ts";
import { changeAccount, commitAccount, findByEmail, hasAdmin, newAccount } from "./accounts.ts";
import type { Passwords } from "./passwords.ts";

/** The name of every admin whose account is created here. */
const NAME = "Admin";

/**
 * Creates the first admin if there is none and returns whether it did. An existing account gets this password. A node whose copy has
 * an admin starts without its primary.
 */
export async function makeFirstAdmin(
  db: Database,
  passwords: Passwords,
  credentials: { email: string; password: string } | null,
  nowMs: number,
): Promise<boolean> {
  if (credentials === null || hasAdmin(db) || (await db.onPrimary(hasAdmin))) return false;
  const { email, password } = credentials;
  const passwordHash = await passwords.hash(password);
  // Another process may have created one during the hashing.
  if (await db.onPrimary(hasAdmin)) return false;
  const account = await db.onPrimary((snapshot) => findByEmail(snapshot, email));
  try {
    // Another person may have registered the address: the password of the settings replaces theirs.
    if (account) await promote(db, account.user.id, passwordHash, nowMs);
    else await addAdmin(db, email, passwordHash, nowMs);
    return true;
  } catch (thrown) {
    if (thrown instanceof Problem && (await db.onPrimary(hasAdmin))) return false;
    throw thrown;
  }
}

/** Makes an account an admin; a password hash replaces its own. */
export async function promote(
  db: Database,
  userId: string,
  passwordHash: string | undefined,
  nowMs: number,
): Promise<void> {
  const facts = { name: undefined, phone: undefined, role: "admin", passwordHash } as const;
  await changeAccount(db, plainWrite(null, nowMs), userId, facts);
}

/** Adds an admin's account. */
export async function addAdmin(
  db: Database,
  email: string,
  passwordHash: string,
  nowMs: number,
): Promise<void> {
  const { group } = newAccount({ email, name: NAME, role: "admin", passwordHash }, nowMs);
  await commitAccount(db, plainWrite(null, nowMs), group);
}
