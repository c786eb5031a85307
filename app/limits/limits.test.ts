// Limits over HTTP: the requests and clients that are counted, the headers of responses, and the end of a window.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { ask, type Person, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, openTestShop, shoe } from "../testing/shop.ts";
import { openLimits } from "./limits.ts";

const MAX = 5;
const SIGN_INS_MAX = 3;
const WINDOW_SECONDS = 900;
const BEGIN_MS = 1_800_000_000_000;

let nowMs = BEGIN_MS;
let shop: ObservedShop;
beforeAll(async () => {
  shop = await openObservedShop([shoe("a1")], true, {
    now: () => nowMs,
    limits: { requestsMax: MAX, signInsMax: SIGN_INS_MAX, windowSeconds: WINDOW_SECONDS },
    trustProxy: ["loopback"],
  });
});
afterAll(() => shop.close());
// Every test begins with windows of its own.
beforeEach(() => {
  nowMs += 2 * WINDOW_SECONDS * 1_000;
});

const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
const limitOf = ({ status, headers }: Response) => [
  status,
  ...["limit", "remaining", "reset"].map((name) => headers.get(`x-ratelimit-${name}`)),
];
const resetAt = () => String(nowMs / 1_000 + WINDOW_SECONDS);

/** A new customer from an address of its own, so that signing in does not meet its limit. */
let people = 0;
async function someone(): Promise<Person> {
  const get = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("x-forwarded-for", `198.51.100.${people}`);
    return shop.get(path, { ...init, headers });
  };
  people += 1;
  return signUp({ get });
}

describe("not counted:", () => {
  test.each([
    ["GET", "/api/shoes", 200],
    ["GET", "/v1/shoes?limit=1&x=1", 200],
    ["GET", "/api/shoes/a1", 200],
    ["HEAD", "/api/products/a1", 200],
    ["GET", "/api/shoes/a1/relatedproducts", 200],
    ["GET", "/api/shoes/nobody", 404],
    ["GET", "/api/shoes?page=0", 400],
    ["GET", "/v1/categories", 200],
    ["GET", "/images/a1.svg", 200],
    ["GET", "/health", 200],
    ["GET", "/livez", 200],
    ["GET", "/readyz", 503],
    ["GET", "/docs", 200],
    ["GET", "/docs/json", 200],
    ["GET", "/docs/assets/start.js", 200],
    ["OPTIONS", "/api/users", 204],
  ])("%s %s", async (method, path, status) => {
    for (let index = 0; index < MAX + 2; index += 1) {
      const answer = await shop.get(path, { method, ...from("203.0.113.1") });
      expect(limitOf(answer)).toEqual([status, null, null, null]);
    }
  });
});

describe("counted:", () => {
  test.each([
    ["GET", "/api/users", 401],
    ["HEAD", "/api/users", 401],
    ["GET", "/v1/auth/profile", 401],
    ["GET", "/api/nothing", 404],
    ["POST", "/api/shoes", 401],
    ["POST", "/nothing", 404],
    ["DELETE", "/api/shoes/a1", 401],
    ["POST", "/api/shoes/a1/likes/me", 401],
    ["POST", "/api/auth/logout", 400],
  ])("%s %s", async (method, path, status) => {
    const answer = await shop.get(path, { method, ...from("203.0.113.2") });
    expect(limitOf(answer)).toEqual([status, "5", "4", resetAt()]);
  });

  test.each(["register", "login", "refresh", "forgot", "reset"])(
    "%s, by its own lower limit",
    async (route) => {
      for (const remaining of ["2", "1", "0"]) {
        const answer = await ask(shop, "POST", `/api/auth/${route}`, { body: {}, ...from("203.0.113.3") });
        expect(limitOf(answer)).toEqual([400, "3", remaining, resetAt()]);
      }
      const refused = await ask(shop, "POST", `/v1/auth/${route}`, { body: {}, ...from("203.0.113.3") });
      expect(limitOf(refused)).toEqual([429, "3", "0", resetAt()]);
      expect(limitOf(await shop.get("/api/users", from("203.0.113.3")))).toEqual([401, "5", "4", resetAt()]);
    },
  );
});

test("over the limit the answer is a 429 with Retry-After until the window ends", async () => {
  const one = () => shop.get("/api/users", from("203.0.113.4"));
  const beganMs = nowMs;
  for (let index = 0; index < MAX; index += 1) expect((await one()).status).toBe(401);
  nowMs = beganMs + 100_500;
  const refused = await one();
  expect(limitOf(refused)).toEqual([429, "5", "0", String(beganMs / 1_000 + WINDOW_SECONDS)]);
  expect(refused.headers.get("retry-after")).toBe("800");
  expect(refused.headers.get("content-type")).toBe("application/problem+json");
  expect(await refused.json()).toMatchObject({ type: "/problems/too-many-requests", status: 429 });
  expect((await shop.get("/problems/too-many-requests")).status).toBe(200);
  expect((await shop.get("/api/shoes", from("203.0.113.4"))).status).toBe(200);
  expect((await shop.get("/api/users", from("203.0.113.5"))).status).toBe(401);
  nowMs = beganMs + WINDOW_SECONDS * 1_000 - 1;
  expect((await one()).status).toBe(429);
  nowMs += 1;
  expect(limitOf(await one())).toEqual([401, "5", "4", resetAt()]);
});

test("a refused request has no effect", async () => {
  const person = await someone();
  for (let index = 0; index < MAX; index += 1) await ask(shop, "GET", "/api/auth/profile", person);
  const like = await ask(shop, "POST", "/api/shoes/a1/likes/me", { token: person.token });
  expect(like.status).toBe(429);
  expect(shop.db.read.get("SELECT count(*) FROM likes WHERE user_id = ?", person.id)).toEqual([0]);
});

describe("one client is", () => {
  test("an account, from any address", async () => {
    const [sam, kim] = [await someone(), await someone()];
    const profile = (token: string, address: string) =>
      ask(shop, "GET", "/api/auth/profile", { token, ...from(address) });
    for (let index = 0; index < MAX; index += 1)
      expect((await profile(sam.token, `203.0.113.${100 + index}`)).status).toBe(200);
    expect((await profile(sam.token, "203.0.113.200")).status).toBe(429);
    expect((await profile(kim.token, "203.0.113.100")).status).toBe(200);
    expect((await shop.get("/api/users", from("203.0.113.100"))).status).toBe(401);
  });

  test("the address of a sign-in, even with a token", async () => {
    const [sam, kim] = [await someone(), await someone()];
    const statuses = [];
    for (const { token } of [sam, kim, sam, kim])
      statuses.push(
        (await ask(shop, "POST", "/api/auth/login", { token, body: {}, ...from("203.0.113.11") })).status,
      );
    expect(statuses).toEqual([400, 400, 400, 429]);
  });

  test("the address of a request with an invalid token", async () => {
    for (let index = 0; index < MAX; index += 1)
      await ask(shop, "GET", "/api/users", { token: `bad${index}`, ...from("203.0.113.6") });
    expect((await shop.get("/api/users", from("203.0.113.6"))).status).toBe(429);
  });

  test.each([
    ["an IPv6 network of 64 bits", "2001:db8:7:7::1", "2001:db8:7:7:ffff::2", "2001:db8:7:8::1"],
    ["an IPv4 address in both its spellings", "::ffff:203.0.113.8", "203.0.113.8", "203.0.113.9"],
    ["the nearest that no trusted proxy has", "203.0.113.10", "198.51.100.7, 203.0.113.10", "198.51.100.7"],
    ["everyone whose proxy names no address", "unknown", "203.0.113.12,", "127.0.0.1"],
  ])("%s", async (_what, first, same, other) => {
    for (let index = 0; index < MAX; index += 1) await shop.get("/api/users", from(first));
    expect((await shop.get("/api/users", from(same))).status).toBe(429);
    expect((await shop.get("/api/users", from(other))).status).toBe(401);
  });
});

test("the memory cache answers before any limit counts, also over the limit", async () => {
  const person = await someone();
  for (let index = 0; index <= MAX; index += 1) await ask(shop, "GET", "/api/auth/profile", person);
  await shop.get("/api/shoes/a1");
  const before = { ...shop.counters.state().memory, clients: shop.limits.state().clients };
  const headers = { authorization: `Bearer ${person.token}`, "x-forwarded-for": "203.0.113.99" };
  const hit = await shop.get("/api/shoes/a1", { headers });
  expect([hit.status, hit.headers.get("cache-status")]).toEqual([200, "insole; hit"]);
  const after = { ...shop.counters.state().memory, clients: shop.limits.state().clients };
  expect(after).toEqual({ ...before, answered: before.answered + 1 });
});

test("without a trusted proxy X-Forwarded-For is ignored; the settings reach the program", async () => {
  const plain = await openTestShop([], { RATE_LIMIT_MAX: "2", RATE_LIMIT_AUTH_MAX: "1" });
  try {
    const statuses = [];
    for (const index of [1, 2, 3])
      statuses.push((await plain.get("/api/users", from(`203.0.113.${index}`))).status);
    for (const index of [1, 2])
      statuses.push(
        (await ask(plain, "POST", "/api/auth/login", { body: {}, ...from(`::${index}`) })).status,
      );
    expect(statuses).toEqual([401, 401, 429, 400, 429]);
  } finally {
    await plain.close();
  }
});

test("0 turns a limit off", async () => {
  const open = await openTestShop([], { RATE_LIMIT_MAX: "0", RATE_LIMIT_AUTH_MAX: "1" });
  try {
    expect(limitOf(await open.get("/api/users"))).toEqual([401, null, null, null]);
    expect((await ask(open, "POST", "/api/auth/login", { body: {} })).headers.get("x-ratelimit-limit")).toBe(
      "1",
    );
  } finally {
    await open.close();
  }
});

test("memory is bounded: the least recently active client is forgotten first", () => {
  const limits = openLimits({ requestsMax: 1, signInsMax: 1, windowSeconds: 9, now: () => 0, clientsMax: 2 });
  const isOver = (client: string) => limits.count("request", client)?.isOver;
  expect([isOver("a"), isOver("b"), isOver("a"), isOver("c")]).toEqual([false, false, true, false]);
  expect(limits.state()).toEqual({ clients: 2, refused: 1 });
  expect([isOver("a"), isOver("b")]).toEqual([true, false]);
});
