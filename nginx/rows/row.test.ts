// The expectations of rows: each throws for a response that breaks it, and says what is wrong.
import { expect, test } from "bun:test";
import type { HttpResponse } from "./client.ts";
import { expectHeader, expectProblem, expectStatus, type Row, runRow } from "./row.ts";

const TIME = "2030-01-01T00:00:00Z";
const BODY = {
  type: "/problems/not-found",
  title: "Not found",
  status: 404,
  detail: "nothing is here",
  instance: "/a",
  error: "nothing is here",
  timestamp: TIME,
  requestId: "r1",
};
const HEADERS = {
  "content-type": "application/problem+json",
  "cache-control": "private, no-store",
  "x-request-id": "r1",
};
const problem = (body: object = {}, headers: Record<string, string> = {}, status = 404): HttpResponse => ({
  status,
  headers: { ...HEADERS, ...headers },
  body: JSON.stringify({ ...BODY, ...body }),
});

test("a header has the value, matches the pattern, or is missing", () => {
  const response = problem();
  expectHeader(response, "x-request-id", "r1");
  expectHeader(response, "cache-control", /no-store/);
  expectHeader(response, "set-cookie", null);
  for (const [name, expected, why] of [
    ["x-request-id", "r2", "x-request-id is r1 instead of r2"],
    ["x-request-id", /^s/, "x-request-id is r1 instead of /^s/"],
    ["x-request-id", null, "x-request-id is r1 instead of missing"],
    ["etag", "a", "etag is missing instead of a"],
    ["etag", /a/, "etag is missing instead of /a/"],
  ] as const)
    expect(() => expectHeader(response, name, expected)).toThrow(why);
});

test("another status is named together with the body", () => {
  expectStatus(problem(), 404);
  expect(() => expectStatus(problem(), 200)).toThrow('404 instead of 200: {"type"');
});

test.each([
  [problem({}, {}, 400), "400 instead of 404"],
  [problem({}, { "content-type": "application/json" }), "content-type is application/json"],
  [problem({}, { "cache-control": "public" }), "cache-control is public"],
  [problem({}, { "x-request-id": "r2" }), "x-request-id is r2 instead of r1"],
  [problem({ type: "/problems/other" }), "the problem has type /problems/other and status 404"],
  [problem({ status: 400 }), "the problem has type /problems/not-found and status 400"],
  [problem({ title: "" }), "the problem has no title"],
  [problem({ detail: 1, error: 1 }), "the problem has no detail"],
  [problem({ instance: undefined }), "the problem has no instance"],
  [problem({ error: "something else" }), "error is not the same as detail"],
  [problem({ timestamp: "now" }), "the timestamp is now"],
])("a problem as in case %# is refused", (response, why) => {
  expectProblem(problem(), 404, "not-found");
  expect(() => expectProblem(response, 404, "not-found")).toThrow(why);
});

test("a row is ok, failed with the reason, or skipped without its listener", async () => {
  const client = {
    edge: "http://127.0.0.1:1",
    tls: null,
    status: null,
    send: () => Promise.reject(new Error("not sent")),
    nextShoe: () => "/a",
  };
  const row = (check: Row["check"], needs?: "tls"): Row => ({
    rule: "a",
    check,
    ...(needs ? { needs } : {}),
  });
  expect(
    await runRow(
      row(async () => {}),
      client,
    ),
  ).toEqual({ outcome: "ok", why: "" });
  expect(
    await runRow(
      row(async ({ send }) => void (await send("/"))),
      client,
    ),
  ).toEqual({
    outcome: "failed",
    why: "not sent",
  });
  expect(
    await runRow(
      row(async () => {}, "tls"),
      client,
    ),
  ).toEqual({ outcome: "skipped", why: "needs --tls" });
});
