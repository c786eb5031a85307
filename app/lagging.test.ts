// On a node whose replica lags, users see their own writes: personal reads and the plans of writes read from the primary.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DatabaseError } from "../db/errors.ts";
import { flipped } from "../db/flipped.ts";
import { adminCommand } from "./accounts/admin-command.ts";
import { addKey, revokeKey } from "./accounts/keys.ts";
import { makeAdminOf } from "./testing/accounts.ts";
import { type LaggingNode, openLagging } from "./testing/lagging.ts";
import { ask, PASSWORD, type Person, type Session, signIn, signUp } from "./testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "./testing/shop.ts";

let shop: ObservedShop;
let node: LaggingNode;
let admin: Person;
beforeAll(async () => {
  shop = await openObservedShop([shoe("old"), shoe("older")], true, {
    before(file, path) {
      node = openLagging(file, path);
      return node.db;
    },
  });
  admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
});
const TABLES = ["users", "sessions", "audit", "likes", "idempotency"];
/** The numbers of rows that the replica shows, which stay until a test copies the database again. */
const countsHere = () => TABLES.map((table) => node.db.read.get(`SELECT count(*) FROM ${table}`));
let copied: ReturnType<typeof countsHere>;
beforeEach(() => {
  node.interceptPrimary = (_, answer) => answer();
  copied = countsHere();
});
afterAll(() => shop.close());

type Answer = {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test state the shape of its answer
  body: any;
};
async function send(
  person: Person | null,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const token = person === null ? {} : { token: person.token };
  const answer = await ask(shop, method, path, {
    ...token,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text === "" ? null : JSON.parse(text),
  };
}
const cut = async (): Promise<never> => {
  throw new DatabaseError("unreachable", "the primary is gone");
};

describe("an account that the replica does not contain yet", () => {
  test("registers, signs in, is shown, refreshed and signed out", async () => {
    const person = await signUp(shop);
    const profile = (token: string) => send({ ...person, token }, "GET", "/api/auth/profile");
    expect((await profile(person.token)).body.data.email).toBe(person.email);
    const again = await signIn(shop, person);
    expect((await profile(again.token)).status).toBe(200);
    const refreshed = await send(null, "POST", "/api/auth/refresh", { refreshToken: again.refreshToken });
    expect([refreshed.status, refreshed.body.user.id]).toEqual([200, person.id]);
    const { token, refreshToken } = refreshed.body as Session;
    expect((await profile(token)).status).toBe(200);
    expect((await send(null, "POST", "/api/auth/logout", { refreshToken })).status).toBe(204);
    expect([(await profile(token)).status, (await profile(again.token)).status]).toEqual([401, 401]);
    expect((await send(null, "POST", "/api/auth/refresh", { refreshToken })).status).toBe(401);
    expect((await profile(person.token)).status).toBe(200);
    expect(countsHere()).toEqual(copied);
  });

  test("cannot be registered twice, which is refused before anything is hashed or written", async () => {
    const { email } = await signUp(shop);
    const { commits } = shop.db.writeQueue();
    const second = await send(null, "POST", "/api/auth/register", { email, password: PASSWORD, name: "S" });
    expect([second.status, second.body.errors[0].pointer]).toEqual([409, "/email"]);
    expect(shop.db.writeQueue().commits).toBe(commits);
  });

  test("changes its profile and its password, and is removed", async () => {
    const person = await signUp(shop);
    const named = await send(person, "PUT", "/api/auth/profile", { name: "Alex" });
    expect([named.status, named.body.data.name]).toEqual([200, "Alex"]);
    expect((await send(person, "GET", "/api/users/me")).body.data.name).toBe("Alex");
    expect((await send(person, "PUT", "/api/auth/profile", {})).body.data.name).toBe("Alex");
    const password = "another long password";
    const changed = await send(person, "PUT", "/api/auth/profile", { password, currentPassword: PASSWORD });
    expect(changed.status).toBe(200);
    expect((await send(person, "GET", "/api/auth/profile")).status).toBe(401);
    expect(
      (await send(null, "POST", "/api/auth/login", { email: person.email, password: PASSWORD })).status,
    ).toBe(401);
    const back = await signIn(shop, { ...person, password });
    expect((await send(back, "DELETE", `/api/users/${person.id}`, { password })).status).toBe(204);
    expect((await send(back, "GET", "/api/auth/profile")).status).toBe(401);
    expect((await send(admin, "GET", `/api/users/${person.id}`)).status).toBe(404);
  });

  test("is in the lists of accounts and audit entries", async () => {
    const person = await signUp(shop);
    expect((await send(admin, "PUT", `/api/users/${person.id}`, { name: "Kim" })).status).toBe(200);
    const users = await send(admin, "GET", "/api/users?limit=1");
    expect(users.body.data).toMatchObject([{ id: person.id, name: "Kim" }]);
    expect(users.body.pagination.total).toBe(shop.db.read.get<[number]>("SELECT count(*) FROM users")?.[0]);
    const audit = await send(admin, "GET", "/api/audit?limit=1");
    expect(audit.body.data).toMatchObject([{ action: "user.change", subject: person.id, actor: admin.id }]);
    expect(audit.body.pagination.total).toBe(shop.db.read.get<[number]>("SELECT count(*) FROM audit")?.[0]);
    expect((await send(admin, "DELETE", `/api/users/${person.id}`)).status).toBe(204);
    expect((await send(admin, "GET", "/api/users?limit=1")).body.data[0].id).not.toBe(person.id);
    expect(countsHere()).toEqual(copied);
  });

  test("is made an admin by the command", async () => {
    const { id, email } = await signUp(shop);
    const said: string[] = [];
    const world = {
      openDatabase: () => ({ ...node.db, close: async () => undefined }),
      out: (line: string) => void said.push(line),
      err: (line: string) => void said.push(line),
      readLine: async () => "",
      nowMs: Date.now(),
    };
    expect([await adminCommand([email], world), await adminCommand([email], world)]).toEqual([0, 0]);
    expect(said).toEqual([`${email} is now an admin`, `${email} is already an admin`]);
    expect((await send(admin, "PUT", `/api/users/${id}`, { role: "customer" })).status).toBe(200);
  });

  test("may be a script with a key, added and revoked by name", async () => {
    const key = await addKey(node.db, "fresh", Date.now());
    expect((await send({ ...admin, token: key }, "GET", "/api/users?limit=1")).status).toBe(200);
    await revokeKey(node.db, "fresh", Date.now());
    await expect(revokeKey(node.db, "fresh", Date.now())).rejects.toThrow("no key called fresh is in use");
  });
});

test("a session that ended on this node is invalid at once, though the replica still has it", async () => {
  const people = [await signUp(shop), await signUp(shop), await signUp(shop)] as const;
  const [leaver, changer, other] = people;
  await node.catchUp();
  const statuses = () =>
    Promise.all(people.map(async (person) => (await send(person, "GET", "/api/auth/profile")).status));
  expect(await statuses()).toEqual([200, 200, 200]);
  await send(null, "POST", "/api/auth/logout", { refreshToken: leaver.refreshToken });
  const given = { password: "another long password", currentPassword: PASSWORD };
  expect((await send(changer, "PUT", "/api/auth/profile", given)).status).toBe(200);
  expect(
    node.db.read.all("SELECT 1 FROM sessions WHERE user_id IN (?, ?)", leaver.id, changer.id).length,
  ).toBe(2);
  expect(await statuses()).toEqual([401, 401, 200]);
  expect((await send(other, "GET", "/api/users/me")).status).toBe(200);
});

describe("likes", () => {
  test("are listed at once; a user's own like of a shoe by its id needs no read before the write", async () => {
    const person = await signUp(shop);
    const ids = async () => (await send(person, "GET", "/api/users/me/likes?ids=true")).body;
    expect((await ids()).data).toEqual([]);
    node.primaryQueries.length = 0;
    const liked = await send(person, "POST", "/api/shoes/old/likes/me");
    expect([liked.status, liked.body.data.created]).toEqual([201, true]);
    expect((await send(person, "POST", "/api/shoes/old/likes/me")).body.data.created).toBe(false);
    expect(node.primaryQueries).toEqual([]);
    expect(await ids()).toMatchObject({ data: ["old"], pagination: { total: 1 } });
    const merged = await send(person, "POST", "/api/users/me/likes", { shoeIds: ["older", "old"] });
    expect(merged.body.pagination.total).toBe(2);
    expect((await ids()).data.toSorted()).toEqual(["old", "older"]);
    expect((await send(person, "DELETE", "/api/shoes/old/likes/me")).status).toBe(204);
    expect((await ids()).data).toEqual(["older"]);
    expect(countsHere()).toEqual(copied);
  });

  test("by an admin for a new account, of a new shoe, by its slug, and with an Idempotency-Key", async () => {
    const person = await signUp(shop);
    expect(
      (await send(admin, "POST", "/api/shoes", { shoe_id: "liked", title: "Liked", price: 5 })).status,
    ).toBe(201);
    const like = (as: Person, address: string, headers = {}) =>
      send(as, "POST", `/api/shoes/${address}/likes/${person.id}`, undefined, headers);
    node.primaryQueries.length = 0;
    expect((await like(admin, "liked")).body.data).toMatchObject({ created: true, likes: 1 });
    expect(node.primaryQueries).toEqual([]);
    expect((await like(admin, "liked")).body.data).toMatchObject({ created: false, likes: 1 });
    expect((await send(admin, "POST", "/api/shoes/liked/likes/nobody")).status).toBe(404);
    expect((await like(person, "liked_liked")).body.data).toMatchObject({ shoeId: "liked", created: false });
    const keyed = { "idempotency-key": "a heart" };
    const first = await like(person, "liked", keyed);
    expect([first.status, first.body.data.created]).toEqual([201, false]);
    expect((await like(person, "liked", keyed)).headers.get("idempotent-replayed")).toBe("true");
    expect((await send(admin, "GET", `/api/users/${person.id}/likes?ids=true`)).body.data).toEqual(["liked"]);
    expect((await send(admin, "DELETE", `/api/shoes/liked_liked/likes/${person.id}`)).status).toBe(204);
    expect((await send(admin, "GET", "/api/users/nobody/likes")).status).toBe(404);
  });
});

describe("the catalogue", () => {
  test("changes a new shoe and its stock at once, compares its versions, and removes it", async () => {
    const made = await send(admin, "POST", "/api/shoes", {
      shoe_id: "new",
      title: "New",
      price: 5,
      sizes: [{ size: "9", stock: 1 }],
    });
    expect(made.status).toBe(201);
    const tag = { "if-match": made.headers.get("etag") ?? "" };
    const change = (body: unknown, headers = {}) => send(admin, "PUT", "/api/products/new", body, headers);
    const put = await change({ name: "Newer" }, tag);
    expect([put.status, put.body.data.name]).toEqual([200, "Newer"]);
    expect((await change({ name: "Newest" }, tag)).status).toBe(412);
    expect((await change({ price: 6 })).body.data).toMatchObject({ name: "Newer", price: 6 });
    const stock = await send(admin, "PUT", "/api/shoes/new/stock", { sizes: [{ size: "9", stock: 4 }] });
    expect(stock.body.data.stock).toBe(4);
    expect(
      (await send(admin, "POST", "/api/shoes/newer_new/stock", { size: "9", delta: 1 })).body.data.stock,
    ).toBe(5);
    expect((await send(admin, "POST", "/api/shoes/new/stock", { size: "8", delta: 1 })).status).toBe(400);
    expect((await send(admin, "DELETE", "/api/shoes/new", undefined, tag)).status).toBe(412);
    expect((await send(admin, "DELETE", "/api/shoes/new")).status).toBe(204);
    expect((await send(admin, "DELETE", "/api/shoes/new")).status).toBe(404);
  });

  test("repeats the stored answer of an Idempotency-Key", async () => {
    const once = () =>
      send(admin, "POST", "/api/products", { name: "Once", price: 5 }, { "idempotency-key": "once" });
    const [first, second] = [await once(), await once()];
    expect([first.status, second.body]).toEqual([201, first.body]);
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(countsHere()).toEqual(copied);
  });

  const relatedTo = (shoeId: string) =>
    shop.db.read.all<[string]>(
      `SELECT s.shoe_id FROM related AS r CROSS JOIN json_each(r.list) AS j CROSS JOIN shoes AS s ON s.id = j.value
       WHERE r.shoe_id = ? ORDER BY j.key`,
      shoeId,
    );
  const post = (shoe_id: string, label: string) => {
    const shoe = { shoe_id, title: shoe_id, price: 70, category: label, brand: label };
    return send(admin, "POST", "/api/shoes", shoe);
  };

  test("finds related shoes among shoes added just before, in two round trips", async () => {
    await post("first", "Fresh");
    await post("second", "Fresh");
    node.primaryQueries.length = 0;
    expect((await post("third", "Fresh")).status).toBe(201);
    expect(relatedTo("third").flat().slice(0, 2).toSorted()).toEqual(["first", "second"]);
    expect(node.primaryQueries.length).toBe(2);
  });

  test("saves a shoe whose related shoes could not be read: its list stays pending", async () => {
    node.interceptPrimary = (questions, answer) =>
      questions.some(({ sql }) => sql.includes("related_pending")) ? cut() : answer();
    expect((await post("waiting", "Waiting")).status).toBe(201);
    expect(relatedTo("waiting")).toEqual([]);
    const pending = "SELECT s.shoe_id FROM related_pending AS p JOIN shoes AS s ON s.id = p.shoe";
    expect(shop.db.read.all(pending)).toEqual([["waiting"]]);
  });

  test("loses no change that another process commits between the plan of a write and its commit", async () => {
    await post("contended", "Contended");
    let others = 0;
    node.interceptPrimary = async (questions, answer) => {
      const rows = await answer();
      const isPlan = questions.some(({ sql }) => sql.includes("'sizeSystem', s.size_system"));
      if (isPlan && others < 3)
        await shop.db.write([
          {
            sql: "UPDATE shoes SET version = version + 1, description = ? WHERE shoe_id = 'contended'",
            args: [`by another ${++others}`],
          },
        ]);
      return rows;
    };
    const changed = await send(admin, "PUT", "/api/products/contended", { brand: "Ours" });
    expect([changed.status, others]).toEqual([200, 3]);
    expect(changed.body.data).toMatchObject({ brand: "Ours", description: "by another 3" });
  });
});

describe("while the primary is unreachable", () => {
  test("personal reads and writes are 503 with Retry-After, and public reads work", async () => {
    const person = await signUp(shop);
    expect((await send(person, "GET", "/api/auth/profile")).status).toBe(200);
    const asAdmin = (await send(admin, "GET", "/api/users")).status;
    expect(asAdmin).toBe(200);
    node.interceptPrimary = cut;
    const stranger = {
      ...person,
      token: await shop.identity.tokens.sign(person.id, "a session not heard of"),
    };
    // biome-ignore format: one line reads as one table
    const rows: [Person | null, string, string, unknown?][] = [
      [person, "GET", "/api/auth/profile"], [stranger, "GET", "/api/auth/profile"],
      [null, "POST", "/api/auth/login", { email: person.email, password: PASSWORD }],
      [null, "POST", "/api/auth/register", { email: "new@shop.example", password: PASSWORD, name: "N" }],
      [null, "POST", "/api/auth/refresh", { refreshToken: person.refreshToken }],
      [null, "POST", "/api/auth/logout", { refreshToken: person.refreshToken }],
      [person, "PUT", "/api/auth/profile", { name: "X" }], [person, "GET", "/api/users/me/likes"],
      [admin, "GET", "/api/users"], [admin, "GET", "/api/audit"], [admin, "DELETE", `/api/shoes/old/likes/${person.id}`],
      [admin, "PUT", "/api/products/old", { name: "X" }], [admin, "DELETE", "/api/shoes/shoe-old_old"],
      [admin, "POST", "/api/shoes/old/stock", { delta: 1 }],
      [admin, "GET", "/api/outbox"], [admin, "POST", "/api/outbox/1/release"],
    ];
    for (const [who, method, path, body] of rows) {
      const { status, headers } = await send(who, method, path, body);
      expect([method, path, status, headers.get("retry-after")]).toEqual([method, path, 503, "1"]);
    }
    for (const path of ["/api/shoes", "/api/shoes/old", "/api/shoes/old/relatedproducts", "/api/categories"])
      expect([path, (await send(null, "GET", path)).status]).toEqual([path, 200]);
  });

  test("a write with an unknown outcome keeps that error, even when its stored answer cannot be looked up", async () => {
    const { openIdempotency } = await import("./http/idempotency.ts");
    const idempotency = openIdempotency(node.db, Date.now);
    const request = new Request("http://shop/api/x", {
      method: "POST",
      headers: { "idempotency-key": "lost" },
    });
    const caller = { userId: admin.id, role: "admin", kind: "user" } as const;
    const outcome = idempotency.once(request, caller.userId, null, async () => {
      node.interceptPrimary = cut;
      throw new DatabaseError("uncertain", "no answer came");
    });
    await expect(outcome).rejects.toMatchObject({ kind: "uncertain" });
  });
});

describe("a public read with the version of a write that the replica does not contain yet", () => {
  const versionOf = ({ headers }: Answer) => ({ "insole-version": headers.get("insole-version") ?? "" });
  let version: Record<string, string>;
  beforeAll(async () => {
    node.interceptPrimary = (_, answer) => answer();
    const fields = { shoe_id: "fresh", title: "Fresh Walker", price: 77, related_products: ["old"] };
    expect((await send(admin, "POST", "/api/shoes", fields)).status).toBe(201);
    version = versionOf(await send(admin, "PUT", "/api/products/old", { price: 88 }));
  });

  test.each<[string, (body: Answer["body"]) => unknown, unknown]>([
    ["/api/shoes/fresh", (body) => body.data.price, 77],
    ["/api/shoes/fresh-walker_fresh", (body) => body.data.id, "fresh"],
    ["/v1/products/old", (body) => body.data.price, 88],
    ["/api/shoes/fresh/relatedproducts", (body) => body.relatedProducts[0].price, 88],
    ["/api/shoes?ids=fresh,old", (body) => body.data.map(({ price }: { price: number }) => price), [77, 88]],
    ["/api/shoes?q=walker&facets=true", (body) => body.data[0].id, "fresh"],
  ])("%s is answered by the primary, and not cached", async (path, read, expected) => {
    const entries = shop.cache.state().entries;
    const answer = await send(null, "GET", path, undefined, version);
    expect([answer.status, read(answer.body)]).toEqual([200, expected]);
    expect(answer.headers.get("cache-status")).toBe("insole; fwd=miss");
    expect(shop.cache.state().entries).toBe(entries);
  });

  test("is 404 for a shoe that the primary does not have", async () => {
    expect((await send(null, "GET", "/api/shoes/nothing", undefined, version)).status).toBe(404);
  });

  test("without a primary is answered from the replica, and Cache-Status says so", async () => {
    node.interceptPrimary = cut;
    for (const path of ["/api/shoes/old", "/api/shoes?limit=2", "/api/categories"]) {
      const answer = await send(null, "GET", path, undefined, version);
      expect([answer.status, answer.headers.get("cache-status")]).toEqual([
        200,
        "insole; hit; detail=behind",
      ]);
    }
    for (const path of ["/api/shoes/fresh", "/api/shoes/fresh-walker_fresh"]) {
      const { status, headers } = await send(null, "GET", path, undefined, version);
      expect([path, status, headers.get("cache-status")]).toEqual([path, 404, "insole; hit; detail=behind"]);
      expect(headers.get("access-control-allow-origin")).toBe("*");
    }
  });

  test("does not wait for a frozen primary", async () => {
    node.interceptPrimary = () => new Promise(() => undefined);
    const answer = await send(null, "GET", "/api/shoes/old", undefined, version);
    expect([answer.status, answer.headers.get("cache-status")]).toEqual([200, "insole; hit; detail=behind"]);
  });

  test("is the only kind that reads from the primary", async () => {
    node.primaryQueries.length = 0;
    expect((await send(null, "GET", "/api/shoes/old")).body.data.price).not.toBe(88);
    const text = version["insole-version"] ?? "";
    const forged = { "insole-version": flipped(text, text.lastIndexOf(".") + 1) };
    expect((await send(null, "GET", "/api/shoes/older", undefined, forged)).status).toBe(200);
    expect(node.primaryQueries).toEqual([]);
  });
});
