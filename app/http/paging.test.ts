// Lists of users and of the audit: pages, cursors, totals, and refused parameters.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addKey } from "../accounts/keys.ts";
import { ask } from "../testing/people.ts";
import { type ObservedShop, openObservedShop } from "../testing/shop.ts";
import type { Pagination } from "./paging.ts";

const USERS = 25;
const ENTRIES = 10_050;

let shop: ObservedShop;
let key = "";
beforeAll(async () => {
  shop = await openObservedShop([]);
  key = await addKey(shop.db, "lists", Date.now());
  const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)";
  await shop.db.write([
    {
      sql: `${numbers} INSERT INTO users (id, email, email_key, name, password_hash, created_at, updated_at)
            SELECT 'u' || i, i || '@b.example', i || '@b.example', 'Sam', 'hidden hash', i, i FROM n`,
      args: [USERS],
    },
    {
      sql: `${numbers} INSERT INTO audit (at, actor_kind, action, subject, detail)
            SELECT i, 'system', 'shoe.add', 's' || i, '{}' FROM n`,
      args: [ENTRIES],
    },
  ]);
});
afterAll(() => shop.close());

type List = { data: Record<string, unknown>[]; pagination: Pagination; errors: { parameter: string }[] };
async function list(path: string): Promise<{ status: number; body: List; text: string }> {
  const answer = await ask(shop, "GET", path, { token: key });
  const text = await answer.text();
  return { status: answer.status, body: JSON.parse(text) as List, text };
}

test("the newest come first, and no password hash is shown", async () => {
  const { body, text } = await list("/api/users?limit=10");
  expect(body.data.map(({ id }) => id)).toEqual(
    Array.from({ length: 10 }, (_, index) => `u${USERS - index}`),
  );
  expect(body.pagination).toEqual({
    page: 1,
    limit: 10,
    total: USERS,
    pages: 3,
    nextCursor: expect.any(String),
  });
  expect(text).not.toContain("hidden hash");
});

test("pages and cursors show every row once, and end", async () => {
  const byPage: unknown[] = [];
  for (const page of [1, 2, 3]) {
    const { body } = await list(`/v1/users?limit=10&page=${page}`);
    byPage.push(...body.data.map(({ id }) => id));
    expect([page, body.pagination.page, body.pagination.nextCursor === null]).toEqual([
      page,
      page,
      page === 3,
    ]);
  }
  const byCursor: unknown[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await list(`/api/users?limit=5${cursor === "" ? "" : `&cursor=${cursor}`}`);
    byCursor.push(...body.data.map(({ id }) => id));
    expect(body.pagination.page).toBe(cursor === "" ? 1 : null);
    cursor = body.pagination.nextCursor;
  }
  expect(byPage).toEqual(Array.from({ length: USERS }, (_, index) => `u${USERS - index}`));
  expect(byCursor).toEqual(byPage);
});

test("a page past the end is empty", async () => {
  const { status, body } = await list("/api/users?page=90");
  expect([status, body.data, body.pagination.nextCursor]).toEqual([200, [], null]);
});

test("totals above 10,000 are lower bounds, and a cursor goes on beyond", async () => {
  const { body } = await list("/api/audit?page=100&limit=100");
  expect(body.pagination).toMatchObject({ total: 10_000, totalIsLowerBound: true, pages: 100 });
  const beyond = await list(`/api/audit?limit=100&cursor=${body.pagination.nextCursor}`);
  expect(beyond.body.data).toHaveLength(ENTRIES + 1 - 10_000);
  expect(beyond.body.data.at(-1)).toMatchObject({ action: "key.make", subject: "lists" });
});

describe("a bad parameter is refused", () => {
  test.each([
    ["page=0", "page"],
    ["page=1e3", "page"],
    ["page=", "page"],
    ["page=1&page=2", "page"],
    ["page=99999999999999999999", "page"],
    ["page=101&limit=100", "page"],
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=-1", "limit"],
    ["cursor=", "cursor"],
    ["cursor=abc", "cursor"],
    ["cursor=%00", "cursor"],
    [`cursor=${Buffer.from("s1 OR 1").toString("base64url")}`, "cursor"],
    [`cursor=${Buffer.from("s1").toString("base64url")}&page=1`, "cursor"],
    [`cursor=${Buffer.from("s1").toString("base64url")}&cursor=x`, "cursor"],
  ])("%s", async (query, parameter) => {
    for (const path of ["/api/users", "/api/audit"]) {
      const { status, body } = await list(`${path}?${query}`);
      expect([path, status, body.errors.map((each) => each.parameter)]).toEqual([path, 400, [parameter]]);
    }
  });
});
