// Accounts: finds, adds, changes and removes them; each write adds its audit row.
import type { Database, Readable, Statement, WriteResult } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { must } from "../../db/must.ts";
import type { Role } from "../http/caller.ts";
import { emailKey } from "../http/credentials.ts";
import { offsetOf, type Page } from "../http/paging.ts";
import { Problem } from "../http/problems.ts";
import { commitWrite, type Group, type Write } from "../http/write.ts";
import { endAllStatement } from "./sessions.ts";

export { countRegistered } from "./registrations.ts";

/** An account as the API shows it. */
export type User = {
  id: string;
  email: string;
  name: string;
  phone: string | null;
  role: Role;
  createdAt: string;
  updatedAt: string;
  lastLogin: string | null;
};

/** An account with its password hash, which no answer contains. */
export type Account = { user: User; passwordHash: string };

/** New values of an account; `undefined` means no change. */
type NewFacts = {
  name: string | undefined;
  phone: string | null | undefined;
  role: Role | undefined;
  passwordHash: string | undefined;
};

type UserRow = [
  seq: number,
  id: string,
  email: string,
  name: string,
  phone: string | null,
  role: Role,
  createdAt: number,
  updatedAt: number,
  lastLogin: number | null,
  passwordHash: string,
];

const COLUMNS = "seq, id, email, name, phone, role, created_at, updated_at, last_login, password_hash";

/** The account with this id. */
export const findAccount = (snapshot: Readable, userId: string): Account | null =>
  toAccount(snapshot.read.get<UserRow>(`SELECT ${COLUMNS} FROM users WHERE id = ?`, userId));

/** The account with this e-mail address, in any case. */
export const findByEmail = (snapshot: Readable, email: string): Account | null =>
  toAccount(snapshot.read.get<UserRow>(`SELECT ${COLUMNS} FROM users WHERE email_key = ?`, emailKey(email)));

/** The newest accounts first, one more than the page takes. */
export const listUsers = (snapshot: Readable, page: Page): { seq: number; item: User }[] =>
  snapshot.read
    .all<UserRow>(
      `SELECT ${COLUMNS} FROM users WHERE seq < ? ORDER BY seq DESC LIMIT ? OFFSET ?`,
      page.position ?? Number.MAX_SAFE_INTEGER,
      page.limit + 1,
      offsetOf(page),
    )
    .map((row) => ({ seq: row[0], item: toUser(row) }));

/** The number of accounts; counts at most `max`. */
export const countUsers = (snapshot: Readable, max: number): number =>
  must(snapshot.read.get<[number]>("SELECT count(*) FROM (SELECT 1 FROM users LIMIT ?)", max), "a count")[0];

/** Whether there is an admin's account. */
export const hasAdmin = (snapshot: Readable): boolean =>
  snapshot.read.get("SELECT 1 FROM users WHERE role = 'admin' LIMIT 1") !== undefined;

/** A new account and the group that adds it. */
export function newAccount(
  { email, name, role, passwordHash }: { email: string; name: string; role: Role; passwordHash: string },
  nowMs: number,
): { user: User; group: Group } {
  const id = crypto.randomUUID();
  const time = new Date(nowMs).toISOString();
  const user: User = {
    id,
    email,
    name,
    phone: null,
    role,
    createdAt: time,
    updatedAt: time,
    lastLogin: null,
  };
  const statements: Statement[] = [
    {
      sql: `INSERT INTO users (id, email, email_key, name, role, password_hash, created_at, updated_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      args: [id, email, emailKey(email), name, role, passwordHash, nowMs, nowMs],
    },
  ];
  return { user, group: { statements, audit: { action: "user.register", subject: id, detail: { role } } } };
}

/** The statement that records a login, and a new hash of the password if there is one. */
export const loginStatement = (userId: string, newHash: string | null, nowMs: number): Statement => ({
  sql: "UPDATE users SET last_login = ?, password_hash = coalesce(?, password_hash) WHERE id = ?",
  args: [nowMs, newHash, userId],
});

/** Changes an account; a new password or role ends all its sessions. Returns `null` when the account does not exist. */
export async function changeAccount(
  db: Database,
  write: Write,
  userId: string,
  facts: NewFacts,
): Promise<User | null> {
  const { name, phone, role, passwordHash } = facts;
  const fields = Object.entries({ name, phone, role, password: passwordHash })
    .filter(([, value]) => value !== undefined)
    .map(([field]) => field);
  if (fields.length === 0)
    return (await db.onPrimary((snapshot) => findAccount(snapshot, userId)))?.user ?? null;
  const statements: Statement[] = [
    {
      sql: `UPDATE users SET name = coalesce(?, name), phone = CASE WHEN ? THEN ? ELSE phone END,
              role = coalesce(?, role), password_hash = coalesce(?, password_hash), updated_at = ?
            WHERE id = ? RETURNING ${COLUMNS}`,
      args: [
        name ?? null,
        phone === undefined ? 0 : 1,
        phone ?? null,
        role ?? null,
        passwordHash ?? null,
        write.nowMs,
        userId,
      ],
    },
  ];
  if (passwordHash !== undefined) statements.push(endAllStatement(userId));
  const detail = { fields, ...(role ? { role } : {}) };
  const audit = { action: "user.change", subject: userId, detail };
  const [changed] = await commitAccount(db, write, { statements, audit });
  return toAccount(changed?.rows[0] as UserRow | undefined)?.user ?? null;
}

/** Removes an account with its sessions and likes. Throws the `Problem` 409 for the last admin. */
export async function removeAccount(db: Database, write: Write, userId: string): Promise<void> {
  const statements: Statement[] = [
    {
      sql: "UPDATE shoes SET likes = likes - 1 WHERE id IN (SELECT shoe FROM likes WHERE user_id = ?)",
      args: [userId],
    },
    { sql: "DELETE FROM likes WHERE user_id = ?", args: [userId] },
    { sql: "DELETE FROM idempotency WHERE user_id = ?", args: [userId] },
    // Before the account: a cascade runs no trigger, and only the trigger on sessions adds their end to the change feed.
    endAllStatement(userId),
    { sql: "DELETE FROM users WHERE id = ?", args: [userId] },
  ];
  await commitAccount(db, write, { statements, audit: { action: "user.remove", subject: userId } });
}

/** Commits a group and returns the result of each statement. Throws the `Problem` 409 for a taken address and the last admin. */
export async function commitAccount(db: Database, write: Write, group: Group): Promise<WriteResult[]> {
  try {
    return (await commitWrite(db, write, group)).results;
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.columns.includes("users.email_key")) throw emailTaken();
    if (thrown instanceof DatabaseError && thrown.message.includes("the last admin stays"))
      throw new Problem("conflict", "the last admin cannot be demoted or removed");
    throw thrown;
  }
}

/** The `Problem` 409 for an e-mail address that has an account. */
export const emailTaken = () =>
  new Problem("conflict", "this e-mail address already has an account", [
    { pointer: "/email", detail: "already has an account" },
  ]);

function toAccount(row: UserRow | undefined): Account | null {
  return row ? { user: toUser(row), passwordHash: row[9] } : null;
}

function toUser([, id, email, name, phone, role, createdAt, updatedAt, lastLogin]: UserRow): User {
  return {
    id,
    email,
    name,
    phone,
    role,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    lastLogin: lastLogin === null ? null : new Date(lastLogin).toISOString(),
  };
}
