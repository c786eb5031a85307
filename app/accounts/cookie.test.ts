// Refresh tokens in a cookie: hidden from scripts, and useless to pages of other sites.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ask, type Person, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop } from "../testing/shop.ts";

const FRONT = "https://front.example";
const ORIGINS = { publicUrl: "https://shop.example/base", corsOrigins: [FRONT, "http://localhost:*"] };

let shop: ObservedShop;
let plain: ObservedShop;
let person: Person;
beforeAll(async () => {
  shop = await openObservedShop([], true, { origins: ORIGINS });
  plain = await openObservedShop([]);
  person = await signUp(shop);
});
afterAll(() => Promise.all([shop.close(), plain.close()]));

async function signInByCookie(target = shop, { email, password } = person) {
  const response = await ask(target, "POST", "/api/auth/login", { body: { email, password, cookie: true } });
  const header = response.headers.get("set-cookie") ?? "";
  return { response, header, cookie: header.split(";")[0] ?? "" };
}
const send = (path: string, cookie: string, origin: string | null, body?: unknown) =>
  ask(shop, "POST", path, {
    ...(body === undefined ? {} : { body }),
    headers: { cookie, ...(origin === null ? {} : { origin }) },
  });

test("a login with `cookie` returns the refresh token in the cookie only", async () => {
  const { response, header } = await signInByCookie();
  expect(header).toMatch(
    /^insole_refresh=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  );
  const session = (await response.json()) as Record<string, unknown>;
  expect(Object.keys(session).sort()).toEqual(["expiresIn", "success", "token", "user"]);
  const other = await signInByCookie(plain, await signUp(plain));
  expect(other.header).toEndWith("HttpOnly; SameSite=Lax");
});

describe("with the cookie", () => {
  test.each([FRONT, "https://shop.example", "http://localhost:5173", "http://localhost", "own"])(
    "a page of %s may refresh and log out",
    async (name) => {
      const origin = name === "own" ? shop.url : name;
      const { cookie } = await signInByCookie();
      const refreshed = await send("/api/auth/refresh", cookie, origin);
      expect(refreshed.status).toBe(200);
      expect(await refreshed.json()).not.toHaveProperty("refreshToken");
      const renewed = (refreshed.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
      expect(renewed).not.toBe(cookie);
      const left = await send("/v1/auth/logout", renewed, origin, {});
      expect([left.status, left.headers.get("set-cookie")]).toEqual([
        204,
        "insole_refresh=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure",
      ]);
      expect((await send("/api/auth/refresh", renewed, origin)).status).toBe(401);
    },
  );

  test.each([
    null,
    "null",
    "https://evil.example",
    "https://front.example.evil.example",
    "https://evil-front.example",
    "https://x.front.example",
    "https://shop.example.evil.example",
    "https://evil-shop.example",
    "https://x.shop.example",
    "https://shop.example:8443",
    "http://shop.example",
    "http://evil-localhost:5173",
    "http://front.example",
    "https://front.example:8443",
    "http://localhost.evil.example",
    "https://localhost:5173",
    "https://shop.example/",
    "file://",
  ])("a page of %p may not", async (origin) => {
    const { cookie } = await signInByCookie();
    for (const path of ["/api/auth/refresh", "/api/auth/logout"]) {
      const response = await send(path, cookie, origin);
      expect([response.status, response.headers.get("set-cookie")]).toEqual([403, null]);
    }
    expect((await send("/api/auth/refresh", cookie, FRONT)).status).toBe(200);
  });
});

describe("the own host of a shop behind a proxy, shop.internal:8080,", () => {
  const refresh = async (origin: string) => {
    const { cookie } = await signInByCookie();
    const headers = { cookie, origin, host: "shop.internal:8080" };
    return (await ask(shop, "POST", "/api/auth/refresh", { headers })).status;
  };

  test.each(["http://shop.internal:8080", "https://shop.internal:8080"])("is that of %s", async (origin) => {
    expect(await refresh(origin)).toBe(200);
  });

  test.each([
    "https://evil-shop.internal:8080",
    "https://x.shop.internal:8080",
    "https://shop.internal.evil.example:8080",
    "https://shop.internal",
    "https://shop.internal:8081",
    "https://hop.internal:8080",
  ])("is not that of %s", async (origin) => {
    expect(await refresh(origin)).toBe(403);
  });
});

test("a token in the body has priority over the cookie and needs no origin", async () => {
  const { cookie } = await signInByCookie();
  const response = await send("/api/auth/refresh", cookie, null, { refreshToken: person.refreshToken });
  expect([response.status, response.headers.get("set-cookie")]).toEqual([200, null]);
  expect(await response.json()).toHaveProperty("refreshToken");
});

test("the refresh cookie alone authenticates no request", async () => {
  const { cookie } = await signInByCookie();
  const response = await shop.get("/api/auth/profile", { headers: { cookie, origin: FRONT } });
  expect(response.status).toBe(401);
});
