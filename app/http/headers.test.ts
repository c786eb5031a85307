// Headers over HTTP: security headers, CORS, and preflights.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../testing/people.ts";
import { openFolder, openTestShop, shoe, type TestShop } from "../testing/shop.ts";

const FRONT = "https://front.example";
const EXPOSED =
  "ETag, Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Insole-Version, Idempotent-Replayed, Cache-Status";
const ALLOWED =
  "Authorization, Content-Type, Idempotency-Key, Order-Token, If-Match, If-None-Match, Insole-Version, X-Request-Id, traceparent";
const DATA_CSP = "default-src 'none'; frame-ancestors 'none'";

const files = openFolder();
let shop: TestShop;
let secure: TestShop;
beforeAll(async () => {
  mkdirSync(join(files.path, "assets"));
  writeFileSync(join(files.path, "index.html"), "<title>Front</title>");
  writeFileSync(join(files.path, "assets", "app.js"), "1");
  shop = await openTestShop([shoe("a1")], { CORS_ORIGIN: `${FRONT},http://dev.example:*` });
  secure = await openTestShop([shoe("a1")], { PUBLIC_URL: "https://shop.example", PUBLIC_DIR: files.path });
});
afterAll(async () => {
  await Promise.all([shop.close(), secure.close()]);
  files.remove();
});

const valuesOf = ({ headers }: Response, ...names: string[]) => names.map((name) => headers.get(name));

describe("security headers", () => {
  test.each([
    ["GET", "/api/shoes/a1"],
    ["GET", "/api/shoes/a1"],
    ["GET", "/api/shoes/nobody"],
    ["GET", "/images/a1.svg"],
    ["GET", "/api/users"],
    ["POST", "/api/auth/login"],
    ["OPTIONS", "/api/users"],
    ["GET", "/health"],
    ["GET", "/metrics"],
    ["GET", "/docs/json"],
    ["GET", "/nothing"],
  ])("%s %s: those of data", async (method, path) => {
    const names = ["content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy"];
    const answer = await shop.get(path, { method });
    expect(valuesOf(answer, ...names)).toEqual([DATA_CSP, "nosniff", "DENY", "no-referrer"]);
  });

  test.each(["/", "/docs", "/problems/conflict"])("%s: a page has its own policy", async (path) => {
    const answer = await shop.get(path);
    const csp = answer.headers.get("content-security-policy") ?? "";
    expect(csp).toContain("frame-ancestors 'none'");
    expect(csp).toContain("style-src ");
    expect(valuesOf(answer, "x-content-type-options", "x-frame-options")).toEqual(["nosniff", "DENY"]);
  });

  test.each(["/", "/assets/app.js"])("%s: a storefront's files may load anything", async (path) => {
    const names = ["content-security-policy", "x-content-type-options", "x-frame-options"];
    expect(valuesOf(await secure.get(path), ...names)).toEqual([
      "frame-ancestors 'self'",
      "nosniff",
      "SAMEORIGIN",
    ]);
  });

  test("behind TLS every answer has Strict-Transport-Security, also from memory; without TLS none has", async () => {
    for (const path of ["/api/shoes/a1", "/api/shoes/a1", "/images/a1.svg", "/", "/api/users", "/health"]) {
      const name = "strict-transport-security";
      expect((await secure.get(path)).headers.get(name)).toBe("max-age=31536000");
      expect((await shop.get(path)).headers.get(name)).toBeNull();
    }
  });
});

describe("CORS", () => {
  const NAMES = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "vary",
  ];
  const read = async (path: string, origin: string | null, method = "GET") =>
    valuesOf(await shop.get(path, { method, headers: origin === null ? {} : { origin } }), ...NAMES);

  test.each<[string, string, string | null]>([
    ["GET", "/api/shoes/a1", "Accept-Encoding"],
    ["HEAD", "/v1/products", "Accept-Encoding"],
    ["GET", "/images/a1.svg", "Accept-Encoding"],
    ["GET", "/api/shoes/nobody", null],
    ["GET", "/api/shoes?page=0", null],
    ["GET", "/docs/json", null],
  ])("%s %s allows every origin", async (method, path, vary) => {
    for (const origin of [null, FRONT, "https://evil.example"])
      expect(await read(path, origin, method)).toEqual(["*", null, EXPOSED, vary]);
  });

  test.each([
    ["GET", "/api/users"],
    ["GET", "/v1/auth/profile"],
    ["POST", "/api/shoes"],
    ["POST", "/api/auth/login"],
    ["DELETE", "/api/shoes/a1"],
    ["GET", "/health"],
    ["GET", "/nothing"],
  ])("%s %s allows the listed origins", async (method, path) => {
    for (const origin of [FRONT, "http://dev.example:5173", "http://dev.example"])
      expect(await read(path, origin, method)).toEqual([origin, "true", EXPOSED, "Origin"]);
    for (const origin of [
      null,
      "null",
      "https://evil.example",
      "http://front.example",
      `${FRONT}.evil.example`,
      "https://dev.example:5173",
      "http://dev.example:5173.evil.example",
      "http://localhost:3000",
    ])
      expect(await read(path, origin, method)).toEqual([null, null, null, "Origin"]);
  });

  test("by default allows any port of this machine in development, and no origin in production", async () => {
    const production = { NODE_ENV: "production", JWT_SECRET: "s".repeat(32) };
    const [developer, live] = await Promise.all([openTestShop([]), openTestShop([], production)]);
    try {
      const origins = ["http://localhost:5173", "http://127.0.0.1:8080", "https://front.example"];
      const allowed = (of: TestShop) =>
        Promise.all(
          origins.map(async (origin) =>
            (await of.get("/api/users", { headers: { origin } })).headers.get("access-control-allow-origin"),
          ),
        );
      expect(await allowed(developer)).toEqual(["http://localhost:5173", "http://127.0.0.1:8080", null]);
      expect(await allowed(live)).toEqual([null, null, null]);
    } finally {
      await Promise.all([developer.close(), live.close()]);
    }
  });
});

describe("a preflight", () => {
  const NAMES = ["origin", "credentials", "methods", "headers"].map((name) => `access-control-allow-${name}`);
  const preflight = async (path: string, origin: string, method: string) => {
    const headers = { origin, "access-control-request-method": method };
    const answer = await shop.get(path, { method: "OPTIONS", headers });
    expect(answer.status).toBe(204);
    return valuesOf(answer, ...NAMES, "access-control-max-age", "vary");
  };
  const METHODS = "DELETE, GET, HEAD, OPTIONS, PUT";

  test("of a public read is granted to every origin, without credentials", async () => {
    expect(await preflight("/api/shoes/a1", "https://evil.example", "GET")).toEqual([
      "*",
      null,
      METHODS,
      ALLOWED,
      "7200",
      null,
    ]);
  });

  test("of any other request is granted to listed origins only", async () => {
    expect(await preflight("/api/shoes/a1", FRONT, "PUT")).toEqual([
      FRONT,
      "true",
      METHODS,
      ALLOWED,
      "7200",
      "Origin",
    ]);
    for (const [path, method] of [
      ["/api/shoes/a1", "PUT"],
      ["/api/auth/login", "POST"],
      ["/v1/users", "GET"],
    ] as const)
      expect(await preflight(path, "https://evil.example", method)).toEqual([
        null,
        null,
        null,
        null,
        null,
        "Origin",
      ]);
  });
});

test("too many bytes of headers are refused with 431", async () => {
  const small = await shop.get("/api/shoes/a1", { headers: { "x-long": "a".repeat(8_000) } });
  const large = await shop.get("/api/shoes/a1", { headers: { "x-long": "a".repeat(64_000) } });
  expect([small.status, large.status]).toEqual([200, 431]);
});

test("a body that is nested too deeply is refused", async () => {
  const body = `{"email":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  expect((await ask(shop, "POST", "/api/auth/login", { body })).status).toBe(400);
  const deep = `{"email":${"[".repeat(40)}${"]".repeat(40)}}`;
  const answer = await ask(shop, "POST", "/api/auth/login", { body: deep });
  expect(await answer.json()).toMatchObject({ status: 400, detail: expect.stringContaining("nested") });
});
