// Accounts over HTTP: accepted and refused bodies, error texts, and the effects of each change.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { makeAdminOf } from "../testing/accounts.ts";
import { ask, PASSWORD, type Person, signIn, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";

let shop: ObservedShop;
let admin: Person;
beforeAll(async () => {
  shop = await openObservedShop([shoe("a1"), shoe("a2")]);
  admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop, "Ada")));
});
afterAll(() => shop.close());

type Body = {
  data: Record<string, unknown>;
  user: Record<string, unknown>;
  errors: { pointer: string; detail: string }[];
  detail: string;
};
async function call(method: string, path: string, given: Parameters<typeof ask>[3] = {}) {
  const answer = await ask(shop, method, path, given);
  const text = await answer.text();
  return { status: answer.status, body: (text === "" ? null : JSON.parse(text)) as Body, text };
}
const register = (body: unknown) => call("POST", "/api/auth/register", { body });
const auditOf = (subject: string) =>
  shop.db.read.all(
    "SELECT actor, actor_kind, action, detail FROM audit WHERE subject = ? ORDER BY seq",
    subject,
  );
const PERSON = { password: PASSWORD, name: "Zoë" };

describe("registering", () => {
  test("creates a customer and ignores other fields of the body", async () => {
    const { status, body, text } = await register({
      email: "  Zoe.New@Shop.Example ",
      password: PASSWORD,
      name: " Zoë ",
      role: "admin",
      id: "mine",
    });
    expect(status).toBe(201);
    const { id, createdAt } = body.user;
    expect(body).toEqual({
      success: true,
      token: expect.any(String),
      refreshToken: expect.stringMatching(/^[\w-]{43}$/),
      expiresIn: 900,
      user: {
        id,
        email: "Zoe.New@Shop.Example",
        name: " Zoë ",
        phone: null,
        role: "customer",
        createdAt,
        updatedAt: createdAt,
        lastLogin: createdAt,
      },
    } as unknown as Body);
    expect(text).not.toContain(PASSWORD);
    expect(auditOf(String(id))).toEqual([[String(id), "user", "user.register", '{"role":"customer"}']]);
  });

  test("an address has one account, whatever its case, also for two concurrent requests", async () => {
    await register({ ...PERSON, email: "taken@shop.example" });
    const again = await register({ ...PERSON, email: "TAKEN@SHOP.example" });
    expect([again.status, again.body.errors]).toEqual([
      409,
      [{ pointer: "/email", detail: "already has an account" }],
    ]);
    const both = await Promise.all([1, 2, 3].map(() => register({ ...PERSON, email: "race@shop.example" })));
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  });

  test.each<[unknown, string[]]>([
    [{}, ["/email", "/password", "/name"]],
    [{ email: null, password: 12345678, name: ["a"] }, ["/email", "/password", "/name"]],
    [{ ...PERSON, email: "no-at.example" }, ["/email"]],
    [{ ...PERSON, email: "two words@shop.example" }, ["/email"]],
    [{ ...PERSON, email: "a@b@shop.example" }, ["/email"]],
    [{ ...PERSON, email: "a@localhost" }, ["/email"]],
    [{ ...PERSON, email: "a@shop.example\u0000" }, ["/email"]],
    [{ ...PERSON, email: `${"a".repeat(250)}@b.example` }, ["/email"]],
    [{ ...PERSON, email: "a@b.example", password: "1234567" }, ["/password"]],
    [{ ...PERSON, email: "a@b.example", password: "x".repeat(129) }, ["/password"]],
    [{ ...PERSON, email: "a@b.example", password: "\ud800".repeat(9) }, ["/password"]],
    [{ ...PERSON, email: "a@b.example", name: "   " }, ["/name"]],
    [{ ...PERSON, email: "a@b.example", name: "n".repeat(101) }, ["/name"]],
    [{ ...PERSON, email: "a@b.example", name: "a\u0007b" }, ["/name"]],
    [{ ...PERSON, email: "a@b.example", name: "half \udc00" }, ["/name"]],
  ])("%j is 400", async (given, pointers) => {
    const { status, body, text } = await register(given);
    expect([status, body.errors.map(({ pointer }) => pointer)]).toEqual([400, pointers]);
    expect(text).not.toContain(PASSWORD);
  });

  test.each([
    "O'Brien; DROP TABLE users;--",
    "<script>alert(1)</script>",
    "\u202eevil",
    "👟".repeat(50),
    '"\\',
  ])("the name %s comes back as it was", async (name) => {
    const { status, body } = await register({ ...PERSON, email: `${crypto.randomUUID()}@b.example`, name });
    expect([status, body.user?.name]).toEqual([201, name]);
  });
});

describe("a body", () => {
  test.each<[number, string | undefined, Record<string, string>]>([
    [400, "{", {}],
    [400, "", {}],
    [400, "[]", {}],
    [400, "null", {}],
    [400, '"text"', {}],
    [400, `{"a":${"[".repeat(100)}${"]".repeat(100)}}`, {}],
    [400, "[".repeat(100_000), {}],
    [415, "{}", { "content-type": "text/plain" }],
    [415, "email=a&password=b", { "content-type": "application/x-www-form-urlencoded" }],
    [415, "{}", { "content-type": "" }],
    [413, `{"email":"${"a".repeat(256 * 1024)}"}`, {}],
  ])("is %i", async (status, body, headers) => {
    for (const path of ["/api/auth/register", "/v1/auth/login", "/api/auth/refresh"])
      expect([path, (await call("POST", path, { body, headers })).status]).toEqual([
        path,
        // A refresh may have no body.
        body === "" && path.endsWith("refresh") ? 400 : status,
      ]);
  });

  test("without a declared length is counted while it is read", async () => {
    const chunk = new TextEncoder().encode(" ".repeat(64 * 1024));
    let left = 6;
    const body = new ReadableStream({
      pull: (stream) => (left-- > 0 ? stream.enqueue(chunk) : stream.close()),
    });
    const headers = { "content-type": "application/json" };
    const answer = await shop.get("/api/auth/login", { method: "POST", headers, body });
    expect(answer.status).toBe(413);
  });

  test("may name its charset, and must be UTF-8", async () => {
    const headers = { "content-type": "application/json; charset=utf-8" };
    expect((await call("POST", "/api/auth/login", { body: "{}", headers })).status).toBe(400);
    const bytes = Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
    const answer = await shop.get("/api/auth/login", { method: "POST", headers, body: bytes });
    expect(await answer.text()).toContain("UTF-8");
  });
});

describe("one's own account", () => {
  test("is the profile, /users/me and /users/:id", async () => {
    const person = await signUp(shop, "Sam");
    const paths = ["/api/auth/profile", "/v1/auth/profile", "/api/users/me", `/v1/users/${person.id}`];
    for (const path of paths) {
      const { status, body } = await call("GET", path, person);
      expect([path, status, body.data.id, body.data.email]).toEqual([path, 200, person.id, person.email]);
      expect(Object.keys(body.data)).toEqual(
        "id email name phone role createdAt updatedAt lastLogin".split(" "),
      );
    }
  });

  test("changes name and phone alone, and ends no session", async () => {
    const { token, id } = await signUp(shop, "Sam");
    const change = (body: unknown) => call("PUT", "/api/auth/profile", { token, body });
    expect((await change({ phone: " +49 30 1234-5 " })).body.data).toMatchObject({
      name: "Sam",
      phone: "+49 30 1234-5",
    });
    expect((await change({ name: "Sammy" })).body.data).toMatchObject({
      name: "Sammy",
      phone: "+49 30 1234-5",
    });
    expect((await change({ phone: null, email: "new@b.example", role: "admin" })).body.data).toMatchObject({
      name: "Sammy",
      phone: null,
      role: "customer",
      email: expect.not.stringContaining("new@b.example"),
    });
    expect((await change({})).status).toBe(200);
    expect((await call("GET", "/api/users/me", { token })).status).toBe(200);
    const fields = auditOf(id).map(([, , action, detail]) => `${action} ${detail}`);
    expect(fields.slice(1)).toEqual(
      ["phone", "name", "phone"].map((field) => `user.change {"fields":["${field}"]}`),
    );
  });

  test.each<[object, number, string]>([
    [{ name: "" }, 400, "/name"],
    [{ phone: "call me" }, 400, "/phone"],
    [{ phone: "1".repeat(33) }, 400, "/phone"],
    [{ password: "short", currentPassword: PASSWORD }, 400, "/password"],
    [{ password: "a new password" }, 400, "/currentPassword"],
    [{ password: "a new password", currentPassword: "not this one" }, 403, "/currentPassword"],
  ])("is not changed by %j", async (change, status, pointer) => {
    const person = await signUp(shop);
    for (const path of ["/api/auth/profile", "/api/users/me"]) {
      const answer = await call("PUT", path, { ...person, body: { name: "Other", ...change } });
      expect([answer.status, answer.body.errors.map((each) => each.pointer)]).toEqual([status, [pointer]]);
    }
    const { body } = await call("GET", "/api/users/me", person);
    expect(body.data.name).toBe("Sam");
    expect((await signIn(shop, person)).token).toBeString();
  });

  test("changes its password with the old one, which ends every session", async () => {
    const person = await signUp(shop);
    const elsewhere = await signIn(shop, person);
    const body = { password: "another password", currentPassword: PASSWORD };
    expect((await call("PUT", "/api/users/me", { ...person, body })).status).toBe(200);
    for (const { token, refreshToken } of [person, elsewhere]) {
      expect((await call("GET", "/api/users/me", { token })).status).toBe(401);
      expect((await call("POST", "/api/auth/refresh", { body: { refreshToken } })).status).toBe(401);
    }
    const login = { email: person.email, password: PASSWORD };
    expect((await call("POST", "/api/auth/login", { body: login })).status).toBe(401);
    expect((await signIn(shop, { ...person, password: "another password" })).token).toBeString();
  });

  test("is removed with its password, likes and sessions, and its address is free", async () => {
    const person = await signUp(shop);
    const { id, token } = person;
    await shop.db.write([
      { sql: "INSERT INTO likes SELECT id, ?, 0 FROM shoes WHERE shoe_id = 'a1'", args: [id] },
      { sql: "UPDATE shoes SET likes = likes + 1 WHERE shoe_id = 'a1'" },
    ]);
    const remove = (body: unknown) => call("DELETE", "/api/users/me", { token, body });
    expect([(await remove(undefined)).status, (await remove({})).status]).toEqual([400, 400]);
    expect((await remove({ password: "not this one" })).status).toBe(403);
    expect((await remove({ password: PASSWORD })).status).toBe(204);
    expect((await call("GET", "/api/users/me", { token })).status).toBe(401);
    expect((await call("GET", `/api/users/${id}`, admin)).status).toBe(404);
    expect(
      shop.db.read.get("SELECT likes, (SELECT count(*) FROM likes) FROM shoes WHERE shoe_id = 'a1'"),
    ).toEqual([0, 0]);
    expect(auditOf(id).at(-1)).toEqual([id, "user", "user.remove", "{}"]);
    expect((await register({ ...PERSON, email: person.email })).status).toBe(201);
  });
});

describe("an admin", () => {
  test("changes the roles of accounts, which ends their sessions each time", async () => {
    const person = await signUp(shop);
    const setRole = (role: unknown) =>
      call("PUT", `/v1/users/${person.id}`, { token: admin.token, body: { role } });
    expect((await call("PUT", "/api/users/me", { ...person, body: { role: "admin" } })).status).toBe(403);
    expect((await setRole("admin")).body.data).toMatchObject({ id: person.id, role: "admin" });
    expect((await call("GET", "/api/users/me", person)).status).toBe(401);
    const promoted = await signIn(shop, person);
    expect((await call("GET", "/api/users", promoted)).status).toBe(200);
    expect((await setRole("customer")).status).toBe(200);
    expect((await call("GET", "/api/users", promoted)).status).toBe(401);
    expect((await call("GET", "/api/users", await signIn(shop, person))).status).toBe(403);
    for (const role of ["owner", 1, null]) expect((await setRole(role)).status).toBe(400);
  });

  test("may send a whole user back: the same role is no change", async () => {
    const person = await signUp(shop);
    const { body } = await call("GET", "/api/users/me", person);
    const answer = await call("PUT", "/api/users/me", { ...person, body: body.data });
    expect([answer.status, answer.body.data.role]).toEqual([200, "customer"]);
    expect((await call("GET", "/api/users/me", person)).status).toBe(200);
  });

  test("cannot be removed or demoted as the last one, also by two concurrent requests", async () => {
    const lone = await openObservedShop([]);
    const people = [await signUp(lone), await signUp(lone)];
    const [one, two] = (await Promise.all(
      people.map(async (person) => signIn(lone, await makeAdminOf(lone.db, person))),
    )) as [Person, Person];
    const demote = ({ token }: Person) =>
      ask(lone, "PUT", "/api/users/me", { token, body: { role: "customer" } });
    const statuses = (await Promise.all([demote(one), demote(two)])).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 409]);
    const last = statuses[0] === 409 ? one : two;
    const body = { password: PASSWORD };
    const removal = await ask(lone, "DELETE", "/api/users/me", { token: last.token, body });
    expect([removal.status, ((await removal.json()) as Body).detail]).toEqual([
      409,
      "the last admin cannot be demoted or removed",
    ]);
    expect(lone.db.read.get("SELECT count(*) FROM users WHERE role = 'admin'")).toEqual([1]);
    expect(lone.db.read.get("SELECT count(*) FROM audit WHERE action = 'user.remove'")).toEqual([0]);
    await lone.close();
  });
});

test("no secret is in the log, in a problem, or in a row that should not contain it", async () => {
  const person = await signUp(shop);
  await call("GET", "/api/users/me", person);
  await call("POST", "/api/auth/login", { body: { email: person.email, password: "wrong password 1" } });
  await call("GET", "/api/users/me", { token: `${person.token}x` });
  const rows = JSON.stringify(
    ["audit", "users", "sessions", "refresh_tokens", "changes"].map((table) =>
      shop.db.read.all(`SELECT * FROM ${table}`),
    ),
  );
  for (const secret of [PASSWORD, "wrong password 1", person.token, person.refreshToken]) {
    expect(shop.logged.join("\n")).not.toContain(secret);
    expect(rows).not.toContain(secret);
  }
  expect(shop.logged.join("\n")).not.toContain(person.email);
});
