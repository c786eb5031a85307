// Which answers of a primary count as healthy, and which lines of its log an operator sees.
import { afterAll, expect, test } from "bun:test";
import { probe } from "./probe.ts";
import { isTrouble } from "./sqld.ts";

let answer: () => Response | Promise<Response>;
let received: { authorization: string | null; body: string } | undefined;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    received = { authorization: request.headers.get("authorization"), body: await request.text() };
    return answer();
  },
});
const url = server.url.href.replace(/\/$/, "");
afterAll(() => server.stop(true));

const LONG_MS = 10_000;
const done = { type: "ok", response: {} };
const refused = (message: string) =>
  Response.json({ results: [{ type: "error", error: { message } }, done] });

test("takes the write lock and releases it", async () => {
  answer = () => Response.json({ results: [done, done, done] });
  expect(await probe(url, "t", LONG_MS)).toEqual({ ok: true });
  expect(received?.authorization).toBe("Bearer t");
  expect(received?.body).toMatch(/BEGIN IMMEDIATE.*ROLLBACK.*close/);
});

test.each([
  ["another client writes", () => refused("SQLite error: database is locked"), { ok: true }],
  ["the server has too many requests", () => new Response(null, { status: 429 }), { ok: true }],
  ["the disk fails", () => refused("disk I/O error"), { ok: false, why: "disk I/O error", isSilent: false }],
  [
    "the token is refused",
    () => new Response("", { status: 401 }),
    { ok: false, why: "it answered 401", isSilent: false },
  ],
  [
    "the answer is not JSON",
    () => new Response("<html>"),
    { ok: false, why: "it does not answer", isSilent: true },
  ],
])("%s", async (_, respond, health) => {
  answer = respond;
  expect(await probe(url, "t", LONG_MS)).toEqual(health as never);
});

test("no answer in time, and no server", async () => {
  const late = Promise.withResolvers<void>();
  answer = () => late.promise.then(() => new Response());
  expect(await probe(url, "t", 20)).toEqual({ ok: false, why: "no answer in 20 ms", isSilent: true });
  late.resolve();
  expect(await probe("http://127.0.0.1:1", "t", LONG_MS)).toEqual({
    ok: false,
    why: "it does not answer",
    isSilent: true,
  });
});

test.each([
  ["reads, it hangs", () => Response.json({ results: [done, done] }), "no write lock in 300 ms", false],
  ["fails to read, it may be busy", () => new Response(null, { status: 500 }), "no answer in 300 ms", true],
])("a server that gives no write lock and %s", async (_name, respond, why, isSilent) => {
  const late = Promise.withResolvers<Response>();
  answer = () => (received?.body.includes("BEGIN IMMEDIATE") ? late.promise : respond());
  expect(await probe(url, "t", 300)).toEqual({ ok: false, why, isSilent });
  late.resolve(new Response());
});

test("an operator sees sqld's own errors, and no errors of clients", () => {
  expect(isTrouble("2030 ERROR libsql_server: disk full")).toBe(true);
  expect(isTrouble("thread 'main' panicked at src/main.rs")).toBe(true);
  expect(isTrouble("2030 ERROR timings: libsql_server::error: HTTP API: 401 Unauthorized")).toBe(false);
  expect(isTrouble("2030 ERROR libsql_server::hrana::ws: hrana server loop exited")).toBe(false);
  expect(isTrouble("2030  INFO libsql_server: sqld was shutdown gracefully")).toBe(false);
});
