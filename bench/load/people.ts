// People for the scenarios: an admin who can sign in, and customers who only have an account.

import { join } from "node:path";
import Libsql from "libsql";
import type { Server } from "../boot/shop.ts";

const PASSWORD = "bench-only-password";
const EMAIL = "bench@shop.example";

/** Settings of a shop with this admin, and without limits. */
export const ADMIN_SETTINGS = {
  ADMIN_EMAIL: EMAIL,
  ADMIN_PASSWORD: PASSWORD,
  RATE_LIMIT_MAX: "0",
  RATE_LIMIT_AUTH_MAX: "0",
};

/** The body that signs the admin in. */
export const SIGN_IN = JSON.stringify({ email: EMAIL, password: PASSWORD });

/** Signs the admin in and returns the access token. */
export async function signIn({ base }: Pick<Server, "base">): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${base}/api/auth/login`, { method: "POST", headers, body: SIGN_IN });
  const { token } = (await response.json()) as { token?: string };
  if (response.status !== 200 || token === undefined)
    throw new Error(`signing in answers ${response.status}`);
  return token;
}

export const customerId = (number: number): string => `bench-${number}`;

/** The statement that adds customers who cannot sign in: hashing a password for each would take minutes. */
export const customersStatement = (count: number): { sql: string; args: [string] } => ({
  sql: `INSERT INTO users (id, email, email_key, name, password_hash, created_at, updated_at)
SELECT value, value || '@shop.example', value || '@shop.example', value, '-', 0, 0 FROM json_each(?)
WHERE true ON CONFLICT DO NOTHING`,
  args: [JSON.stringify(Array.from({ length: count }, (_, at) => customerId(at)))],
});

/** Adds customers to the shop whose data lie there. */
export function addCustomers(dataDir: string, count: number): void {
  const handle = new Libsql(join(dataDir, "insole.db"), { timeout: 5_000 });
  const { sql, args } = customersStatement(count);
  try {
    handle.prepare(sql).run(args);
  } finally {
    handle.close();
  }
}

/** How many likes stand, as rows and as the shoes' counters. */
export function countLikes(dataDir: string): { rows: number; counted: number } {
  const handle = new Libsql(join(dataDir, "insole.db"), { timeout: 5_000 });
  try {
    const [rows, counted] = handle
      .prepare("SELECT (SELECT count(*) FROM likes), (SELECT sum(likes) FROM shoes)")
      .raw(true)
      .get([]) as [number, number];
    return { rows, counted };
  } finally {
    handle.close();
  }
}
