// The guard of every route: without a token, as the owner, as another customer, as an admin, and with invalid tokens.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { flipped } from "../db/flipped.ts";
import { addKey, revokeKey } from "./accounts/keys.ts";
import { type Counting, factsOf, openRouting, type RouteEvent } from "./http/routing.ts";
import { makeAdminOf } from "./testing/accounts.ts";
import { ask, claimsOf, forge, type Person, signIn, signUp } from "./testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "./testing/shop.ts";

/**
 * `session`: needs no access token, but a password, a refresh token or the token of a mail. `guest`: an account, or an e-mail address in the body.
 * `open`: for all, but an invalid token is refused. `order`: the order's owner, its guest's token, or an admin. `signed`: the
 * payment gateway's signature.
 */
type Guard = "public" | "session" | "user" | "self" | "admin" | "guest" | "open" | "order" | "signed";

const GUARDS: Record<string, Guard> = {
  "GET /shoes": "public",
  "GET /shoes/:id": "public",
  "GET /shoes/:id/relatedproducts": "public",
  "GET /products": "public",
  "GET /products/:id": "public",
  "GET /products/:id/relatedproducts": "public",
  "GET /categories": "public",
  "POST /shoes": "admin",
  "PUT /shoes/update/:id": "admin",
  "PUT /shoes/:id": "admin",
  "DELETE /shoes/:id": "admin",
  "PUT /shoes/:id/stock": "admin",
  "POST /shoes/:id/stock": "admin",
  "POST /products": "admin",
  "PUT /products/:id": "admin",
  "DELETE /products/:id": "admin",
  "POST /categories": "admin",
  "POST /shoes/:id/likes/:userid": "self",
  "DELETE /shoes/:id/likes/:userid": "self",
  "GET /users/:id/likes": "self",
  "POST /users/:id/likes": "self",
  "POST /auth/register": "session",
  "POST /auth/login": "session",
  "POST /auth/refresh": "session",
  "POST /auth/logout": "session",
  "POST /auth/forgot": "session",
  "POST /auth/reset": "session",
  "GET /auth/profile": "user",
  "PUT /auth/profile": "user",
  "GET /reports/sales": "admin",
  "GET /users": "admin",
  "GET /users/:id": "self",
  "PUT /users/:id": "self",
  "DELETE /users/:id": "self",
  "GET /audit": "admin",
  "GET /outbox": "admin",
  "POST /outbox/:id/release": "admin",
  "POST /orders": "guest",
  "POST /orders/quote": "open",
  "GET /orders": "user",
  "GET /orders/:id": "order",
  "GET /orders/:id/items": "order",
  "GET /orders/:id/history": "order",
  "PUT /orders/:id/status": "order",
  "POST /orders/:id/refunds": "admin",
  "POST /payments/webhooks/:gateway": "signed",
};
/** Open routes outside the prefixes. */
const OUTSIDE = [
  "GET /",
  "GET /favicon.ico",
  "GET /health",
  "GET /livez",
  "GET /readyz",
  "GET /metrics",
  "GET /images/:file",
  "GET /problems/:type",
  "GET /docs",
  "GET /docs/json",
  "GET /docs/assets/:file",
  "GET /pay/sandbox/:id",
  "POST /pay/sandbox/:id",
  "GET /account/forgot",
  "POST /account/forgot",
  "GET /account/reset",
  "POST /account/reset",
  "GET /orders/:id",
];

const SECRETS = [
  "the new secret, with which tokens are made now",
  "the old secret, which is still good for a while",
];
const UNKNOWN_SECRET = "a secret that this shop has never had, not once";

const ROUTES = Object.entries(GUARDS).flatMap(([route, guard]) => {
  const [method = "", path = ""] = route.split(" ");
  return ["/api", "/v1"].map((prefix) => ({ method, path: prefix + path, guard }));
});
const guardedRoutes = ROUTES.filter(({ guard }) =>
  ["user", "self", "admin", "guest", "order"].includes(guard),
);
const tokenRoutes = ROUTES.filter(({ guard }) => guard === "open").concat(guardedRoutes);
const orderRoutes = ROUTES.filter(({ guard }) => guard === "order");
const selfRoutes = ROUTES.filter(({ guard }) => guard === "self");
const userRoutes = ROUTES.filter(({ path }) => path.endsWith("/users/:id"));

let shop: ObservedShop;
let owner: Person;
let other: Person;
let admin: Person;
let removed: Person;
let key = "";
let revokedKey = "";

beforeAll(async () => {
  shop = await openObservedShop([shoe("a1")], true, { secrets: SECRETS });
  owner = await signUp(shop);
  other = await signUp(shop);
  admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
  removed = await signUp(shop);
  const { status } = await ask(shop, "DELETE", `/api/users/${removed.id}`, { token: admin.token });
  expect(status).toBe(204);
  key = await addKey(shop.db, "script", Date.now());
  revokedKey = await addKey(shop.db, "old-script", Date.now());
  await revokeKey(shop.db, "old-script", Date.now());
});
afterAll(() => shop.close());

type Route = (typeof ROUTES)[number];

/** Calls a route at the owner's address, with an empty object as its body. */
async function statusOf({ method, path }: Route, token: string | undefined, id = owner.id) {
  const shoeId = method === "DELETE" ? "nothing" : "a1";
  const address = path.replace(":userid", id).replace(":id", path.includes("/users/") ? id : shoeId);
  const given = token === undefined ? {} : { token };
  const answer = await ask(shop, method, address, method === "GET" ? given : { ...given, body: {} });
  return {
    status: answer.status,
    challenge: answer.headers.get("www-authenticate"),
    text: await answer.text(),
  };
}

test("every route is in the table", () => {
  const routes = shop.routes.map(({ method, path }) => `${method} ${path}`);
  const known = ROUTES.map(({ method, path }) => `${method} ${path}`).concat(OUTSIDE);
  expect(routes.filter((route) => !known.includes(route))).toEqual([]);
  expect(known.filter((route) => !routes.includes(route))).toEqual([]);
});

/** The declarations that do not follow from a route's guard. */
const SIGN_IN = [
  "POST /auth/register",
  "POST /auth/login",
  "POST /auth/refresh",
  "POST /auth/forgot",
  "POST /auth/reset",
  "POST /account/forgot",
  "POST /account/reset",
];
const PUBLIC_OUTSIDE = ["GET /images/:file", "GET /docs/json"];
const COUNTED_OUTSIDE = [
  "GET /pay/sandbox/:id",
  "POST /pay/sandbox/:id",
  "GET /account/forgot",
  "GET /account/reset",
];
const EVENTS: Record<string, RouteEvent> = {
  "POST /auth/register": "registration",
  "POST /auth/login": "login",
  "POST /shoes/:id/likes/:userid": "like",
  "POST /users/:id/likes": "like",
  "POST /orders": "order",
};

function countingOf(route: string): Counting {
  if (SIGN_IN.includes(route)) return "sign-in";
  if (COUNTED_OUTSIDE.includes(route)) return "request";
  return ["public", "signed", undefined].includes(GUARDS[route]) ? "free" : "request";
}

test("every route declares what it is", () => {
  for (const route of shop.routes) {
    const { name, isThere, isPublic, counts, event } = factsOf(route);
    const key = `${route.method} ${name}`;
    expect([key, isThere, isPublic]).toEqual([
      key,
      true,
      GUARDS[key] === "public" || PUBLIC_OUTSIDE.includes(key),
    ]);
    expect([key, counts, event]).toEqual([key, countingOf(key), EVENTS[key] ?? null]);
    // The matcher finds the same facts by the address.
    expect(openRouting(shop.routes).find(route.method, route.path)).toEqual(factsOf(route));
  }
});

test("a route without a declaration is refused at the start", () => {
  const silent = { method: "POST", path: "/api/new", hooks: { detail: {} } };
  expect(() => openRouting([...shop.routes, silent])).toThrow("POST /api/new does not declare what it is");
});

describe("an invalid token is 401 everywhere", () => {
  const hourOf = (offsetSeconds: number) => Math.floor(Date.now() / 1000) + offsetSeconds;
  const changed = (claims: object) => ({ ...claimsOf(owner.token), ...claims });
  const [current = ""] = SECRETS;
  const tampered = (token: string, claims: object): string => {
    const [head, , mac] = token.split(".");
    return `${head}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${mac}`;
  };
  test.each<[string, () => string]>([
    ["an expired token", () => forge(changed({ exp: hourOf(-1) }), current)],
    ["a token of an unknown secret", () => forge(changed({}), UNKNOWN_SECRET)],
    ["alg none", () => forge(changed({}), current, "none")],
    [
      "alg none with the old signature",
      () => forge(changed({}), current, "none") + owner.token.split(".")[2],
    ],
    ["HS512 with the same secret", () => forge(changed({}), current, "HS512")],
    ["HS384 with the same secret", () => forge(changed({}), current, "HS384")],
    ["a tampered payload", () => tampered(owner.token, changed({ sub: admin.id }))],
    ["a tampered session", () => forge(changed({ sid: claimsOf(other.token).sid }), current)],
    ["the token of a removed user", () => removed.token],
    ["another issuer", () => forge(changed({ iss: "somebody" }), current)],
    ["another audience", () => forge(changed({ aud: "somebody" }), current)],
    ["no end", () => forge(changed({ exp: undefined }), current)],
    ["no session", () => forge(changed({ sid: undefined }), current)],
    ["no user", () => forge(changed({ sub: undefined }), current)],
    ["a session that is a list", () => forge(changed({ sid: [claimsOf(owner.token).sid] }), current)],
    ["a refresh token", () => owner.refreshToken],
    ["a revoked key", () => revokedKey],
    ["a key that was never made", () => flipped(key, "insole_key_".length)],
    ["words", () => "let me in"],
    ["a very long one", () => `${owner.token}${"A".repeat(8_000)}`],
  ])("%s", async (_name, make) => {
    const token = make();
    for (const route of tokenRoutes) {
      const { status, challenge, text } = await statusOf(route, token);
      expect([route, status, challenge]).toEqual([route, 401, 'Bearer error="invalid_token"']);
      expect(text).not.toContain(token.slice(0, 30));
    }
  });

  test("a missing token, and another scheme than Bearer", async () => {
    for (const route of guardedRoutes) {
      const { status, challenge } = await statusOf(route, undefined);
      expect([route, status, challenge]).toEqual([route, 401, "Bearer"]);
    }
    const basic = await ask(shop, "GET", "/api/users", {
      headers: { authorization: `Basic ${admin.token}` },
    });
    expect(basic.status).toBe(401);
  });

  test("except at public routes, which ignore it", async () => {
    for (const route of ROUTES.filter(({ guard }) => guard === "public"))
      for (const token of [undefined, "let me in", removed.token, owner.token])
        expect([route, (await statusOf(route, token)).status]).toEqual([route, 200]);
  });
});

/** Behind the guard the route may still refuse: the body is empty, or the user does not exist. */
const PASSED = [200, 201, 204, 400, 404];

describe("a valid token", () => {
  test("of the owner passes, except at routes for admins: 403", async () => {
    for (const route of guardedRoutes) {
      const { status } = await statusOf(route, owner.token);
      if (route.guard === "admin") expect([route, status]).toEqual([route, 403]);
      else expect([route, PASSED.includes(status)]).toEqual([route, true]);
    }
  });

  test("of another customer is 403 at the owner's routes, whether the owner exists or not", async () => {
    for (const route of selfRoutes)
      for (const id of [owner.id, "nobody", removed.id])
        expect([route, (await statusOf(route, other.token, id)).status]).toEqual([route, 403]);
  });

  test("of an admin passes everywhere, and a missing user is 404", async () => {
    for (const route of guardedRoutes) {
      const id = route.method === "DELETE" ? "nobody" : owner.id;
      const { status } = await statusOf(route, admin.token, id);
      expect([route, PASSED.includes(status)]).toEqual([route, true]);
    }
    for (const route of userRoutes)
      expect([route, (await statusOf(route, admin.token, "nobody")).status]).toEqual([route, 404]);
  });

  test("of a key passes like an admin's, but has no account", async () => {
    for (const route of guardedRoutes) {
      const { status } = await statusOf(route, key, "nobody");
      if (["user", "guest"].includes(route.guard)) expect([route, status]).toEqual([route, 403]);
      else expect([route, PASSED.includes(status)]).toEqual([route, true]);
    }
    for (const route of selfRoutes)
      expect([route, (await statusOf(route, key, "me")).status]).toEqual([route, 403]);
  });

  test("signed with the old secret is valid too", async () => {
    const token = forge(claimsOf(owner.token), SECRETS[1] ?? "");
    for (const route of guardedRoutes) {
      const { status } = await statusOf(route, token);
      expect([route, route.guard === "admin" ? status === 403 : PASSED.includes(status)]).toEqual([
        route,
        true,
      ]);
    }
  });

  test("contains no role: the database has it", async () => {
    const token = forge({ ...claimsOf(owner.token), role: "admin" }, SECRETS[0] ?? "");
    expect((await ask(shop, "GET", "/api/users", { token })).status).toBe(403);
  });
});

test("an order is there for its owner, its guest's token and admins; for others it does not exist", async () => {
  const items = [{ productId: "a1", quantity: 1 }];
  const placed = async (body: object, token?: string) => {
    const answer = await ask(shop, "POST", "/api/orders", { body, ...(token ? { token } : {}) });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { data: { id: string; accessToken?: string } }).data;
  };
  const owners = await placed({ items }, owner.token);
  const guests = await placed({ items, email: "guest@shop.example" });
  const second = await placed({ items, email: "guest@shop.example" });
  const withToken = ({ accessToken = "" }) => ({ headers: { "order-token": accessToken } });
  const CALLERS: [string, typeof owners, Parameters<typeof ask>[3], number][] = [
    ["the owner", owners, { token: owner.token }, 200],
    ["another customer", owners, { token: other.token }, 404],
    ["a guest's token of another order", owners, withToken(guests), 404],
    ["an admin", owners, { token: admin.token }, 200],
    ["a key", owners, { token: key }, 200],
    ["no token", owners, {}, 401],
    ["an invalid token", owners, { token: "let me in" }, 401],
    ["its token", guests, withToken(guests), 200],
    ["its token and an account", guests, { ...withToken(guests), token: other.token }, 200],
    ["its token and an invalid one", guests, { ...withToken(guests), token: "let me in" }, 401],
    ["the token of the guest's other order", guests, withToken(second), 404],
    ["a changed token", guests, withToken({ accessToken: flipped(guests.accessToken ?? "", 3) }), 404],
    ["an empty token", guests, withToken({ accessToken: "" }), 404],
    ["a customer", guests, { token: owner.token }, 404],
    ["an admin", guests, { token: admin.token }, 200],
  ];
  for (const { method, path } of orderRoutes.filter((route) => route.method === "GET"))
    for (const [caller, order, given, status] of CALLERS) {
      const answer = await ask(shop, method, path.replace(":id", order.id), given);
      expect([path, caller, answer.status]).toEqual([path, caller, status]);
      if (status !== 200) expect(await answer.text()).not.toContain("shop.example");
    }
});

test("no personal response may be cached", async () => {
  for (const route of ROUTES.filter(({ guard }) => guard !== "public"))
    for (const token of [undefined, owner.token, admin.token]) {
      const path = route.path.replace(":id", "nobody");
      const answer = await ask(shop, route.method, path, { ...(token ? { token } : {}) });
      expect([route, answer.headers.get("cache-control")]).toEqual([route, "private, no-store"]);
      expect([route, answer.headers.has("etag")]).toEqual([route, false]);
    }
});

test("a HEAD is guarded as its GET", async () => {
  for (const path of ["/api/users", "/v1/users/me", "/api/audit"])
    for (const token of [undefined, owner.token, admin.token]) {
      const given = token === undefined ? {} : { token };
      const [get, head] = [await ask(shop, "GET", path, given), await ask(shop, "HEAD", path, given)];
      expect([path, head.status, await head.text()]).toEqual([path, get.status, ""]);
    }
});

test("an unknown address is 404 for every caller", async () => {
  for (const token of [undefined, "let me in", admin.token])
    expect((await ask(shop, "GET", "/api/auth/nothing", token ? { token } : {})).status).toBe(404);
});
