// The tests of the contract suite that try every CHECK of the schema, and the rules of accounts, with values that they forbid.
import { expect, test } from "bun:test";
import type { Statement } from "../database.ts";
import { DatabaseError, type DatabaseErrorKind } from "../errors.ts";
import { objectsOf } from "../schema/alterations.ts";
import { ORDER_CHECKS, ORDER_ROWS } from "./contract-orders.ts";
import { adding, expectRefusal, failure, type RowOf, type Subject } from "./contract-parts.ts";

const HASH = "0".repeat(64);

/** A row of each table with a CHECK that keeps all of them. */
const VALID = {
  ...ORDER_ROWS,
  admin_keys: { hash: HASH, name: "key", created_at: 0 },
  audit: { at: 0, actor: "u", actor_kind: "user", action: "a", subject: "s", detail: "{}" },
  changes: { kind: "facts" },
  dataset: { one: 1, id: "d", generation: "g", bulk: 0, created_at: 0 },
  facets: { kind: "brand", key: "k", name: "n", shoes: 0 },
  idempotency: { user_id: "u", key: "k", request_hash: "", status: 200, headers: "{}", created_at: 0 },
  likes: { shoe: 7, user_id: "u", created_at: 0 },
  refresh_tokens: { hash: HASH, session_id: "s", created_at: 0, expires_at: 0 },
  related: { shoe: 7, shoe_id: "a", given: 0, list: "[]" },
  shoes: {
    shoe_id: "a",
    slug: "a",
    price_cents: 100,
    title: "A shoe",
    images: "[]",
    origin: "api",
    content_hash: "",
    created_at: 0,
    updated_at: 0,
    description: "",
  },
  sizes: { shoe: 7, position: 0, size: "42", stock: 1 },
  users: {
    id: "u",
    email: "u@a",
    email_key: "u@a",
    name: "U",
    password_hash: "",
    created_at: 0,
    updated_at: 0,
  },
} satisfies Record<string, RowOf>;

type Table = keyof typeof VALID;

/** Every CHECK as the schema has it, with values that it forbids, below and above where it has two bounds. */
const CHECKS: [table: Table, check: string, ...forbidden: RowOf[]][] = [
  ...ORDER_CHECKS,
  ["admin_keys", "length(hash) = 64", { hash: HASH.slice(1) }, { hash: `${HASH}0` }],
  ["admin_keys", "length(name) BETWEEN 1 AND 60", { name: "" }, { name: "n".repeat(61) }],
  ["audit", "actor_kind IN ('user', 'key', 'system')", { actor_kind: "admin" }],
  ["audit", "json_valid(detail)", { detail: "{" }],
  ["audit", "(actor IS NULL) = (actor_kind = 'system')", { actor: null }, { actor_kind: "system" }],
  ["changes", "kind IN ('facts', 'collection', 'counters', 'session')", { kind: "other" }],
  ["dataset", "one = 1", { one: 0 }, { one: 2 }],
  ["dataset", "bulk IN (0, 1)", { bulk: -1 }, { bulk: 2 }],
  [
    "facets",
    "kind IN ('all', 'category', 'brand', 'color', 'gender', 'size', 'size_run')",
    { kind: "other" },
  ],
  ["facets", "shoes >= 0", { shoes: -1 }],
  ["idempotency", "length(key) BETWEEN 1 AND 255", { key: "" }, { key: "k".repeat(256) }],
  ["idempotency", "json_valid(headers)", { headers: "{" }],
  ["likes", "length(user_id) BETWEEN 1 AND 64", { user_id: "" }, { user_id: "u".repeat(65) }],
  ["refresh_tokens", "length(hash) = 64", { hash: HASH.slice(1) }, { hash: `${HASH}0` }],
  ["related", "given IN (0, 1)", { given: 2 }],
  ["related", "json_valid(list)", { list: "[" }],
  [
    "related",
    `given = 0 OR instr(list, '"' || shoe_id || '"') = 0`,
    { given: 1, list: '["a"]' },
    { given: 1, list: '["b","a"]' },
  ],
  [
    "related",
    "given = 1 OR instr(replace(replace(list, '[', ','), ']', ','), ',' || shoe || ',') = 0",
    { list: "[7]" },
    { list: "[70,7,71]" },
  ],
  ["shoes", "length(shoe_id) BETWEEN 1 AND 64", { shoe_id: "" }, { shoe_id: "a".repeat(65) }],
  ["shoes", "price_cents BETWEEN 1 AND 100000000", { price_cents: 0 }, { price_cents: 100_000_001 }],
  [
    "shoes",
    "list_price_cents BETWEEN 1 AND 100000000",
    { list_price_cents: 0 },
    { list_price_cents: 100_000_001 },
  ],
  ["shoes", "tie BETWEEN 0 AND 67108863", { tie: -1 }, { tie: 67_108_864 }],
  ["shoes", "likes >= 0", { likes: -1 }],
  ["shoes", "stock >= 0", { stock: -1 }],
  ["shoes", "length(title) BETWEEN 1 AND 300", { title: "" }, { title: "t".repeat(301) }],
  ["shoes", "json_valid(images)", { images: "[" }],
  ["shoes", "origin IN ('demo', 'import', 'api')", { origin: "other" }],
  ["sizes", "stock BETWEEN 0 AND 1000000", { stock: -1 }, { stock: 1_000_001 }],
  ["users", "length(id) BETWEEN 1 AND 64", { id: "" }, { id: "u".repeat(65) }],
  ["users", "length(email) BETWEEN 3 AND 254", { email: "u@" }, { email: `u@${"a".repeat(253)}` }],
  ["users", "length(name) BETWEEN 1 AND 100", { name: "" }, { name: "n".repeat(101) }],
  ["users", "length(phone) BETWEEN 1 AND 32", { phone: "" }, { phone: "1".repeat(33) }],
  ["users", "role IN ('customer', 'admin')", { role: "owner" }, { role: "" }],
];

const user = (id: string, row: RowOf = {}): Statement =>
  adding("users", { ...VALID.users, id, email: `${id}@a`, email_key: `${id}@a`, ...row });
const session = (id: string, row: RowOf = {}): Statement =>
  adding("sessions", { id, user_id: "u", created_at: 0, expires_at: 0, ...row });

/** An admin with a session, a refresh token and two keys, one of them revoked. */
const ACCOUNTS: Statement[] = [
  user("u", { role: "admin" }),
  session("s"),
  adding("refresh_tokens", VALID.refresh_tokens),
  adding("admin_keys", VALID.admin_keys),
  adding("admin_keys", { ...VALID.admin_keys, hash: "1".repeat(64), name: "old", revoked_at: 1 }),
];

const OF_ACCOUNTS: [what: string, Statement, DatabaseErrorKind, columns: string[]][] = [
  ["a second user of one id", user("u", { email_key: "x@a" }), "unique", ["users.id"]],
  ["a second user of one address", user("v", { email_key: "u@a" }), "unique", ["users.email_key"]],
  ["a session of an unknown user", session("t", { user_id: "nobody" }), "reference", []],
  ["a second session of one id", session("s"), "unique", ["sessions.id"]],
  [
    "a refresh token of an unknown session",
    adding("refresh_tokens", { ...VALID.refresh_tokens, hash: "1".repeat(64), session_id: "none" }),
    "reference",
    [],
  ],
  [
    "a refresh token twice",
    adding("refresh_tokens", VALID.refresh_tokens),
    "unique",
    ["refresh_tokens.hash"],
  ],
  [
    "a key twice",
    adding("admin_keys", { ...VALID.admin_keys, name: "other" }),
    "unique",
    ["admin_keys.hash"],
  ],
  [
    "a second key of one name in use",
    adding("admin_keys", { ...VALID.admin_keys, hash: "2".repeat(64) }),
    "unique",
    ["admin_keys.name"],
  ],
  ["the last admin's other role", { sql: "UPDATE users SET role = 'customer'" }, "check", []],
  ["the last admin's removal", { sql: "DELETE FROM users" }, "check", []],
];

/** Tests of every CHECK, and of the rules of accounts. */
export function checks({ db }: Subject): void {
  test("refuse what any CHECK forbids", async () => {
    const tried = CHECKS.map(([table, check]) => `${table}: ${check}`);
    expect(tried.sort()).toEqual(checksOfSchema().sort());
    for (const [table, check, ...forbidden] of CHECKS)
      for (const row of forbidden) {
        const thrown = await failure(db().write([adding(table, { ...VALID[table], ...row })]));
        const { kind, message } = thrown instanceof DatabaseError ? thrown : { kind: thrown, message: "" };
        expect({ table, row, kind, message: flat(message) }).toEqual({
          table,
          row,
          kind: "check",
          message: expect.stringContaining(`CHECK constraint failed: ${check}`),
        });
      }
  });

  test("refuse what breaks a rule of accounts", async () => {
    await db().write(ACCOUNTS);
    for (const [what, statement, kind, columns] of OF_ACCOUNTS) {
      const thrown = await failure(db().write([statement]));
      expect([what, thrown]).toEqual([what, expect.any(DatabaseError)]);
      expectRefusal(thrown, kind, columns);
    }
    // What the rules leave free: a revoked key's name again, and an admin beside another one.
    await db().write([adding("admin_keys", { ...VALID.admin_keys, hash: "3".repeat(64), name: "old" })]);
    await db().write([user("v", { role: "admin" }), { sql: "DELETE FROM users WHERE id = 'u'" }]);
  });
}

/** Every CHECK of the schema with its table. */
const checksOfSchema = (): string[] =>
  objectsOf()
    .filter(([type]) => type === "table")
    .flatMap(([, table, sql]) =>
      [...sql.matchAll(/\bCHECK \(/g)].map(
        ({ index }) => `${table}: ${flat(inBrackets(sql.slice(index + 6)))}`,
      ),
    );

/** A text of several lines as one. */
const flat = (text: string): string => text.replace(/\s+/g, " ").trim();

/** What stands in the brackets that the text begins with. */
function inBrackets(text: string): string {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    if (text[at] === ")") depth -= 1;
    if (depth === 0) return text.slice(1, at);
  }
  throw new Error(`no closing bracket: ${text}`);
}
