// Admin keys for scripts: returned once, stored as digests, revoked by name.
import type { Database } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { commitWrite, plainWrite } from "../http/write.ts";
import { digestOf, makeKey } from "../identity/opaque.ts";

/** The name of a key, which the audit shows. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/;

/** Creates a key with this name and returns it: only its digest is stored. Throws an error of one sentence. */
export async function addKey(db: Database, name: string, nowMs: number): Promise<string> {
  if (!NAME.test(name))
    throw new Error(
      `${JSON.stringify(name)} is not a valid key name: 1 to 60 letters, digits, dots, _ and -`,
    );
  const key = makeKey();
  try {
    await commitWrite(db, plainWrite(null, nowMs), {
      statements: [
        {
          sql: "INSERT INTO admin_keys (hash, name, created_at) VALUES (?, ?, ?)",
          args: [digestOf(key), name, nowMs],
        },
      ],
      audit: { action: "key.make", subject: name },
    });
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.columns.includes("admin_keys.name"))
      throw new Error(`a key called ${name} already exists: revoke it first, or choose another name`);
    throw thrown;
  }
  return key;
}

/** Revokes the key with this name in every process. Throws an error of one sentence when no such key is in use. */
export async function revokeKey(db: Database, name: string, nowMs: number): Promise<void> {
  const inUse = await db.onPrimary(({ read }) =>
    read.get("SELECT 1 FROM admin_keys WHERE name = ? AND revoked_at IS NULL", name),
  );
  if (!inUse) throw new Error(`no key called ${name} is in use`);
  await commitWrite(db, plainWrite(null, nowMs), {
    statements: [
      {
        sql: "UPDATE admin_keys SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL",
        args: [nowMs, name],
      },
    ],
    audit: { action: "key.revoke", subject: name },
  });
}
