// Likes over HTTP: exact counts under concurrency, merges, lists, and one change of the feed per shoe and group.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { signUp } from "../testing/people.ts";
import { openTestShop, readUntil, shoe } from "../testing/shop.ts";
import { type AdminShop, addUsers, openAdminShop } from "../testing/writes.ts";

const USERS = Array.from({ length: 50 }, (_, index) => `u${index}`);
const SHOES = Array.from({ length: 20 }, (_, index) => `s${index}`);
/** One more than a page of likes. */
const MANY = Array.from({ length: 101 }, (_, index) => `many${index}`);

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([...SHOES, ...MANY, "plain", "quiet"].map((id) => shoe(id)));
  await addUsers(shop, [...USERS, "merger", "lister", "keyed"]);
});
afterAll(() => shop.close());

const like = (shoeId: string, userId: string, headers: Record<string, string> = {}) =>
  shop.send("POST", `/api/shoes/${shoeId}/likes/${userId}`, undefined, headers);
const unlike = (shoeId: string, userId: string) =>
  shop.send("DELETE", `/api/shoes/${shoeId}/likes/${userId}`);
const rowsOf = (shoeId: string) =>
  shop.db.read.get<[number, number]>(
    "SELECT likes, (SELECT count(*) FROM likes WHERE shoe = shoes.id) FROM shoes WHERE shoe_id = ?",
    shoeId,
  );

test("a like is counted once; a repetition changes nothing; unliking twice is no error", async () => {
  const first = await like("plain", "u1");
  expect([first.status, first.body]).toEqual([
    201,
    { success: true, data: { shoeId: "plain", userId: "u1", likes: 1, created: true } },
  ]);
  expect(first.headers.get("insole-version")).toMatch(/^[0-9a-f]+\.\d+\.[\w-]{16}$/);
  expect(first.headers.get("set-cookie")).toBe(
    `insole_version=${first.headers.get("insole-version")}; Max-Age=10; Path=/; HttpOnly; SameSite=Lax`,
  );
  expect((await like("shoe-plain_plain", "u1")).body.data).toEqual({
    shoeId: "plain",
    userId: "u1",
    likes: 1,
    created: false,
  });
  expect((await like("plain", "u2")).body.data).toMatchObject({ likes: 2, created: true });
  expect((await unlike("plain", "u2")).status).toBe(204);
  expect((await unlike("plain", "u2")).status).toBe(204);
  expect(rowsOf("plain")).toEqual([1, 1]);
});

test("a user likes for the own account, also as me, and for no other", async () => {
  const person = await signUp(shop);
  const as = (path: string) => shop.send("POST", path, undefined, {}, person.token);
  expect((await as("/v1/shoes/s0/likes/me")).body.data).toMatchObject({
    userId: person.id,
    created: true,
  });
  expect((await as(`/api/shoes/s0/likes/${person.id}`)).body.data).toMatchObject({ created: false });
  expect((await as("/api/shoes/plain/likes/u3")).status).toBe(403);
  expect((await shop.send("POST", "/api/shoes/plain/likes/u3", undefined, {}, null)).status).toBe(401);
  expect((await like("plain", "nobody")).status).toBe(404);
  expect((await like("nothing", "u3")).status).toBe(404);
  expect((await unlike("nothing", "u3")).status).toBe(404);
});

test("2,000 concurrent likes by 50 users on 20 shoes: counts, rows and answers agree", async () => {
  const [from] = shop.db.read.get<[number]>("SELECT max(seq) FROM changes") ?? [0];
  const pairs = Array.from(
    { length: 2_000 },
    (_, index) => [SHOES[(index * 7) % 20] ?? "", USERS[(index * index) % 50] ?? ""] as const,
  );
  const before = new Map(SHOES.map((shoeId) => [shoeId, rowsOf(shoeId)?.[0] ?? 0]));
  const answers = await Promise.all(pairs.map(([shoeId, userId]) => like(shoeId, userId)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  const wanted = new Set(pairs.map((pair) => pair.join(" ")));
  expect(answers.filter(({ body }) => body.data.created).length).toBe(wanted.size);
  for (const shoeId of SHOES) {
    const added = [...wanted].filter((pair) => pair.startsWith(`${shoeId} `)).length;
    const count = (before.get(shoeId) ?? 0) + added;
    expect(rowsOf(shoeId)).toEqual([count, count]);
  }
  const counted = shop.db.read.all("SELECT 1 FROM changes WHERE kind = 'counters' AND seq > ?", from ?? 0);
  // Far fewer than likes: one for each shoe and group.
  expect(counted.length).toBeLessThan(wanted.size / 2);
  const popular = await readUntil(
    () => shop.send("GET", "/api/shoes?sort=popular&limit=20"),
    ({ body }) => body.data[0].likes === rowsOf(body.data[0].id)?.[0],
    10_000,
  );
  const likes = popular.body.data.map((item: { likes: number }) => item.likes);
  expect(likes).toEqual(likes.toSorted((a: number, b: number) => b - a));
});

test("concurrent likes and unlikes leave count and rows equal", async () => {
  await Promise.all(
    Array.from({ length: 600 }, (_, index) =>
      index % 3 === 0 ? unlike("quiet", USERS[index % 7] ?? "") : like("quiet", USERS[index % 7] ?? ""),
    ),
  );
  const [count, rows] = rowsOf("quiet") ?? [];
  expect(count).toBe(rows as number);
});

describe("a user's list", () => {
  const get = (query = "") => shop.send("GET", `/api/users/lister/likes${query}`);
  const ids = ({ body }: { body: { data: { id: string }[] } }) => body.data.map(({ id }) => id);

  test("has the newest like first, pages and goes on by cursor", async () => {
    for (const id of ["s3", "s1", "s2"]) {
      await like(id, "lister");
      // Likes of one millisecond have no order of their own.
      const likedAtMs = Date.now();
      await until("the next millisecond", () => Date.now() > likedAtMs);
    }
    const all = await get();
    expect(ids(all)).toEqual(["s2", "s1", "s3"]);
    expect(all.body.pagination).toEqual({ page: 1, limit: 20, total: 3, pages: 1, nextCursor: null });
    expect(all.headers.get("cache-control")).toBe("private, no-store");
    expect((await get("?ids=true")).body.data).toEqual(["s2", "s1", "s3"]);
    const first = await get("?limit=2");
    expect(ids(first)).toEqual(["s2", "s1"]);
    const rest = await get(`?limit=2&cursor=${first.body.pagination.nextCursor}`);
    expect([ids(rest), rest.body.pagination]).toEqual([
      ["s3"],
      { page: null, limit: 2, total: 3, pages: 2, nextCursor: null },
    ]);
    expect(ids(await get("?limit=1&page=3"))).toEqual(["s3"]);
    expect((await get("?limit=0")).status).toBe(400);
    expect((await get("?ids=true&page=11")).status).toBe(400);
    expect((await shop.send("GET", "/api/users/nobody/likes")).status).toBe(404);
  });

  test("merges a guest's likes of existing shoes, each once", async () => {
    await like("s5", "merger");
    const merge = (shoeIds: unknown) => shop.send("POST", "/api/users/merger/likes", { shoeIds });
    const before = rowsOf("s5");
    const merged = await merge(["s5", "s6", "nothing", "s6"]);
    expect(merged.status).toBe(200);
    expect(ids(merged).toSorted()).toEqual(["s5", "s6"]);
    expect(merged.body).toEqual((await shop.send("GET", "/api/users/merger/likes?limit=100")).body);
    expect(rowsOf("s5")).toEqual(before as [number, number]);
    for (const bad of [undefined, "s1", [1], ["a b"], Array.from({ length: 201 }, (_, index) => `x${index}`)])
      expect((await merge(bad)).status).toBe(400);
  });
});

test.each([
  [0, 0, false],
  [99, 1, false],
  [100, 1, false],
  [101, 2, true],
])("a merge to %d likes answers with the first of %d pages", async (total, pages, goesOn) => {
  const [path, shoeIds] = [`/api/users/collector${total}/likes`, ["nothing", ...MANY.slice(0, total)]];
  await addUsers(shop, [`collector${total}`]);
  const { status, body } = await shop.send("POST", path, { shoeIds });
  expect([status, body.data.length]).toEqual([200, Math.min(total, 100)]);
  const { nextCursor, ...pagination } = body.pagination;
  expect(pagination).toEqual({ page: 1, limit: 100, total, pages });
  expect(nextCursor !== null).toBe(goesOn);
  expect(body).toEqual((await shop.send("GET", `${path}?limit=100`)).body);
});

test("with a key a like is one group with its answer, which a repetition gets", async () => {
  const once = () => like("s9", "keyed", { "idempotency-key": "heart 1" });
  const [first, second] = [await once(), await once()];
  expect(first.body.data).toMatchObject({ userId: "keyed", created: true, likes: rowsOf("s9")?.[0] });
  expect(second.body).toEqual(first.body);
  expect(second.headers.get("idempotent-replayed")).toBe("true");
  expect(first.headers.get("idempotent-replayed")).toBeNull();
});

test("with a key a like of a shoe that the user likes already counts nothing, and says so again when repeated", async () => {
  await like("s8", "keyed");
  const before = rowsOf("s8");
  const answers = [1, 2].map(() => () => like("s8", "keyed", { "idempotency-key": "heart 2" }));
  for (const again of answers)
    expect((await again()).body.data).toEqual({
      shoeId: "s8",
      userId: "keyed",
      likes: before?.[0],
      created: false,
    });
  expect(rowsOf("s8")).toEqual(before as [number, number]);
});

test("removing a shoe removes its likes", async () => {
  const gone = { shoe_id: "gone", title: "Gone", price: 1 };
  expect((await shop.send("POST", "/api/shoes", gone)).status).toBe(201);
  await like("gone", "u49");
  expect((await shop.send("DELETE", "/api/shoes/gone")).status).toBe(204);
  expect(shop.db.read.get("SELECT count(*) FROM likes WHERE shoe NOT IN (SELECT id FROM shoes)")).toEqual([
    0,
  ]);
  expect((await like("gone", "u49")).status).toBe(404);
});

test("where writes are open, likes need no token and users need no account", async () => {
  const open = await openTestShop([shoe("a")], { OPEN_WRITES: "true" });
  const send = async (method: string, path: string, body?: unknown) => {
    const answer = await open.get(path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
  };
  expect((await send("POST", "/api/shoes", { shoe_id: "b", title: "B", price: 1 })).status).toBe(201);
  expect((await send("POST", "/api/shoes/b/likes/any%20one")).body.data).toMatchObject({
    userId: "any one",
    likes: 1,
  });
  expect((await send("POST", "/api/shoes/likes", { id: "b", userid: "two" })).body.data).toMatchObject({
    likes: 2,
  });
  expect((await send("POST", "/api/shoes/likes", { id: "b" })).status).toBe(400);
  expect((await send("POST", `/api/shoes/b/likes/${"x".repeat(65)}`)).status).toBe(400);
  expect((await send("POST", "/api/shoes/b/likes/%00")).status).toBe(400);
  expect((await send("DELETE", "/api/shoes/b/likes/two")).status).toBe(204);
  expect((await send("GET", "/api/users/any%20one/likes?ids=true")).body.data).toEqual(["b"]);
  expect((await send("DELETE", "/api/shoes/b")).status).toBe(204);
  expect((await send("POST", "/api/products", { name: "P", price: 1 })).status).toBe(401);
  await open.close();
});
