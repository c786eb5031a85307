// The documentation's files: which are served, how long they are cached, and that none comes from another site.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { version } from "swagger-ui-dist/package.json";
import { openTestShop, type TestShop } from "../testing/shop.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([]);
});
afterAll(() => shop.close());

test("the page links only to our own versioned files and has no inline script", async () => {
  const response = await shop.get("/docs");
  const body = await response.text();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-cache");
  expect(response.headers.get("referrer-policy")).toBe("no-referrer");
  const csp = response.headers.get("content-security-policy") ?? "";
  expect(csp).toContain("default-src 'none'; script-src 'self';");
  expect(csp).toContain("connect-src 'self'");
  expect(csp).toContain("frame-ancestors 'none'");
  expect(csp).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe/);
  expect(body).not.toMatch(/\/\/|<script>|\son\w+=/);
  const files = [...body.matchAll(/(?:src|href)="(\/docs\/assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
  expect(files).toHaveLength(3);
  expect(files.filter((path) => path.endsWith(`?v=${version}`))).toHaveLength(2);
  for (const path of files) {
    const file = await shop.get(path);
    expect([file.status, file.headers.get("cache-control")]).toEqual([200, IMMUTABLE]);
    expect(file.headers.get("content-type")?.replace("; ", ";")).toBe(
      path.includes(".css") ? "text/css;charset=utf-8" : "text/javascript;charset=utf-8",
    );
    const etag = file.headers.get("etag") ?? "";
    expect((await shop.get(path, { headers: { "if-none-match": etag } })).status).toBe(304);
    const head = await shop.get(path, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String((await file.arrayBuffer()).byteLength));
  }
});

test.each(["/docs/assets/swagger-ui.css", "/docs/assets/swagger-ui.css?v=0", "/docs/assets/start.js?v=0"])(
  "%s is not the address of the installed version, so it is revalidated",
  async (path) => {
    expect((await shop.get(path)).headers.get("cache-control")).toBe("no-cache");
  },
);

describe("no other file of the package is served", () => {
  test.each([
    "package.json",
    "index.html",
    "swagger-initializer.js",
    "swagger-ui-bundle.js.map",
    "LICENSE",
    "toString",
    "..%2fpackage.json",
    "..%2f..%2fpackage.json",
    "%2e%2e%2fpackage.json",
    ".%2fswagger-ui.css",
    "",
  ])("%s", async (name) => {
    expect((await shop.get(`/docs/assets/${name}?v=${version}`)).status).toBe(404);
  });
});

test("the OpenAPI document may be read from any origin, and is revalidated", async () => {
  const response = await shop.get("/docs/json");
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  const etag = response.headers.get("etag") ?? "";
  expect((await shop.get("/docs/json", { headers: { "if-none-match": etag } })).status).toBe(304);
  expect((await shop.get("/docs/json", { method: "HEAD" })).status).toBe(200);
  expect((await shop.get("/docs/json", { method: "DELETE" })).headers.get("allow")).toBe(
    "GET, HEAD, OPTIONS",
  );
});
