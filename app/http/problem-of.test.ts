// Errors of the database as problems: kind and column in, status and pointer out.
import { expect, test } from "bun:test";
import { DatabaseError, type DatabaseErrorKind } from "../../db/errors.ts";
import { ask } from "../testing/people.ts";
import { openObservedShop, shoe } from "../testing/shop.ts";
import { toProblem } from "./problem-of.ts";
import { PROBLEMS, Problem } from "./problems.ts";

// biome-ignore format: one line reads as one table
const ROWS: [DatabaseErrorKind, string[], number, string | null][] = [
  ["unique", ["shoes.shoe_id"], 409, "/shoe_id"], ["unique", ["shoes.slug"], 409, "/shoe_id"], ["unique", ["sizes.shoe", "sizes.size"], 409, "/sizes"],
  ["unique", ["facets.kind", "facets.key"], 409, "/name"], ["unique", ["users.email_key"], 409, "/email"], ["unique", ["other.column"], 409, null], ["unique", [], 409, null],
  ["check", ["stock"], 409, "/stock"], ["check", ["price_cents"], 400, "/price"], ["check", ["list_price_cents"], 400, "/listPrice"], ["check", ["title"], 400, "/title"],
  ["check", ["shoes.price_cents"], 400, "/price"], ["check", [], 409, null], ["reference", [], 404, null],
  ["overloaded", [], 503, null], ["busy", [], 503, null], ["closed", [], 503, null], ["failed", [], 503, null], ["unreachable", [], 503, null], ["unwritable", [], 503, null], ["uncertain", [], 504, null], ["abandoned", [], 400, null], ["unknown", [], 500, null],
];

test.each(ROWS)("%s of %p is %d", (kind, columns, status, pointer) => {
  const problem = toProblem(new DatabaseError(kind, "near SELECT secret.path", columns), "abc");
  expect(PROBLEMS[problem.type][0] as number).toBe(status);
  expect(problem.errors).toEqual(pointer === null ? [] : [{ pointer, detail: expect.any(String) }]);
  expect(problem.detail).not.toContain("SELECT");
  const retryAfter = kind === "unwritable" ? "10" : "1";
  expect(problem.headers["retry-after"]).toBe(status >= 503 ? retryAfter : (undefined as never));
  if (columns[0] === "shoes.shoe_id") expect(problem.detail).toBe("shoe_id abc is taken");
});

test("a problem stays itself; an unexpected error is hidden", () => {
  const problem = new Problem("not-found", "gone");
  expect(toProblem(problem)).toBe(problem);
  for (const thrown of [new Error("SELECT secret"), "text", null])
    expect(toProblem(thrown)).toMatchObject({
      type: "internal-error",
      detail: "the server failed",
    });
});

test.each([
  ["GET", "/api/shoes?q=shoe", undefined],
  ["GET", "/api/shoes/a", undefined],
  ["POST", "/api/auth/login", { email: "a@shop.example", password: "a long password" }],
])(
  "an unexpected error of %s %s is a 500 without its text, which the log has under the request's id",
  async (method, path, body) => {
    const fail = () => {
      throw new Error("near SELECT secret");
    };
    const broken = { get: fail, all: fail };
    let isBroken = false;
    const shop = await openObservedShop([shoe("a")], true, {
      before: (file) => ({
        ...file,
        read: {
          get: (...args) => (isBroken ? broken.get() : file.read.get(...args)),
          all: (...args) => (isBroken ? broken.all() : file.read.all(...args)),
        },
        scan: (statements) => (isBroken ? fail() : file.scan(statements)),
        onPrimary: (work) => (isBroken ? fail() : file.onPrimary(work)),
      }),
    });
    isBroken = true;
    const answer = await ask(shop, method, path, { body, headers: { "x-request-id": "mine-1" } });
    const sent = `${JSON.stringify([...answer.headers])} ${await answer.text()}`;
    expect([answer.status, answer.headers.get("content-type")]).toEqual([500, "application/problem+json"]);
    expect(sent).toContain("the server failed");
    expect(sent).not.toContain("secret");
    expect(shop.logged.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({
        level: "error",
        message: "unexpected error",
        requestId: "mine-1",
        error: expect.stringContaining("near SELECT secret"),
      }),
    );
    await shop.close();
  },
);
