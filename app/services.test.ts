// The services as main wires them: after a gap in the change feed nothing that a process kept in memory is used any more.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Statement } from "../db/database.ts";
import { addKey } from "./accounts/keys.ts";
import { makeAdminOf } from "./testing/accounts.ts";
import { ask, signIn, signUp } from "./testing/people.ts";
import { openTestShop, readUntil, shoe, type TestShop } from "./testing/shop.ts";

const DEADLINE_MS = 5_000;

// Each follows the statements of a write in its group, so that the feed cannot list what they changed.
const GAPS: [string, Statement[]][] = [
  [
    "another generation, as after a restore",
    [{ sql: "UPDATE dataset SET generation = lower(hex(randomblob(16)))" }],
  ],
  [
    "changes that are missing, as after a thousand at once",
    [
      { sql: "INSERT INTO changes (shoe_id, kind) VALUES ('another', 'counters')" },
      { sql: "DELETE FROM changes WHERE seq = (SELECT max(seq) - 1 FROM changes)" },
    ],
  ],
];

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([shoe("a")]);
});
afterAll(() => shop.close());

describe.each(GAPS)("after a gap (%s)", (_name, gap) => {
  const statusOf = async (token: string, path: string) => (await ask(shop, "GET", path, { token })).status;

  /** Expects that a remembered token works until these rows change, and then no more. */
  async function expectRevoked(token: string, path: string, statements: Statement[]): Promise<void> {
    for (let times = 0; times < 2; times += 1) expect(await statusOf(token, path)).toBe(200);
    await shop.db.write([...statements, ...gap]);
    const isRefused = (status: number) => status !== 200;
    expect(await readUntil(() => statusOf(token, path), isRefused, DEADLINE_MS)).toBe(401);
  }

  test("an ended session is refused", async () => {
    const { token, id } = await signUp(shop);
    const end = { sql: "DELETE FROM sessions WHERE user_id = ?", args: [id] };
    await expectRevoked(token, "/api/auth/profile", [end]);
  });

  test("a former admin is refused", async () => {
    // The shop keeps one admin.
    await makeAdminOf(shop.db, await signUp(shop));
    const { token, id } = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
    const demote = { sql: "UPDATE users SET role = 'customer' WHERE id = ?", args: [id] };
    await expectRevoked(token, "/api/users", [demote]);
  });

  test("a revoked key is refused", async () => {
    const name = crypto.randomUUID();
    const key = await addKey(shop.db, name, Date.now());
    const revoke = { sql: "UPDATE admin_keys SET revoked_at = 1 WHERE name = ?", args: [name] };
    await expectRevoked(key, "/api/users", [revoke]);
  });

  test("a cached answer is computed again", async () => {
    const titleOf = async (path: string) => {
      const { data } = (await (await shop.get(path)).json()) as {
        data: { title: string } | { title: string }[];
      };
      return (Array.isArray(data) ? data[0] : data)?.title;
    };
    const title = `Renamed ${crypto.randomUUID()}`;
    const paths = ["/api/shoes/a", "/api/shoes?limit=1"];
    for (const path of paths) expect(await titleOf(path)).not.toBe(title);
    // A new title alone is no change of the feed: its version is.
    const rename = { sql: "UPDATE shoes SET title = ? WHERE shoe_id = 'a'", args: [title] };
    await shop.db.write([rename, { sql: "INSERT INTO changes (kind) VALUES ('facts')" }, ...gap]);
    for (const path of paths)
      expect([
        path,
        await readUntil(
          () => titleOf(path),
          (now) => now === title,
          DEADLINE_MS,
        ),
      ]).toEqual([path, title]);
  });
});
