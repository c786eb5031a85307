// The new password for the token of a mail: it works once and for 30 minutes, ends all sessions, and nothing else opens it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { flipped } from "../../db/flipped.ts";
import { makeAdminOf } from "../testing/accounts.ts";
import { ask, PASSWORD, type Person, signIn, signUp } from "../testing/people.ts";
import { forgot, mailedToken, openResetShop, type ResetShop, tokenIn } from "../testing/resets.ts";
import { openResetTokens } from "./reset-tokens.ts";

const MINUTE_MS = 60_000;
const NEW = "a password that is new";
const SECRETS = ["the secret that tokens are made with now", "the secret from before, still good"];

let open: ResetShop;
let person: Person;
beforeAll(async () => {
  open = await openResetShop(SECRETS);
});
beforeEach(async () => {
  open.clock.nowMs += 24 * 60 * MINUTE_MS;
  person = await signUp(open.shop);
  open.hashed.length = 0;
});
afterAll(() => open.close());

const reset = (token: unknown, password: unknown = NEW, prefix = "/api") =>
  ask(open.shop, "POST", `${prefix}/auth/reset`, { body: { token, password } });
const statusOf = async (token: unknown, password?: unknown) => (await reset(token, password)).status;
const login = async (password: string, { email } = person) =>
  (await ask(open.shop, "POST", "/api/auth/login", { body: { email, password } })).status;
const profile = async ({ token }: Person) =>
  (await ask(open.shop, "GET", "/api/auth/profile", { token })).status;
const refresh = async ({ refreshToken }: Person) =>
  (await ask(open.shop, "POST", "/api/auth/refresh", { body: { refreshToken } })).status;
const hashOf = ({ id }: Person) =>
  open.shop.db.read.get<[string]>("SELECT password_hash FROM users WHERE id = ?", id)?.[0] ?? "";

describe("a token", () => {
  test.each(["/api", "/v1"])("sets the password below %s, which is 204 without content", async (prefix) => {
    const answer = await reset(await mailedToken(open, person.email), NEW, prefix);
    expect([answer.status, await answer.text(), answer.headers.get("cache-control")]).toEqual([
      204,
      "",
      "private, no-store",
    ]);
    expect(answer.headers.has("set-cookie")).toBe(false);
    expect([await login(PASSWORD), await login(NEW)]).toEqual([401, 200]);
  });

  test("ends every session of its account at once, access and refresh tokens, and none of others", async () => {
    const [elsewhere, other] = [await signIn(open.shop, person), await signUp(open.shop)];
    for (const each of [person, elsewhere, other]) expect(await profile(each)).toBe(200);
    expect(await statusOf(await mailedToken(open, person.email))).toBe(204);
    for (const each of [person, elsewhere])
      expect([await profile(each), await refresh(each)]).toEqual([401, 401]);
    expect([await profile(other), await refresh(other)]).toEqual([200, 200]);
    const [, subject] =
      open.shop.db.read.get("SELECT kind, shoe_id FROM changes ORDER BY seq DESC LIMIT 1") ?? [];
    expect(subject).toBe(person.id);
  });

  test("adds one audit row, by which the reset is told from a change of the profile", async () => {
    await reset(await mailedToken(open, person.email));
    const rows = open.shop.db.read.all(
      "SELECT actor, action, detail FROM audit WHERE subject = ? AND action <> 'user.register'",
      person.id,
    );
    expect(rows).toEqual([[person.id, "password.reset", "{}"]]);
  });

  test("works once, and ends all others of the account", async () => {
    const first = await mailedToken(open, person.email);
    open.clock.nowMs += 1;
    const second = await mailedToken(open, person.email);
    expect(second).not.toBe(first);
    expect(await statusOf(second)).toBe(204);
    expect([await statusOf(second), await statusOf(first)]).toEqual([400, 400]);
    expect(await login(NEW)).toBe(200);
  });

  test("works until 30 minutes after its request", async () => {
    const token = await mailedToken(open, person.email);
    open.clock.nowMs += 30 * MINUTE_MS;
    expect(await statusOf(token)).toBe(400);
    open.clock.nowMs -= 1;
    expect(await statusOf(token)).toBe(204);
  });

  test("works with blanks around it, as it may be copied", async () => {
    expect(await statusOf(`  ${await mailedToken(open, person.email)}\t`)).toBe(204);
  });

  test("opens an admin's account too, whose role stays", async () => {
    const admin = await makeAdminOf(open.shop.db, person);
    expect(await statusOf(await mailedToken(open, admin.email))).toBe(204);
    const { token } = await signIn(open.shop, { ...admin, password: NEW });
    expect((await ask(open.shop, "GET", "/api/users", { token })).status).toBe(200);
  });

  test("lets its owner sign in without the delay that a stranger's guesses caused", async () => {
    for (let guess = 0; guess < 6; guess += 1) await login("a guess");
    expect(await statusOf(await mailedToken(open, person.email))).toBe(204);
    expect(await login(NEW)).toBe(200);
    expect(open.shop.logins.state()).toMatchObject({ lines: 0, waiting: 0 });
  });

  test("made with the secret before works, one of an unknown secret does not", async () => {
    const expiresAtMs = open.clock.nowMs + MINUTE_MS;
    const by = (secret: string) => openResetTokens([secret]).of(person.id, expiresAtMs, hashOf(person));
    expect(await statusOf(by("a secret that this shop never had"))).toBe(400);
    expect(await statusOf(by(SECRETS[1] ?? ""))).toBe(204);
  });
});

describe("what does not work is 400 with the same words, and costs no hash:", () => {
  const tokens = openResetTokens(SECRETS);
  const later = () => open.clock.nowMs + MINUTE_MS;
  const own = () => tokens.of(person.id, later(), hashOf(person));
  test.each<[string, () => unknown | Promise<unknown>]>([
    ["an empty text", () => ""],
    ["words", () => "let me in"],
    ["dots", () => "..."],
    ["a long text", () => "a".repeat(200)],
    ["hostile text", () => `' OR 1=1 --.${"A".repeat(43)}`],
    ["an access token", () => person.token.slice(0, 200)],
    ["a refresh token", () => person.refreshToken],
    ["a token without its account", () => own().slice(person.id.length)],
    ["a token without its proof", () => own().split(".").slice(0, 2).join(".")],
    ["a changed proof", () => flipped(own(), own().length - 10)],
    ["a proof of zeros", () => own().replace(/[\w-]{43}$/, "A".repeat(43))],
    ["a later end", () => own().replace(/\.\w+\./, `.${(later() + 1).toString(36)}.`)],
    ["another account", async () => own().replace(person.id, (await signUp(open.shop)).id)],
    ["an account that is not there", () => tokens.of("nobody", later(), "")],
    ["another password's proof", () => tokens.of(person.id, later(), "$argon2id$")],
    ["the token of a guest's order", () => `${person.id}.${later().toString(36)}.${"a".repeat(43)}`],
    ["an expired token", () => tokens.of(person.id, open.clock.nowMs, hashOf(person))],
    [
      "the token of a removed account",
      async () => {
        const token = await mailedToken(open, person.email);
        await ask(open.shop, "DELETE", "/api/users/me", {
          token: person.token,
          body: { password: PASSWORD },
        });
        return token;
      },
    ],
    [
      "a token from before the password was changed",
      async () => {
        const token = await mailedToken(open, person.email);
        const body = { password: "changed by hand", currentPassword: PASSWORD };
        await ask(open.shop, "PUT", "/api/auth/profile", { token: person.token, body });
        return token;
      },
    ],
  ])("%s", async (_what, make) => {
    const token = await make();
    const before = hashOf(person);
    open.hashed.length = 0;
    const answer = await reset(token);
    const { detail, errors } = (await answer.json()) as { detail: string; errors: unknown[] };
    const why = "does not work: it has expired, or was used";
    expect([answer.status, detail, errors]).toEqual([
      400,
      `the link ${why}`,
      [{ pointer: "/token", detail: why }],
    ]);
    expect([hashOf(person), open.hashed]).toEqual([before, []]);
  });

  test("and delays no one at the account", async () => {
    for (let times = 0; times < 20; times += 1) await reset(flipped(own(), own().length - 10));
    const body = { password: "changed by hand", currentPassword: PASSWORD };
    expect((await ask(open.shop, "PUT", "/api/auth/profile", { token: person.token, body })).status).toBe(
      200,
    );
  });
});

test.each<[string, unknown, string]>([
  ["too short", "1234567", "must have 8 to 128 characters"],
  ["too long", "x".repeat(129), "must have 8 to 128 characters"],
  ["a number", 123456789, "must be a string"],
  ["null", null, "must be a string"],
  ["half a character", `${PASSWORD}\ud83d`, "must be well-formed Unicode"],
])(
  "a password that is %s is 400 by its own pointer, and the token still works",
  async (_what, password, rule) => {
    const token = await mailedToken(open, person.email);
    const answer = await ask(open.shop, "POST", "/api/auth/reset", { body: { token, password } });
    const { errors } = (await answer.json()) as { errors: unknown[] };
    expect([answer.status, errors]).toEqual([400, [{ pointer: "/password", detail: rule }]]);
    expect([await profile(person), await statusOf(token)]).toEqual([200, 204]);
  },
);

test("every broken rule of the body is named, and a missing body is refused", async () => {
  const answer = await ask(open.shop, "POST", "/api/auth/reset", { body: {} });
  const { errors } = (await answer.json()) as { errors: { pointer: string }[] };
  expect(errors.map(({ pointer }) => pointer)).toEqual(["/token", "/password"]);
  expect((await ask(open.shop, "POST", "/api/auth/reset")).status).toBe(415);
});

describe("at once:", () => {
  test("of many resets with one token one happens, and one password is hashed", async () => {
    const token = await mailedToken(open, person.email);
    open.hashed.length = 0;
    const words = Array.from({ length: 10 }, (_, at) => `${NEW} ${at}`);
    const statuses = await Promise.all(words.map((word) => statusOf(token, word)));
    expect(statuses.toSorted()).toEqual([204, ...Array(9).fill(400)]);
    const winner = words[statuses.indexOf(204)] ?? "";
    expect([open.hashed, await login(winner)]).toEqual([[winner], 200]);
  });

  test("of resets with two tokens of the account one happens", async () => {
    const first = await mailedToken(open, person.email);
    open.clock.nowMs += 1;
    await forgot(open, person.email);
    await open.shop.mail.run();
    const second = await tokenIn(open.server);
    const statuses = await Promise.all([first, second].map((token) => statusOf(token)));
    expect(statuses.toSorted()).toEqual([204, 400]);
  });
});
