// Refresh tokens in a cookie: hidden from scripts, and useless to pages of other sites.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ask, type Person, signIn, signUp } from "../testing/people.ts";
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
    /^__Host-insole_refresh=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  );
  const session = (await response.json()) as Record<string, unknown>;
  expect(Object.keys(session).sort()).toEqual(["expiresIn", "success", "token", "user"]);
  const other = await signInByCookie(plain, await signUp(plain));
  expect(other.header).toMatch(
    /^insole_refresh=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
  );
});

describe("where PUBLIC_URL is https the token is not read from", () => {
  // biome-ignore format: one line reads as one table
  test.each([
    "insole_refresh=T", "a=b; insole_refresh=T", "insole_refresh=T; insole_version=x", "__Secure-insole_refresh=T",
    "__host-insole_refresh=T", "__HOST-insole_refresh=T", "__Host-Insole_Refresh=T", "__Host_insole_refresh=T",
    "__Host--insole_refresh=T", "_Host-insole_refresh=T", "__Host-insole_refreshx=T", "x__Host-insole_refresh=T",
    "x-__Host-insole_refresh=T", "%5f_Host-insole_refresh=T", "__Host%2dinsole_refresh=T", "__Host-insole%5frefresh=T",
    "=__Host-insole_refresh=T", "a=__Host-insole_refresh=T", "a=b, __Host-insole_refresh=T", "a=b&__Host-insole_refresh=T",
    "__Host-insole_refresh", "__Host-insole_refresh=", "__Host-insole_refresh:T", "__Host-insole_refresh;=T", "=T",
    "__Host-insole_refresh[]=T", "insole_refresh=T; __Host-insole_refresh=", "\xa0__Host-insole_refresh=T",
    "__Host-insole_version=T", "refreshToken=T", "__Host-refresh=T",
  ])("%p", async (text) => {
    const { cookie } = await signInByCookie();
    const [, token = ""] = cookie.split("=");
    for (const path of ["/api/auth/refresh", "/v1/auth/logout"]) {
      const response = await send(path, text.replaceAll("T", token), "https://shop.example");
      expect([response.status, response.headers.get("set-cookie")]).toEqual([400, null]);
    }
    expect((await send("/api/auth/refresh", cookie, FRONT)).status).toBe(200);
  });

  test("a planted cookie beside the shop's own", async () => {
    const other = await signIn(shop, await signUp(shop));
    const { cookie } = await signInByCookie();
    const planted = `insole_refresh=${other.refreshToken}; ${cookie}; insole_refresh=${other.refreshToken}`;
    const response = await send("/api/auth/refresh", planted, FRONT);
    expect(await response.json()).toMatchObject({ user: { id: person.id } });
  });
});

test("without https the cookie has no prefix, which no browser would take there, until it is removed", async () => {
  const { cookie } = await signInByCookie(plain, await signUp(plain));
  const left = await ask(plain, "POST", "/api/auth/logout", { headers: { cookie, origin: plain.url } });
  expect([left.status, left.headers.get("set-cookie")]).toEqual([
    204,
    "insole_refresh=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
  ]);
  const headers = { cookie: `__Host-${cookie}`, origin: plain.url };
  expect((await ask(plain, "POST", "/api/auth/refresh", { headers })).status).toBe(400);
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
        "__Host-insole_refresh=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure",
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
