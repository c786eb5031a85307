// The accounts of scenarios: an admin who can sign in, and customers who cannot.
import { join } from "node:path";
import Libsql from "libsql";

const PASSWORD = "bench-only-password";
const EMAIL = "bench@shop.example";

/** Settings of a shop with this admin and without rate limits. */
export const ADMIN_SETTINGS = {
  ADMIN_EMAIL: EMAIL,
  ADMIN_PASSWORD: PASSWORD,
  RATE_LIMIT_MAX: "0",
  RATE_LIMIT_AUTH_MAX: "0",
};

/** The request body that signs the admin in. */
export const SIGN_IN = JSON.stringify({ email: EMAIL, password: PASSWORD });

/** A wrong login of the admin. */
export const GUESS = JSON.stringify({ email: EMAIL, password: "bench-only-guess" });

/** A wrong login of an account that does not exist, another one for each number. */
export const guessAt = (number: number): string =>
  JSON.stringify({ email: `guess-${number}@shop.example`, password: "bench-only-guess" });

/** Signs the admin in and returns the access token. */
export async function signIn({ base }: { base: string }): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${base}/api/auth/login`, { method: "POST", headers, body: SIGN_IN });
  const { token } = (await response.json()) as { token?: string };
  if (response.status !== 200 || token === undefined)
    throw new Error(`signing in answers ${response.status}`);
  return token;
}

export const customerId = (number: number): string => `bench-${number}`;

/** Adds customers who cannot sign in, because hashing a password for each would take minutes. */
export const customersStatement = (count: number): { sql: string; args: [string] } => ({
  sql: `INSERT INTO users (id, email, email_key, name, password_hash, created_at, updated_at)
SELECT value, value || '@shop.example', value || '@shop.example', value, '-', 0, 0 FROM json_each(?)
WHERE true ON CONFLICT DO NOTHING`,
  args: [JSON.stringify(Array.from({ length: count }, (_, at) => customerId(at)))],
});

/** Adds customers to the shop with this data folder. */
export function addCustomers(dataDir: string, count: number): void {
  const handle = new Libsql(join(dataDir, "insole.db"), { timeout: 5_000 });
  const { sql, args } = customersStatement(count);
  try {
    handle.prepare(sql).run(args);
  } finally {
    handle.close();
  }
}

/** Throws unless the shoes' counters add up to the rows of likes. */
export function expectLikesCounted(dataDir: string): void {
  const handle = new Libsql(join(dataDir, "insole.db"), { timeout: 5_000 });
  try {
    const [rows, counted] = handle
      .prepare("SELECT (SELECT count(*) FROM likes), (SELECT sum(likes) FROM shoes)")
      .raw(true)
      .get([]) as [number, number];
    if (rows !== counted) throw new Error(`${rows} rows of likes, but the shoes count ${counted}`);
  } finally {
    handle.close();
  }
}
