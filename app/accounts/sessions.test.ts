// Refresh tokens: rotation, a grace period for a second use, and the end of the session after a later one.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { digestOf } from "../identity/opaque.ts";
import { ask, type Person, type Session, signIn, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop } from "../testing/shop.ts";

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2030, 0, 1);

let nowMs = START_MS;
let shop: ObservedShop;
let person: Person;
beforeAll(async () => {
  shop = await openObservedShop([], true, { now: () => nowMs });
});
beforeEach(async () => {
  nowMs = START_MS;
  person = await signUp(shop);
});
afterAll(() => shop.close());

async function refresh(refreshToken: string): Promise<{ status: number; session: Session | null }> {
  const response = await ask(shop, "POST", "/api/auth/refresh", { body: { refreshToken } });
  return { status: response.status, session: response.ok ? ((await response.json()) as Session) : null };
}
const next = async (refreshToken: string): Promise<string> => {
  const { session } = await refresh(refreshToken);
  return session?.refreshToken ?? "it was refused";
};
const logout = async (refreshToken: string) =>
  (await ask(shop, "POST", "/v1/auth/logout", { body: { refreshToken } })).status;
const profile = async (token: string) => (await ask(shop, "GET", "/api/auth/profile", { token })).status;
const rowsOf = (table: string) =>
  shop.db.read.get<[number]>(
    table === "sessions"
      ? "SELECT count(*) FROM sessions WHERE user_id = ?"
      : "SELECT count(*) FROM refresh_tokens AS t JOIN sessions AS s ON s.id = t.session_id WHERE s.user_id = ?",
    person.id,
  )?.[0];

describe("a refresh", () => {
  test("returns the same fields with new tokens each time", async () => {
    const first = await refresh(person.refreshToken);
    expect(first).toMatchObject({
      status: 200,
      session: { success: true, expiresIn: 900, user: { id: person.id, email: person.email } },
    });
    const second = await refresh(first.session?.refreshToken ?? "");
    expect(second.status).toBe(200);
    const all = [person.refreshToken, first.session?.refreshToken, second.session?.refreshToken];
    expect(new Set(all).size).toBe(3);
    expect(await profile(second.session?.token ?? "")).toBe(200);
  });

  test("with an unknown token, or one older than 30 days, is 401", async () => {
    for (const token of ["x", "A".repeat(43), person.token.slice(0, 100)])
      expect((await refresh(token)).status).toBe(401);
    nowMs = START_MS + 30 * DAY_MS - 1;
    const late = await next(person.refreshToken);
    nowMs += 30 * DAY_MS - 1;
    const later = await next(late);
    nowMs += 30 * DAY_MS;
    expect((await refresh(later)).status).toBe(401);
  });

  test("stores only the digest of a token, and deletes expired ones", async () => {
    const [stored] = shop.db.read.all<[string]>(
      "SELECT hash FROM refresh_tokens WHERE hash IN (?, ?)",
      person.refreshToken,
      digestOf(person.refreshToken),
    );
    expect(stored).toEqual([digestOf(person.refreshToken)]);
    let token = person.refreshToken;
    for (let days = 20; days <= 100; days += 20) {
      nowMs = START_MS + days * DAY_MS;
      token = await next(token);
    }
    expect(rowsOf("refresh_tokens")).toBe(2);
  });

  test("sessions unused for 30 days are deleted by another user's login", async () => {
    // A login deletes only so many, those of the other tests first.
    await shop.db.write([{ sql: "DELETE FROM sessions WHERE user_id <> ?", args: [person.id] }]);
    nowMs = START_MS + 31 * DAY_MS;
    await signUp(shop);
    expect([rowsOf("sessions"), rowsOf("refresh_tokens")]).toEqual([0, 0]);
  });
});

test("a user has 500 sessions at most: the oldest ends", async () => {
  nowMs += 2_000;
  await shop.db.write([
    {
      sql: `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 499)
            INSERT INTO sessions SELECT 'made' || i, ?, ?, ? FROM n`,
      args: [person.id, nowMs - 1, nowMs + DAY_MS],
    },
  ]);
  expect([rowsOf("sessions"), await profile(person.token)]).toEqual([500, 200]);
  const newest = await signIn(shop, person);
  expect([rowsOf("sessions"), await profile(newest.token)]).toEqual([500, 200]);
  expect((await refresh(person.refreshToken)).status).toBe(401);
});

describe("a refresh token that was used before", () => {
  test("is exchanged again within 10 seconds of its first use, and both new tokens work", async () => {
    const one = await next(person.refreshToken);
    nowMs += 10 * SECOND_MS;
    const sibling = await next(person.refreshToken);
    expect(sibling).not.toBe(one);
    nowMs += DAY_MS;
    expect([(await refresh(one)).status, (await refresh(sibling)).status]).toEqual([200, 200]);
  });

  test("has a grace period that further uses do not extend", async () => {
    await next(person.refreshToken);
    nowMs += 9 * SECOND_MS;
    await next(person.refreshToken);
    nowMs += 2 * SECOND_MS;
    expect((await refresh(person.refreshToken)).status).toBe(401);
  });

  test("is exchanged concurrently: every tab gets its own token", async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => refresh(person.refreshToken)));
    expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(new Set(responses.map(({ session }) => session?.refreshToken)).size).toBe(8);
  });

  test("ends its session with all tokens when used later, but no other session", async () => {
    const elsewhere = await signIn(shop, person);
    const { session } = await refresh(person.refreshToken);
    const sibling = await next(person.refreshToken);
    const [token = "", heir = ""] = [session?.token, session?.refreshToken];
    expect(await profile(token)).toBe(200);
    nowMs += 10 * SECOND_MS + 1;
    expect((await refresh(person.refreshToken)).status).toBe(401);
    expect([(await refresh(heir)).status, (await refresh(sibling)).status]).toEqual([401, 401]);
    expect([await profile(token), await profile(person.token)]).toEqual([401, 401]);
    expect([await profile(elsewhere.token), (await refresh(elsewhere.refreshToken)).status]).toEqual([
      200, 200,
    ]);
    expect(
      shop.db.read.get(
        "SELECT actor, actor_kind, action FROM audit WHERE subject = ? ORDER BY seq DESC",
        person.id,
      ),
    ).toEqual([null, "system", "session.revoke"]);
  });
});

describe("a logout", () => {
  test("ends the session with its access tokens, and only that one", async () => {
    const elsewhere = await signIn(shop, person);
    expect(await profile(person.token)).toBe(200);
    expect(await logout(person.refreshToken)).toBe(204);
    expect([await profile(person.token), (await refresh(person.refreshToken)).status]).toEqual([401, 401]);
    expect(await profile(elsewhere.token)).toBe(200);
  });

  test("repeated, or with an unknown token, is 204 too; without a token 400", async () => {
    expect(await logout(person.refreshToken)).toBe(204);
    expect(await logout(person.refreshToken)).toBe(204);
    expect(await logout("nothing")).toBe(204);
    for (const body of [undefined, {}, { refreshToken: null }, { refreshToken: 5 }])
      expect((await ask(shop, "POST", "/api/auth/logout", { body })).status).toBe(400);
  });
});

test("an access token lives for 900 seconds, cached or not", async () => {
  expect(await profile(person.token)).toBe(200);
  nowMs += 899 * SECOND_MS;
  expect(await profile(person.token)).toBe(200);
  nowMs += 1 * SECOND_MS;
  expect(await profile(person.token)).toBe(401);
});

test("the end of a session is a change of the feed with the user's id", async () => {
  const newest = () =>
    shop.db.read.get<[string, string]>("SELECT kind, shoe_id FROM changes ORDER BY seq DESC LIMIT 1");
  const before = newest();
  await refresh(person.refreshToken);
  expect(newest()).toEqual(before);
  await logout(person.refreshToken);
  expect(newest()).toEqual(["session", person.id]);
});
