// Guessing passwords over HTTP: it delays one account's strangers, never its owner's devices, and reveals no account.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { makeAdminOf } from "../testing/accounts.ts";
import { ask, claimsOf, forge, PASSWORD, type Person, signIn, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop } from "../testing/shop.ts";
import { openPasswords } from "./passwords.ts";

const DAY_MS = 86_400_000;
const GUESSER = "198.51.100.1";
const HOME = "203.0.113.1";
/** After so many failures the next attempt waits 240 ms. */
const FAILURES = 7;

let nowMs = 1_800_000_000_000;
const waits: number[] = [];
let shop: ObservedShop;
let person: Person;
beforeAll(async () => {
  const secrets = ["a secret that only the tests of guesses know"];
  shop = await openObservedShop([], true, { now: () => nowMs, waits, trustProxy: ["loopback"], secrets });
});
afterAll(() => shop.close());
beforeEach(async () => {
  nowMs += DAY_MS;
  person = await signUp(shop);
  waits.length = 0;
});

type Given = { token?: string; headers?: Record<string, string> };
const from = (address: string) => ({ "x-forwarded-for": address });
const login = async (email: string, password: string, given: Given = {}) => {
  const headers = { ...from(HOME), ...given.headers };
  return ask(shop, "POST", "/api/auth/login", { ...given, headers, body: { email, password } });
};
const guess = async (email: string, address = GUESSER) =>
  (await login(email, "a guess", { headers: from(address) })).status;
const guessTimes = async (count: number, email: string) => {
  for (let index = 0; index < count; index += 1) expect(await guess(email)).toBe(401);
};
const cookieOf = (token: string) => ({ cookie: `insole_refresh=${token}`, origin: shop.url });

describe("after failures of strangers", () => {
  test("another stranger waits, whatever the spelling of the account and the address", async () => {
    for (let index = 0; index < FAILURES; index += 1)
      expect(await guess(person.email.toUpperCase(), `198.51.100.${index}`)).toBe(401);
    expect(waits).toEqual([60, 120]);
    expect((await login(person.email, PASSWORD)).status).toBe(200);
    expect(waits).toEqual([60, 120, 240]);
    expect((await login(person.email, PASSWORD)).status).toBe(200);
    expect(waits).toHaveLength(3);
  });

  const used = async (token: string) => {
    const refreshed = await ask(shop, "POST", "/api/auth/refresh", { body: { refreshToken: token } });
    expect(refreshed.status).toBe(200);
    return token;
  };
  type Proof = [what: string, proof: () => Given | Promise<Given>];
  test.each<Proof>([
    ["an access token of the account", () => ({ token: person.token })],
    ["the refresh token of the account in the cookie", () => ({ headers: cookieOf(person.refreshToken) })],
    [
      "the cookie beside another account's token",
      async () => ({
        token: (await signUp(shop)).token,
        headers: cookieOf(person.refreshToken),
      }),
    ],
    [
      "a token of an older session",
      async () => {
        await signIn(shop, person);
        return { token: person.token };
      },
    ],
  ])("a login with %s does not", async (_what, proof) => {
    const given = await proof();
    await guessTimes(FAILURES, person.email);
    waits.length = 0;
    expect((await login(person.email.toUpperCase(), PASSWORD, given)).status).toBe(200);
    expect(waits).toEqual([]);
    // The guesser's failures still count.
    await guess(person.email);
    expect(waits).toEqual([240]);
  });

  test.each<Proof>([
    ["nothing", () => ({})],
    ["a token of another account", async () => ({ token: (await signUp(shop)).token })],
    [
      "the cookie of another account",
      async () => ({
        headers: cookieOf((await signUp(shop)).refreshToken),
      }),
    ],
    ["a changed token", () => ({ token: `${person.token.slice(0, -2)}xx` })],
    ["a token without a signature", () => ({ token: forge(claimsOf(person.token), "", "none") })],
    ["a token of another secret", () => ({ token: forge(claimsOf(person.token), "another secret") })],
    [
      "an expired token",
      () => {
        nowMs += 901_000;
        return { token: person.token };
      },
    ],
    [
      "a token whose session ended",
      async () => {
        await ask(shop, "POST", "/api/auth/logout", { body: { refreshToken: person.refreshToken } });
        return { token: person.token };
      },
    ],
    [
      "the cookie of a session that ended",
      async () => {
        await ask(shop, "POST", "/api/auth/logout", { body: { refreshToken: person.refreshToken } });
        return { headers: cookieOf(person.refreshToken) };
      },
    ],
    [
      "a token from before the password changed",
      async () => {
        await shop.db.write([{ sql: "DELETE FROM sessions WHERE user_id = ?", args: [person.id] }]);
        shop.identity.clear();
        return { token: person.token };
      },
    ],
    ["the refresh token as access token", () => ({ token: person.refreshToken })],
    ["the access token in the cookie", () => ({ headers: cookieOf(person.token) })],
    [
      "an expired refresh token",
      () => {
        nowMs += 31 * DAY_MS;
        return { headers: cookieOf(person.refreshToken) };
      },
    ],
    ["a refresh token that was used", async () => ({ headers: cookieOf(await used(person.refreshToken)) })],
    [
      "the cookie from a foreign page",
      () => ({
        headers: { ...cookieOf(person.refreshToken), origin: "https://evil.example" },
      }),
    ],
    [
      "the cookie without an origin",
      () => ({
        headers: { cookie: cookieOf(person.refreshToken).cookie },
      }),
    ],
    ["an empty cookie", () => ({ headers: cookieOf("") })],
    ["another scheme", () => ({ headers: { authorization: `Basic ${person.token}` } })],
    ["an unknown key", () => ({ token: `insole_key_${"a".repeat(43)}` })],
    ["a token of 10,000 characters", () => ({ token: "a".repeat(10_000) })],
  ])("a login with %s waits as a stranger's", async (_what, proof) => {
    const given = await proof();
    await guessTimes(FAILURES, person.email);
    waits.length = 0;
    expect((await login(person.email, PASSWORD, given)).status).toBe(200);
    expect(waits).toEqual([240]);
  });

  test("wrong passwords with a stolen token have delays of their own", async () => {
    const status = async () => (await login(person.email, "a guess", { token: person.token })).status;
    for (let index = 0; index < FAILURES; index += 1) expect(await status()).toBe(401);
    expect(waits).toEqual([60, 120]);
    expect((await login(person.email, PASSWORD)).status).toBe(200);
    expect(waits).toEqual([60, 120]);
  });
});

describe("the current password of somebody signed in", () => {
  const change = async (path: string, currentPassword: string, token = person.token) =>
    (await ask(shop, "PUT", path, { token, body: { password: PASSWORD, currentPassword } })).status;
  const remove = async (password: string) =>
    (await ask(shop, "DELETE", "/api/users/me", { token: person.token, body: { password } })).status;

  test("is a guess too: on each route, one count", async () => {
    const statuses = [];
    for (const path of ["/api/auth/profile", "/v1/auth/profile", "/api/users/me", `/api/users/${person.id}`])
      statuses.push(await change(path, "a guess"));
    for (const password of ["a guess", "another", "a third"]) statuses.push(await remove(password));
    expect([statuses, waits]).toEqual([Array(7).fill(403), [60, 120]]);
    expect(await login(person.email, "a guess", { token: person.token })).toHaveProperty("status", 401);
    expect(waits).toEqual([60, 120, 240]);
    expect(await remove(PASSWORD)).toBe(204);
    expect(waits).toEqual([60, 120, 240, 480]);
  });

  test("of an admin is one as well; another's password needs none", async () => {
    const admin = await signIn(shop, await makeAdminOf(shop.db, person));
    for (let index = 0; index < 6; index += 1)
      expect(await change("/api/users/me", "a guess", admin.token)).toBe(403);
    expect(waits).toEqual([60]);
    const other = await signUp(shop);
    expect(await change(`/api/users/${other.id}`, "", admin.token)).toBe(200);
    expect(waits).toEqual([60]);
  });

  test("is not delayed by strangers", async () => {
    await guessTimes(FAILURES, person.email);
    waits.length = 0;
    expect([await change("/api/auth/profile", PASSWORD), waits]).toEqual([200, []]);
  });
});

describe("nothing tells whether an account exists:", () => {
  const answers = async (email: string, given: Given = {}) => {
    waits.length = 0;
    const seen = new Set<string>();
    const some = async (count: number) => {
      const all = await Promise.all(
        Array.from({ length: count }, async (_, n) => {
          const response = await login(email, "a guess", { ...given, headers: from(`198.51.100.${n % 4}`) });
          const {
            timestamp: _t,
            requestId: _r,
            ...body
          } = (await response.json()) as Record<string, unknown>;
          const { date: _d, ...headers } = Object.fromEntries(response.headers);
          for (const name of ["x-request-id", "server-timing"]) delete headers[name];
          return JSON.stringify([response.status, headers, body]);
        }),
      );
      for (const answer of all) seen.add(answer);
    };
    for (const count of [1, 1, 9, 30]) await some(count);
    return [[...seen], [...waits]];
  };

  test("the same answers and waits, one after the other and at once", async () => {
    const known = await answers(person.email);
    expect(known[0]).toHaveLength(1);
    expect(known[1]).toHaveLength(36);
    expect(await answers("nobody1@shop.example")).toEqual(known);
    expect(await answers("not an address")).toEqual(known);
    const { token } = await signUp(shop);
    expect(await answers("nobody2@shop.example", { token })).toEqual(known);
    expect(await answers((await signUp(shop)).email, { token })).toEqual(known);
  });
});

test("guesses at once are checked one after the other; one whose client went away is not checked", async () => {
  const checks: ((isRight: boolean) => void)[] = [];
  const hasher = {
    hash: async () => "a hash",
    verify: () => new Promise<boolean>((resolve) => checks.push(resolve)),
  };
  const passwords = openPasswords({ hasher, runningMax: 9 });
  const slow = await openObservedShop([], true, { passwords, waits: [] });
  try {
    const leaving = new AbortController();
    const attempt = (init: RequestInit = {}) =>
      slow
        .get("/api/auth/login", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ email: "a@shop.example", password: "a guess" }),
          ...init,
        })
        .then(
          ({ status }) => status,
          () => "gone",
        );
    const waiting = () => slow.logins.state().waiting;
    const stays = attempt();
    await until("the first is checked", () => checks.length === 1);
    const gone = attempt({ signal: leaving.signal });
    await until("the second waits", () => waiting() === 1);
    const last = attempt();
    await until("both wait", () => waiting() === 2);
    expect(checks).toHaveLength(1);
    leaving.abort();
    await until("one has left", () => waiting() === 1);
    for (const count of [1, 2]) {
      await until("it is checked", () => checks.length === count);
      checks[count - 1]?.(false);
    }
    expect([await stays, await gone, await last, checks.length]).toEqual([401, "gone", 401, 2]);
    expect(slow.logins.state()).toEqual({ lines: 0, waiting: 0, refused: 0 });
  } finally {
    await slow.close();
  }
});
