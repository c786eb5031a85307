// Routing: declarations, the facts of a request, the methods of an address, and OPTIONS.
import { describe, expect, test } from "bun:test";
import { Problem } from "./problems.ts";
import { answerOptions, facts, openRouting, type Route } from "./routing.ts";

const route = (method: string, path: string, declared = facts({ counts: "request" })): Route => ({
  method,
  path,
  hooks: { ...declared },
});

const ROUTES = openRouting([
  route("GET", "/api/shoes", facts({ public: true })),
  route("POST", "/api/shoes"),
  route("GET", "/api/shoes/:id"),
  route("DELETE", "/api/shoes/:id"),
  route("PUT", "/api/shoes/:id/like"),
  route("GET", "/docs/*"),
  route("GET", "/"),
]);

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
    expect(ROUTES.methodsOf(path)).toEqual(methods);
  });
});

describe("OPTIONS", () => {
  test("lists the methods that an address supports, and is not stored", async () => {
    const response = answerOptions(ROUTES.methodsOf("/api/shoes/a"));
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect(Object.fromEntries(response.headers)).toEqual({
      allow: "DELETE, GET, HEAD, OPTIONS",
      "cache-control": "private, no-store",
    });
  });

  test("of an address without a route is 404", () => {
    const refusal = (() => {
      try {
        return answerOptions(ROUTES.methodsOf("/nothing"));
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(refusal).toBeInstanceOf(Problem);
    expect(refusal).toMatchObject({ type: "not-found" });
  });
});

describe("the facts of a request", () => {
  const { find } = ROUTES;

  test("are those that the route declares; a HEAD has those of the GET", () => {
    const login = facts({ counts: "sign-in", event: "login" });
    const routing = openRouting([
      route("POST", "/v1/auth/login", login),
      route("GET", "/api/shoes", facts({ public: true })),
      route("GET", "/livez", facts({ counts: "free" })),
      route("GET", "/api/search", facts({ public: true, takesTurns: true })),
    ]);
    expect(routing.find("HEAD", "/api/search")).toMatchObject({ isPublic: true, hasClient: true });
    const found = { isThere: true, isPublic: false, hasClient: true, event: null };
    expect(routing.find("POST", "/v1/auth/login")).toEqual({
      ...found,
      name: "/auth/login",
      counts: "sign-in",
      event: "login",
    });
    for (const method of ["GET", "HEAD"]) {
      expect(routing.find(method, "/api/shoes")).toEqual({
        ...found,
        name: "/shoes",
        isPublic: true,
        hasClient: false,
        counts: "free",
      });
      expect(routing.find(method, "/livez")).toEqual({ ...found, name: "/livez", counts: "free" });
    }
  });

  test.each<[string, string, string, string]>([
    ["GET", "/api/nothing", "other", "request"],
    ["GET", "/nothing", "other", "free"],
    ["HEAD", "/nothing", "other", "free"],
    ["POST", "/nothing", "other", "request"],
    ["PATCH", "/api/shoes/a", "/shoes/:id", "request"],
    ["GET", "/api/shoes/a/like", "/shoes/:id/like", "request"],
    ["GET", "/api/shoes/", "other", "request"],
    ["GET", "/shoes", "other", "free"],
    ["OPTIONS", "/api/shoes", "/shoes", "free"],
    ["OPTIONS", "/api/nothing", "other", "free"],
  ])("%s %s has no route, the name %s, and counts as %s", (method, path, name, counts) => {
    expect(find(method, path)).toMatchObject({ name, counts, isThere: false, isPublic: false, event: null });
  });

  test("are those of the route with a fixed segment at the first difference, before one with a parameter", () => {
    const paths = ["/api/a/:id/c", "/api/:x/b/c", "/api/a/b/:id", "/api/a/:id/:other"];
    const { find: findIn } = openRouting(paths.map((path) => route("GET", path)));
    const names = ["/api/a/b/c", "/api/a/x/c", "/api/x/b/c", "/api/a/b/x", "/api/a/x/y"].map(
      (path) => findIn("GET", path).name,
    );
    expect(names).toEqual(["/a/b/:id", "/a/:id/c", "/:x/b/c", "/a/b/:id", "/a/:id/:other"]);
  });

  test("of a method that only a less specific pattern supports are that pattern's", () => {
    const { find: findIn } = openRouting([route("POST", "/api/shoes/likes"), route("GET", "/api/shoes/:id")]);
    expect(findIn("GET", "/api/shoes/likes").name).toBe("/shoes/:id");
    expect(findIn("POST", "/api/shoes/likes").name).toBe("/shoes/likes");
    expect(findIn("PUT", "/api/shoes/likes")).toMatchObject({ name: "/shoes/likes", isThere: false });
  });

  test("of an address below two folders are those of the deeper one", () => {
    const { find: findIn } = openRouting(
      ["/*", "/files/deep/*", "/files/*"].map((path) => route("GET", path)),
    );
    const names = ["/a", "/files/a", "/files/deep/a/b", "/files/deeper/a"].map(
      (path) => findIn("GET", path).name,
    );
    expect(names).toEqual(["/*", "/files/*", "/files/deep/*", "/files/*"]);
  });

  test("below the prefixes are never those of the static files' route, though it may have files there", () => {
    const { find: findIn } = openRouting([
      route("GET", "/*", facts({ counts: "free" })),
      route("POST", "/api/shoes"),
    ]);
    expect(findIn("GET", "/a/b.js")).toMatchObject({ name: "/*", counts: "free", isThere: true });
    expect(findIn("GET", "/api/a.js")).toMatchObject({ name: "other", counts: "request", isThere: true });
    expect(findIn("GET", "/api/shoes")).toMatchObject({ name: "/shoes", counts: "request", isThere: true });
    expect(findIn("POST", "/v1/a")).toMatchObject({ name: "other", counts: "request", isThere: false });
  });
});

describe("a declaration", () => {
  test("is required of every route", () => {
    const silent = { method: "GET", path: "/api/new", hooks: { detail: {} } };
    expect(() => openRouting([route("GET", "/"), silent])).toThrow(
      "GET /api/new does not declare what it is",
    );
  });

  test("may make only a GET public", () => {
    const open = route("POST", "/api/new", facts({ public: true }));
    expect(() => openRouting([open])).toThrow("POST /api/new is declared public, which only a GET can be");
  });
});
