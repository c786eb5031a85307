// The memory of verified tokens: it saves the work, it is bounded, and it forgets what was revoked, also elsewhere.
import { describe, expect, test } from "bun:test";
import type { Database } from "../../db/database.ts";
import { makeAdminOf } from "../accounts/accounts-fixture.ts";
import { addKey, revokeKey } from "../accounts/keys.ts";
import { ask, signIn, signUp } from "../test-people.ts";
import { openObservedShop, openTestShop, until } from "../test-shop.ts";
import { type Identity, openIdentity } from "./identity.ts";
import { openTokens } from "./tokens.ts";

const SECRETS = ["the first secret of these tests, long enough"];
const DEADLINE_MS = 2_000;

/** An identity before a database in which everybody has a session; `asked` counts its questions. */
function openCounting(ttlSeconds = 900) {
  const state = { asked: 0, nowMs: Date.now(), role: "customer" };
  const read = {
    get: () => {
      state.asked += 1;
      return [state.role];
    },
  };
  const tokens = openTokens(SECRETS, ttlSeconds, () => state.nowMs);
  const identity = openIdentity({ read } as unknown as Database, tokens, () => state.nowMs);
  return { state, identity, tokens };
}
const roleOf = async (identity: Identity, token: string) => {
  const caller = await identity.authenticate(`Bearer ${token}`);
  return typeof caller === "string" ? caller : caller.role;
};

describe("a verified token", () => {
  test("is looked up once, until it expires", async () => {
    const { state, identity, tokens } = openCounting();
    const token = await tokens.sign("u1", "s1");
    for (let times = 0; times < 5; times += 1)
      expect(await identity.authenticate(`Bearer ${token}`)).toEqual({
        ...{ userId: "u1", role: "customer", kind: "user" },
      });
    expect(state.asked).toBe(1);
    state.nowMs += 901_000;
    expect(await identity.authenticate(`bearer ${token}`)).toBe("bad token");
    expect([state.asked, identity.size()]).toEqual([1, 0]);
  });

  test("is asked for again after news of its user, and only then", async () => {
    const { state, identity, tokens } = openCounting();
    const [one, two] = [await tokens.sign("u1", "s1"), await tokens.sign("u2", "s2")];
    const both = async () => [await roleOf(identity, one), await roleOf(identity, two)];
    await both();
    state.role = "admin";
    identity.apply([
      { seq: 1, kind: "facts", shoeId: "u1" },
      { seq: 2, kind: "session", shoeId: "u3" },
    ]);
    expect(await both()).toEqual(["customer", "customer"]);
    identity.apply([{ seq: 3, kind: "session", shoeId: "u1" }]);
    expect(await both()).toEqual(["admin", "customer"]);
    identity.clear();
    expect(await both()).toEqual(["admin", "admin"]);
    state.role = "customer";
    identity.apply([{ seq: 4, kind: "session", shoeId: null }]);
    expect(await both()).toEqual(["customer", "customer"]);
  });

  test("is one of 20,000 at most", async () => {
    const { identity } = openCounting();
    // Keys are remembered like tokens, and cost no signature to make.
    for (let n = 0; n < 20_500; n += 1) await identity.authenticate(`Bearer insole_key_${n}`);
    expect(identity.size()).toBe(20_000);
  });

  test("is not what other schemes and spellings send", async () => {
    const { identity, tokens } = openCounting();
    const token = await tokens.sign("u1", "s1");
    for (const header of [null, "", "  "]) expect(await identity.authenticate(header)).toBe("no token");
    for (const header of [token, `Basic ${token}`, "Bearer", `Bearer ${token} ${token}`, `Bearer "${token}"`])
      expect(await identity.authenticate(header)).toBe("bad token");
    expect(await roleOf(identity, `  ${token} `)).toBe("customer");
  });
});

describe("what another process does is seen here", () => {
  const statusOf = (shop: Awaited<ReturnType<typeof openTestShop>>, token: string) => async () =>
    (await ask(shop, "GET", "/api/users", { token })).status;

  test("a session that ends, another role, a removed user", async () => {
    const shop = await openTestShop([]);
    const keeper = await makeAdminOf(shop.db, await signUp(shop));
    const people = [await signUp(shop), await signUp(shop), await signUp(shop)];
    await Promise.all(people.map((person) => makeAdminOf(shop.db, person)));
    const [one, two, three] = await Promise.all(people.map((person) => signIn(shop, person)));
    const stays = await signIn(shop, keeper);
    for (const { token = "" } of [one, two, three, stays].map((person) => person ?? keeper))
      expect(await statusOf(shop, token)()).toBe(200);
    await shop.db.write([{ sql: "DELETE FROM sessions WHERE user_id = ?", args: [one?.id ?? ""] }]);
    await shop.db.write([{ sql: "UPDATE users SET role = 'customer' WHERE id = ?", args: [two?.id ?? ""] }]);
    await shop.db.write([{ sql: "DELETE FROM users WHERE id = ?", args: [three?.id ?? ""] }]);
    for (const person of [one, two, three])
      expect(await until(statusOf(shop, person?.token ?? ""), (status) => status === 401, DEADLINE_MS)).toBe(
        401,
      );
    expect(await statusOf(shop, stays.token)()).toBe(200);
    await shop.close();
  });

  test("a key that is made and revoked; its deeds are under its name", async () => {
    const shop = await openTestShop([]);
    const person = await signUp(shop);
    const key = await addKey(shop.db, "nightly", Date.now());
    expect(await statusOf(shop, key)()).toBe(200);
    const change = await ask(shop, "PUT", `/api/users/${person.id}`, {
      token: key,
      body: { name: "Changed" },
    });
    expect(change.status).toBe(200);
    const audit = await ask(shop, "GET", "/api/audit?limit=1", { token: key });
    expect(((await audit.json()) as { data: object[] }).data).toMatchObject([
      { actor: "key:nightly", actorKind: "key", action: "user.change", subject: person.id },
    ]);
    await revokeKey(shop.db, "nightly", Date.now());
    expect(await until(statusOf(shop, key), (status) => status === 401, DEADLINE_MS)).toBe(401);
    await shop.close();
  });
});

test("a password that changes while it is being checked begins no session", async () => {
  const { promise: checked, resolve: finish } = Promise.withResolvers<boolean>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { openPasswords } = await import("../accounts/passwords.ts");
  const engine = {
    hash: async () => "$argon2id$v=19$m=19456,t=2,p=1$made-up",
    verify: () => {
      begin();
      return checked;
    },
  };
  const shop = await openObservedShop([], true, { passwords: openPasswords({ engine }) });
  const { email, password, id } = await signUp(shop);
  const login = ask(shop, "POST", "/api/auth/login", { body: { email, password } });
  await begun;
  await shop.db.write([{ sql: "UPDATE users SET password_hash = 'other' WHERE id = ?", args: [id] }]);
  finish(true);
  expect((await login).status).toBe(401);
  await shop.close();
});
