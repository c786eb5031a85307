// Which methods an address takes, and what OPTIONS says of it.
import { describe, expect, test } from "bun:test";
import { allowedMethods, preflight } from "./methods.ts";
import { Problem } from "./problems.ts";

const ROUTES = [
  { method: "GET", path: "/api/shoes" },
  { method: "POST", path: "/api/shoes" },
  { method: "GET", path: "/api/shoes/:id" },
  { method: "DELETE", path: "/api/shoes/:id" },
  { method: "PUT", path: "/api/shoes/:id/like" },
  { method: "GET", path: "/docs/*" },
  { method: "GET", path: "/" },
];

describe("the methods of an address", () => {
  const cases: [string, string[]][] = [
    ["/api/shoes", ["GET", "HEAD", "OPTIONS", "POST"]],
    ["/api/shoes/a", ["DELETE", "GET", "HEAD", "OPTIONS"]],
    ["/api/shoes/a%2Fb", ["DELETE", "GET", "HEAD", "OPTIONS"]],
    ["/api/shoes/a/like", ["OPTIONS", "PUT"]],
    ["/docs/swagger.css", ["GET", "HEAD", "OPTIONS"]],
    ["/docs/a/b", ["GET", "HEAD", "OPTIONS"]],
    ["/", ["GET", "HEAD", "OPTIONS"]],
    ["/docs", []],
    ["/api/shoes/", []],
    ["/api/shoes/a/", []],
    ["/api/shoes/a/like/b", []],
    ["/api/shoe", []],
    ["/API/shoes", []],
    ["", []],
    ["/nothing", []],
  ];
  test.each(cases)("%s", (path, methods) => {
    expect(allowedMethods(ROUTES, path)).toEqual(methods);
  });
});

describe("OPTIONS", () => {
  test("says what the address takes, for people and browsers, and is not stored", async () => {
    const response = preflight(ROUTES, "/api/shoes/a");
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect(Object.fromEntries(response.headers)).toEqual({
      allow: "DELETE, GET, HEAD, OPTIONS",
      "cache-control": "private, no-store",
    });
  });

  test("of an address that is not there is a 404", () => {
    const refusal = (() => {
      try {
        return preflight(ROUTES, "/nothing");
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(refusal).toBeInstanceOf(Problem);
    expect(refusal).toMatchObject({ type: "not-found" });
  });
});
