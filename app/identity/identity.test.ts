// The cache of verified tokens: it saves lookups, is bounded, and drops revoked tokens, whichever process revoked them.
import { describe, expect, test } from "bun:test";
import type { Database, Position } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { addKey, revokeKey } from "../accounts/keys.ts";
import { makeAdminOf } from "../testing/accounts.ts";
import { ask, signIn, signUp } from "../testing/people.ts";
import { openObservedShop, openTestShop, readUntil, type TestShop } from "../testing/shop.ts";
import { type Identity, openIdentity } from "./identity.ts";
import { openTokens } from "./tokens.ts";

const SECRETS = ["the first secret of these tests, long enough"];
const DEADLINE_MS = 10_000;

type RoleRow = [string] | undefined;

/**
 * An identity over a fake database in which every user has a session. `readCount` counts local reads and
 * `primaryReadCount` those on the primary, whose result is `primaryRow`.
 */
function openCountingIdentity(ttlSeconds = 900) {
  const state = {
    readCount: 0,
    primaryReadCount: 0,
    nowMs: Date.now(),
    role: "customer" as string | null,
    primaryRow: async (): Promise<RoleRow> => undefined,
    written: null as Position | null,
  };
  const read = {
    get: () => {
      state.readCount += 1;
      return state.role === null ? undefined : [state.role];
    },
  };
  const onPrimary = async (work: (snapshot: { read: { get(): RoleRow } }) => unknown) => {
    state.primaryReadCount += 1;
    const row = await state.primaryRow();
    return work({ read: { get: () => row } });
  };
  const db = { read, onPrimary, written: () => state.written } as unknown as Database;
  const tokens = openTokens(SECRETS, ttlSeconds, () => state.nowMs);
  return { state, identity: openIdentity(db, tokens, () => state.nowMs), tokens };
}
/** The same over a replica that shows no session at all. */
function openLaggingIdentity() {
  const opened = openCountingIdentity();
  opened.state.role = null;
  return opened;
}
const roleOf = async (identity: Identity, token: string) => {
  const caller = await identity.authenticate(`Bearer ${token}`);
  return typeof caller === "string" ? caller : caller.role;
};

describe("a verified token", () => {
  test("is looked up once until it expires", async () => {
    const { state, identity, tokens } = openCountingIdentity();
    const token = await tokens.sign("u1", "s1");
    for (let times = 0; times < 5; times += 1)
      expect(await identity.authenticate(`Bearer ${token}`)).toEqual({
        userId: "u1",
        role: "customer",
        kind: "user",
      });
    expect(state.readCount).toBe(1);
    state.nowMs += 901_000;
    expect(await identity.authenticate(`bearer ${token}`)).toBe("bad token");
    expect([state.readCount, identity.size()]).toEqual([1, 0]);
  });

  test("is looked up again only after a session change of its user", async () => {
    const { state, identity, tokens } = openCountingIdentity();
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

  test("shares the cache with 20,000 at most", async () => {
    const { identity } = openCountingIdentity();
    // Keys are cached like tokens, and need no signature.
    for (let n = 0; n < 20_500; n += 1) await identity.authenticate(`Bearer insole_key_${n}`);
    expect(identity.size()).toBe(20_000);
  });

  test("comes by the Bearer scheme only, in its exact syntax", async () => {
    const { identity, tokens } = openCountingIdentity();
    const token = await tokens.sign("u1", "s1");
    for (const header of [null, "", "  "]) expect(await identity.authenticate(header)).toBe("no token");
    for (const header of [token, `Basic ${token}`, "Bearer", `Bearer ${token} ${token}`, `Bearer "${token}"`])
      expect(await identity.authenticate(header)).toBe("bad token");
    expect(await roleOf(identity, `  ${token} `)).toBe("customer");
  });
});

describe("a session that the replica does not show", () => {
  test("is looked up on the primary, once", async () => {
    const { state, identity, tokens } = openLaggingIdentity();
    state.primaryRow = async () => ["admin"];
    const token = await tokens.sign("u1", "s1");
    expect([await roleOf(identity, token), await roleOf(identity, token)]).toEqual(["admin", "admin"]);
    expect(state.primaryReadCount).toBe(1);
  });

  test("and the primary does not have, is refused while its token lives; concurrent requests share one lookup", async () => {
    const { state, identity, tokens } = openLaggingIdentity();
    const token = await tokens.sign("u1", "s1");
    const { promise, resolve } = Promise.withResolvers<RoleRow>();
    state.primaryRow = () => promise;
    const flood = Array.from({ length: 50 }, () => roleOf(identity, token));
    expect(
      await readUntil(
        async () => state.readCount,
        (count) => count === 50,
        DEADLINE_MS,
      ),
    ).toBe(50);
    resolve(undefined);
    expect(new Set(await Promise.all(flood))).toEqual(new Set(["bad token"]));
    expect([await roleOf(identity, token), state.primaryReadCount]).toEqual(["bad token", 1]);
    state.nowMs += 890_000;
    expect([await roleOf(identity, token), state.primaryReadCount]).toEqual(["bad token", 1]);
    expect(await roleOf(identity, await tokens.sign("u1", "s2"))).toBe("bad token");
    expect(state.primaryReadCount).toBe(2);
    state.primaryRow = async () => ["customer"];
    // The same session id with another user is another claim.
    expect(await roleOf(identity, await tokens.sign("u2", "s1"))).toBe("customer");
    expect(await roleOf(identity, token)).toBe("bad token");
    identity.clear();
    expect(await roleOf(identity, token)).toBe("customer");
  });

  test("and an unknown key are refused for five seconds without another lookup", async () => {
    const { state, identity } = openLaggingIdentity();
    const rounds = async () => {
      for (let times = 0; times < 3; times += 1)
        expect(await roleOf(identity, "insole_key_x")).toBe("bad token");
      return state.primaryReadCount;
    };
    expect(await rounds()).toBe(1);
    state.nowMs += 4_999;
    expect(await rounds()).toBe(1);
    state.nowMs += 1;
    expect(await rounds()).toBe(2);
  });

  test("is not cached, nor shared with later requests, when sessions ended during its lookup", async () => {
    const { state, identity, tokens } = openLaggingIdentity();
    const token = await tokens.sign("u1", "s1");
    const lookups = Array.from({ length: 2 }, () => Promise.withResolvers<RoleRow>());
    const waiting = [...lookups];
    state.primaryRow = () => waiting.shift()?.promise ?? Promise.resolve(undefined);
    const primaryReadTimes = async (times: number) => {
      const readsSoFar = async () => state.primaryReadCount;
      expect(await readUntil(readsSoFar, (count) => count === times, DEADLINE_MS)).toBe(times);
    };
    const first = roleOf(identity, token);
    await primaryReadTimes(1);
    identity.apply([{ seq: 1, kind: "session", shoeId: "u1" }]);
    const second = roleOf(identity, token);
    await primaryReadTimes(2);
    lookups[0]?.resolve(["customer"]);
    lookups[1]?.resolve(undefined);
    expect([await first, await second, identity.size()]).toEqual(["customer", "bad token", 0]);
    expect([await roleOf(identity, token), state.primaryReadCount]).toEqual(["bad token", 2]);
  });

  test("fails while the primary is unreachable, without a second lookup at once", async () => {
    const { state, identity, tokens } = openLaggingIdentity();
    const token = await tokens.sign("u1", "s1");
    state.primaryRow = () => Promise.reject(new DatabaseError("unreachable", "no answer"));
    for (let times = 0; times < 3; times += 1)
      await expect(roleOf(identity, token)).rejects.toMatchObject({ kind: "unreachable" });
    expect(state.primaryReadCount).toBe(1);
    state.primaryRow = async () => ["customer"];
    state.nowMs += 500;
    expect(await roleOf(identity, token)).toBe("customer");
  });
});

test("a user whose session ended here is looked up on the primary until the replica shows this process's writes", async () => {
  const { state, identity, tokens } = openCountingIdentity();
  const [ended, other] = [await tokens.sign("u1", "s1"), await tokens.sign("u2", "s2")];
  expect([await roleOf(identity, ended), await roleOf(identity, other)]).toEqual(["customer", "customer"]);
  state.written = { generation: "g", seq: 1 };
  for (const userId of ["u1", "u2"]) identity.forgetUser(userId);
  expect([await roleOf(identity, ended), state.primaryReadCount]).toEqual(["bad token", 1]);
  state.written = null;
  expect([await roleOf(identity, other), state.primaryReadCount]).toEqual(["customer", 1]);
});

describe("changes of another process take effect here", () => {
  const statusOf = (shop: TestShop, token: string) => async () =>
    (await ask(shop, "GET", "/api/users", { token })).status;

  test("an ended session, a changed role, a removed user", async () => {
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
      expect(
        await readUntil(statusOf(shop, person?.token ?? ""), (status) => status === 401, DEADLINE_MS),
      ).toBe(401);
    expect(await statusOf(shop, stays.token)()).toBe(200);
    await shop.close();
  });

  test("a key that is added and revoked; audit rows carry its name", async () => {
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
    expect(await readUntil(statusOf(shop, key), (status) => status === 401, DEADLINE_MS)).toBe(401);
    await shop.close();
  });
});

test("a session that has expired is refused, though its token is valid for longer", async () => {
  let nowMs = Date.now();
  const shop = await openObservedShop([], true, { now: () => nowMs });
  const { id, token } = await signUp(shop);
  const expiry = { sql: "UPDATE sessions SET expires_at = ? WHERE user_id = ?", args: [nowMs + 1_000, id] };
  await shop.db.write([expiry]);
  const status = async () => (await ask(shop, "GET", "/api/auth/profile", { token })).status;
  expect(await status()).toBe(200);
  nowMs += 1_000;
  // A verified token is looked up again only when it is no longer in memory.
  shop.identity.clear();
  expect(await status()).toBe(401);
  await shop.close();
});

test("a login whose password changes during verification starts no session", async () => {
  const { promise: checked, resolve: finish } = Promise.withResolvers<boolean>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { openPasswords } = await import("../accounts/passwords.ts");
  const hasher = {
    hash: async () => "$argon2id$v=19$m=19456,t=2,p=1$made-up",
    verify: () => {
      begin();
      return checked;
    },
  };
  const shop = await openObservedShop([], true, { passwords: openPasswords({ hasher }) });
  const { email, password, id } = await signUp(shop);
  const login = ask(shop, "POST", "/api/auth/login", { body: { email, password } });
  await begun;
  await shop.db.write([{ sql: "UPDATE users SET password_hash = 'other' WHERE id = ?", args: [id] }]);
  finish(true);
  expect((await login).status).toBe(401);
  await shop.close();
});
