// The fuzz suite itself: it detects violations, reduces them, and repeats them by seed and path.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openapiDocument } from "../../openapi.ts";
import { openTestShop, type TestShop, WITHOUT_WAITS } from "../shop.ts";
import { violations } from "./check.ts";
import { type Operation, operationsOf } from "./document.ts";
import { prepareShop } from "./prepared-shop.ts";
import type { GeneratedRequest } from "./requests.ts";
import { fuzz } from "./run.ts";
import { schemaViolation } from "./schemas.ts";

const TIMEOUT_MS = 60_000;
const ADMIN = { email: "admin@shop.example", password: "correct horse battery" };
const OK = '{"success":true,"data":{"shoeId":"a","userId":"b","likes":1,"created":true}}';
const PROBLEM = {
  type: "/problems/not-found",
  title: "Not found",
  status: 404,
  detail: "there is no such shoe",
  instance: "/api/shoes/x",
  error: "there is no such shoe",
  timestamp: "2026-01-01T00:00:00.000Z",
  requestId: "r-1",
};

let operations: Operation[] = [];
let shop: TestShop;
beforeAll(async () => {
  operations = operationsOf(await openapiDocument());
  shop = await openTestShop(
    [],
    {
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      RATE_LIMIT_MAX: "0",
      RATE_LIMIT_AUTH_MAX: "0",
      OPEN_ORDERS_MAX: "0",
      OPEN_ORDERS_ADDRESS_MAX: "0",
    },
    WITHOUT_WAITS,
  );
});
afterAll(() => shop.close());

/** Runs `bun run fuzz` to its end. */
async function command(...args: string[]) {
  const child = Bun.spawn([process.execPath, "app/testing/fuzz/command.ts", ...args], {
    cwd: join(import.meta.dir, "../../.."),
    env: { ...process.env, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password },
    stdout: "pipe",
    stderr: "pipe",
  });
  const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
  const [out = "", err = ""] = await Promise.all(texts);
  return { out, err, exitCode: await child.exited };
}

const like = () => operations.find(({ id }) => id === "likeShoe")!;

describe("a response", () => {
  const violationsOf = (
    status: number,
    body: string,
    headers: Record<string, string> = {},
    sender: GeneratedRequest["sender"] = "admin",
  ) => {
    const type = status < 400 ? "application/json" : "application/problem+json";
    const request = { sender, path: {}, query: [], headers: {}, body: null, contentType: "" };
    const response = {
      status,
      body,
      headers: new Headers({ "content-type": type, "x-request-id": "r-1", ...headers }),
    };
    return violations(like(), request, response, ["/srv/insole"]).join("; ");
  };
  const problem = (more: object = {}) => JSON.stringify({ ...PROBLEM, ...more });

  test("that matches the document has no violations", () => {
    expect(violationsOf(201, OK)).toBe("");
    expect(violationsOf(404, problem())).toBe("");
    expect(violationsOf(404, problem({ instance: "/api/shoes/SELECT a FROM b" }))).toBe("");
  });

  test.each<[string, string, number, string, Record<string, string>?]>([
    ["a failure", "it failed", 500, problem({ status: 500 })],
    ["an undocumented status", "does not list status 402", 402, problem({ status: 402 })],
    ["a field too many", "/data/secret", 201, OK.replace('"likes"', '"secret":1,"likes"')],
    ["a field too few", "/data/likes", 201, OK.replace('"likes":1,', "")],
    ["a wrong type", "/data/likes", 201, OK.replace('"likes":1', '"likes":"1"')],
    ["no JSON", "it is not JSON", 201, "<html>"],
    ["another content type", "its type is text/html", 201, OK, { "content-type": "text/html" }],
    ["no request id", "no X-Request-Id", 201, OK, { "x-request-id": "" }],
    ["a header of the client's", "became a response header", 201, OK, { "x-injected": "1" }],
    ["another status inside", "its status field is 400", 404, problem({ status: 400 })],
    ["another request id inside", "differs from the header", 404, problem({ requestId: "r-2" })],
    ["a stack", "internals", 404, problem({ detail: "at f (/app/shoes/a.ts:1:2)" })],
    ["SQL", "internals", 404, problem({ detail: "SELECT id FROM shoes WHERE 1" })],
    ["the data folder", "reveals the data folder", 404, problem({ detail: "/srv/insole/insole.db" })],
    ["an error that names nothing", "names no field", 404, problem({ errors: [{ detail: "x" }] })],
  ])("%s is detected", (_, words, status, body, headers = {}) => {
    expect(violationsOf(status, body, headers)).toContain(words);
  });

  test("to an anonymous request of a guarded operation is detected", () => {
    expect(violationsOf(201, OK, {}, "nobody")).toContain("nobody must not be allowed to do this");
    expect(violationsOf(401, problem({ status: 401 }), {}, "nobody")).toBe("");
  });
});

test("null is valid for nullable schemas only, and times are checked", () => {
  const time = { type: "string", format: "date-time" };
  expect(schemaViolation(null, { ...time, nullable: true })).toBeNull();
  expect(schemaViolation(null, time)).not.toBeNull();
  expect(schemaViolation("2026-02-31", time)).not.toBeNull();
});

test(
  "an error of the document is reduced to the smallest request, and its path repeats it at once",
  async () => {
    const prepared = await prepareShop(shop.url, ADMIN);
    const { 404: _left, ...responses } = like().responses;
    const incomplete = { ...like(), responses };
    const options = { runs: 200, seed: 1, secrets: [] };
    const { failure } = await fuzz(incomplete, prepared, options);
    expect(failure).toContain("answered 404: the document does not list status 404");
    const path = /--route likeShoe --seed 1 --path ([\d:]+)/.exec(failure ?? "")?.[1];
    const again = await fuzz(incomplete, prepared, { ...options, path });
    expect(again.failure).toContain("answered 404: the document does not list status 404");
    expect(Object.values(again.statuses).reduce((sum, count) => sum + count, 0)).toBeLessThan(50);
    expect(await fuzz(like(), prepared, { ...options, path })).toMatchObject({ failure: null });
  },
  TIMEOUT_MS,
);

test(
  "bun run fuzz tests one route of a running shop, and explains its arguments",
  async () => {
    const result = await command("--route", "getShoe", "--runs", "20", "--seed", "3", "--url", shop.url);
    expect([result.exitCode, result.err]).toEqual([0, ""]);
    expect(result.out).toStartWith("seed 3, 20 requests to each of 1 operations\nok   getShoe: ");
    expect((await command("-h")).out).toStartWith("usage: bun run fuzz");
    const unknown = await command("--route", "nothing");
    expect([unknown.exitCode, unknown.err]).toEqual([
      1,
      expect.stringContaining("--route must be one of listShoes"),
    ]);
  },
  TIMEOUT_MS,
);

test(
  "bun run fuzz ends with 1 and prints the request when a response is wrong",
  async () => {
    // The shop, but for one route.
    const proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        const { pathname, search } = new URL(request.url);
        if (pathname === "/livez") return new Response("broken", { status: 500 });
        return fetch(new Request(`${shop.url}${pathname}${search}`, request), { decompress: false });
      },
    });
    const args = ["--runs", "3", "--seed", "1", "--url", proxy.url.href];
    const { out, err, exitCode } = await command("--route", "getLiveness", ...args);
    await proxy.stop(true);
    expect([exitCode, err]).toEqual([1, ""]);
    expect(out).toContain("FAIL getLiveness: 500 x");
    expect(out).toContain("repeat it: bun run fuzz --route getLiveness --seed 1 --path ");
  },
  TIMEOUT_MS,
);
