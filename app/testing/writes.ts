// A test shop with a signed-in admin, for tests of writes.
import type { ShoeDraft } from "../shoes/write/draft.ts";
import { ask } from "./people.ts";
import { openTestShop, type TestShop } from "./shop.ts";

const ADMIN = { email: "admin@shop.example", password: "correct horse battery" };

type JsonResponse = {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test say what the body is
  body: any;
};

/** A shop with its admin's access token and id. */
export type AdminShop = TestShop & {
  token: string;
  adminId: string;
  /** Sends a request as the admin, as the holder of another token, or with `null` without one. */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
    as?: string | null,
  ): Promise<JsonResponse>;
};

/** Opens a shop with these shoes and signs its admin in. */
export async function openAdminShop(
  drafts: ShoeDraft[],
  settings: Record<string, string> = {},
): Promise<AdminShop> {
  const admin = { ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password };
  const shop = await openTestShop(drafts, { ...admin, ...settings });
  const login = await ask(shop, "POST", "/api/auth/login", { body: ADMIN });
  const { token, user } = (await login.json()) as { token: string; user: { id: string } };
  const send: AdminShop["send"] = async (method, path, body, headers = {}, as = token) => {
    const answer = await ask(shop, method, path, { body, headers, ...(as === null ? {} : { token: as }) });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === "" ? null : JSON.parse(text) };
  };
  return { ...shop, token, adminId: user.id, send };
}

/** Adds accounts without a password, directly in the database. */
export const addUsers = (shop: AdminShop, ids: string[]): Promise<unknown> =>
  shop.db.write([
    {
      sql: `INSERT INTO users (id, email, email_key, name, password_hash, created_at, updated_at)
SELECT value, value || '@shop.example', value || '@shop.example', value, '', 1, 1 FROM json_each(?)`,
      args: [JSON.stringify(ids)],
    },
  ]);
