// Idempotency-Key: the effect happens once, a repetition gets the same bytes, and a key belongs to one request.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { firstWriteIdAt, newWriteId } from "../../db/write/id.ts";
import { ask, signUp } from "../testing/people.ts";
import { shoe } from "../testing/shop.ts";
import { type AdminShop, addUsers, openAdminShop } from "../testing/writes.ts";
import { openIdempotency, removeOldWrites } from "./idempotency.ts";

const HOUR_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * HOUR_MS;

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([shoe("a", { sizes: [{ size: "", stock: 5 }] }), shoe("b")]);
});
afterAll(() => shop.close());

const send = (key: string, path: string, body: unknown) =>
  shop.send("POST", path, body, { "idempotency-key": key });
const storedRows = () => shop.db.read.get<[number]>("SELECT count(*) FROM idempotency")?.[0];

test.each([
  ["a shoe", "/api/shoes", { title: "Once", price: 5, related_products: ["a", "not yet".replace(" ", "-")] }],
  ["a product", "/v1/products", { name: "Once more", price: 5 }],
  ["a category", "/api/categories", { name: "Once", description: "only" }],
  ["stock", "/api/shoes/a/stock", { delta: -1 }],
  ["hearts", "/api/users/ADMIN/likes", { shoeIds: ["a", "b"] }],
])("%s: the second answer is the first, and nothing happens again", async (name, path, body) => {
  const address = path.replace("ADMIN", shop.adminId);
  const first = await ask(shop, "POST", address, {
    token: shop.token,
    body,
    headers: { "idempotency-key": name },
  });
  expect([200, 201]).toContain(first.status);
  expect(first.headers.get("idempotent-replayed")).toBeNull();
  const text = await first.text();
  const counts = () =>
    shop.db.read.get(
      "SELECT count(*), sum(stock), (SELECT count(*) FROM likes), (SELECT count(*) FROM audit) FROM shoes",
    );
  const before = counts();
  const again = await ask(shop, "POST", address, {
    token: shop.token,
    body,
    headers: { "idempotency-key": name },
  });
  expect([again.status, await again.text()]).toEqual([first.status, text]);
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  for (const header of ["etag", "location", "content-type", "cache-control"])
    expect([header, again.headers.get(header)]).toEqual([header, first.headers.get(header)]);
  expect(counts()).toEqual(before as unknown[] as never);
});

test.each([
  ["/api", "/v1"],
  ["/v1", "/api"],
])("a key used below %s is the same request below %s, for every POST that takes one", async (one, other) => {
  const before = shop.db.read.get("SELECT stock FROM shoes WHERE shoe_id = 'b'")?.[0] ?? 0;
  const posts: [string, unknown][] = [
    ["/shoes", { title: `Below ${one}`, price: 5, related_products: ["a"] }],
    ["/products", { name: `Below ${one}`, price: 5 }],
    ["/categories", { name: `Below ${one}`, description: "" }],
    ["/shoes/b/stock", { delta: 1 }],
    [`/users/${shop.adminId}/likes`, { shoeIds: ["a", "b"] }],
  ];
  for (const [path, body] of posts) {
    const key = `prefix ${one} ${path}`;
    const first = await send(key, one + path, body);
    expect([path, first.status < 300, first.headers.get("idempotent-replayed")]).toEqual([path, true, null]);
    const again = await send(key, other + path, body);
    expect([path, again.status, again.body]).toEqual([path, first.status, first.body]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    for (const header of ["etag", "location"])
      expect([path, header, again.headers.get(header)]).toEqual([path, header, first.headers.get(header)]);
  }
  expect(shop.db.read.get("SELECT stock FROM shoes WHERE shoe_id = 'b'")).toEqual([Number(before) + 1]);
});

test("a key below both prefixes at once has one effect", async () => {
  const body = { title: "At once", price: 5 };
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => send("k0", `${index % 2 ? "/api" : "/v1"}/shoes`, body)),
  );
  for (const { status } of answers) expect([201, 409]).toContain(status);
  expect(shop.db.read.get("SELECT count(*) FROM shoes WHERE title = 'At once'")).toEqual([1]);
});

test.each([
  ["the other view", "/api/products", { title: "View", name: "View", price: 5 }],
  ["another shoe", "/api/shoes/b/stock", { title: "View", price: 5 }],
  ["another room", "/v1/categories", { title: "View", price: 5 }],
  ["another body", "/v1/shoes", { title: "View", price: 6 }],
  ["more in the body", "/v1/shoes", { title: "View", price: 5, color: "red" }],
  ["no prefix to leave out", "/v1/v1/shoes", { title: "View", price: 5 }],
])("a key of a POST of a shoe is no replay for %s", async (_name, path, body) => {
  expect((await send("k of a view", "/api/shoes", { title: "View", price: 5 })).status).toBe(201);
  const other = await send("k of a view", path, body);
  expect([400, 404, 422]).toContain(other.status);
  expect(other.headers.get("idempotent-replayed")).toBeNull();
});

test("another body, or another address, under the same key is 422", async () => {
  expect((await send("k1", "/api/shoes/a/stock", { delta: 1 })).status).toBe(200);
  expect((await send("k1", "/api/shoes/a/stock", { delta: 2 })).body.type).toBe(
    "/problems/idempotency-key-reused",
  );
  expect((await send("k1", "/api/shoes/b/stock", { delta: 1 })).status).toBe(422);
});

test("of concurrent requests one has the effect; the others get 409 or its answer", async () => {
  const before = shop.db.read.get<[number]>("SELECT stock FROM shoes WHERE shoe_id = 'b'")?.[0] ?? 0;
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send("k2", "/api/shoes/b/stock", { delta: 1 })),
  );
  for (const { status, headers } of answers) {
    expect([200, 409]).toContain(status);
    if (status === 409) expect(headers.get("retry-after")).toBe("1");
  }
  expect((await send("k2", "/api/shoes/b/stock", { delta: 1 })).body.data.stock).toBe(before + 1);
});

test("a failure is not stored: the same key may try again", async () => {
  const count = storedRows();
  const bad = { shoe_id: "a", title: "Taken", price: 1 };
  expect((await send("k3", "/api/shoes", bad)).status).toBe(409);
  expect((await send("k3", "/api/shoes", { ...bad, price: 0 })).status).toBe(400);
  expect(storedRows()).toBe(count as number);
  expect((await send("k3", "/api/shoes", { ...bad, shoe_id: "free" })).status).toBe(201);
});

test("keys belong to their users, and have 1 to 255 printable characters", async () => {
  const path = "/api/shoes/a/likes/me";
  for (const person of [await signUp(shop), await signUp(shop)]) {
    const answer = await ask(shop, "POST", path, {
      token: person.token,
      headers: { "idempotency-key": "k4" },
    });
    expect(answer.headers.get("idempotent-replayed")).toBeNull();
    expect(((await answer.json()) as { data: { userId: string } }).data.userId).toBe(person.id);
  }
  expect((await send("x".repeat(256), "/api/shoes/a/stock", { delta: 1 })).status).toBe(400);
  expect((await send("x".repeat(255), "/api/shoes/a/stock", { delta: 1 })).status).toBe(200);
});

test("a request gets the answer that another process stored meanwhile under its key", async () => {
  const caller = { userId: "u", role: "admin", kind: "user" } as const;
  const request = () =>
    new Request("http://shop/api/x", { method: "POST", headers: { "idempotency-key": "k5" } });
  const [here, there] = [openIdempotency(shop.db, Date.now), openIdempotency(shop.db, Date.now)];
  const answer = { status: 201, headers: "'{}'", body: "'one'", from: "", args: [] };
  const outcome = await here.once(request(), caller.userId, { a: 1 }, async (storeHere) => {
    await there.once(request(), caller.userId, { a: 1 }, async (storeThere) => {
      const effect = { sql: "INSERT INTO words (word) VALUES ('done once')" };
      await shop.db.write([effect, ...storeThere(answer)]);
      return { status: 201, headers: {}, body: "one" };
    });
    // Violates the unique key of the stored answer.
    await shop.db.write(storeHere(answer));
    return { status: 201, headers: {}, body: "two" };
  });
  expect(outcome).toEqual({ answer: { status: 201, headers: {}, body: "one" }, isReplay: true });
});

test("answers expire after a day and free their key, write ids after an hour; old rows are deleted", async () => {
  await addUsers(shop, ["tomorrow"]);
  expect((await send("k6", "/api/shoes/a/stock", { delta: 0 })).status).toBe(200);
  const early = {
    sql: "UPDATE idempotency SET created_at = created_at - ? WHERE key = 'k6'",
    args: [DAY_MS + 1],
  };
  await shop.db.write([early]);
  const again = await send("k6", "/api/shoes/a/stock", { delta: 1 });
  expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, null]);
  await shop.db.write([early]);
  const count = storedRows() ?? 0;
  await removeOldWrites(shop.db, Date.now() + HOUR_MS + 60_000);
  expect(storedRows()).toBe(count - 1);
  expect(shop.db.read.get("SELECT count(*) FROM writes")).toEqual([0]);
});

test("all expired write ids are deleted, also those of many hundreds of likes a second", async () => {
  const many = `INSERT INTO writes (id, at) WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10001)
SELECT 'many ' || n, 1 FROM n`;
  await shop.db.write([{ sql: many }]);
  await removeOldWrites(shop.db, Date.now());
  expect(shop.db.read.get("SELECT count(*) FROM writes WHERE id LIKE 'many %'")).toEqual([0]);
});

test("write ids of one hour are found at the beginning of the table, and random ones of earlier programs beyond all times", async () => {
  const now = Date.now();
  const at = (ms: number) => `${firstWriteIdAt(ms)}-7000-8000-000000000000`;
  const rows: [string, number, boolean][] = [
    [at(now - HOUR_MS - 1), now - HOUR_MS - 1, false],
    [at(now - HOUR_MS + 60_000), now - HOUR_MS + 60_000, true],
    // Made before the hour, and recorded after a wait in the queue.
    [at(now - HOUR_MS - 2), now - HOUR_MS + 60_000, true],
    [at(now + 60_000), now, true],
    ["00000000-aaaa-4aaa-8aaa-aaaaaaaaaaaa", now - 2 * HOUR_MS, false],
    ["11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa", now, true],
    ["ffffffff-aaaa-4aaa-8aaa-aaaaaaaaaaaa", now - 2 * HOUR_MS, false],
  ];
  await shop.db.write([{ sql: "DELETE FROM writes" }]);
  for (const [id, ms] of rows)
    await shop.db.write([{ sql: "INSERT INTO writes (id, at) VALUES (?, ?)", args: [id, ms] }]);
  await removeOldWrites(shop.db, now);
  const kept = rows.filter(([, , isKept]) => isKept).map(([id]) => id);
  expect(shop.db.read.all<[string]>("SELECT id FROM writes ORDER BY id").map(([id]) => id)).toEqual(
    kept.toSorted(),
  );
  const id = newWriteId();
  expect([id >= firstWriteIdAt(now), id < firstWriteIdAt(now + HOUR_MS)]).toEqual([true, true]);
});
