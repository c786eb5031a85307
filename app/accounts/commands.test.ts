// Admins and keys from outside the API: the settings' first admin, `bun run admin` and `bun run key`.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { ask, PASSWORD, signIn, signUp } from "../testing/people.ts";
import { runScript } from "../testing/script.ts";
import { openFolder, openObservedShop, openTestShop } from "../testing/shop.ts";
import { adminCommand } from "./admin-command.ts";
import { makeFirstAdmin } from "./first-admin.ts";
import { keyCommand } from "./key-command.ts";
import { openPasswords } from "./passwords.ts";

const NOW_MS = Date.UTC(2030, 0, 1);
const folder = openFolder();
let path = "";
let made = 0;
beforeEach(() => {
  path = join(folder.path, `${++made}.db`);
  migrate(path);
});
afterAll(folder.remove);

/** Runs a command in this process on the test's file, with `typed` as its standard input. */
async function run(command: typeof adminCommand | typeof keyCommand, args: string[], typed = "") {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await command(args, {
    openDatabase: () => openFile(path),
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    readLine: async () => typed,
    nowMs: NOW_MS,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function rows(sql: string): Promise<unknown[]> {
  const db = openFile(path);
  const found = db.read.all(sql);
  await db.close();
  return found;
}

describe("bun run key", () => {
  test("shows a key once and stores its digest", async () => {
    const { code, out, err } = await run(keyCommand, ["nightly-import"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^insole_key_[\w-]{43}$/);
    expect(JSON.stringify(await rows("SELECT * FROM admin_keys"))).not.toContain(out.slice(11));
    expect(await rows("SELECT name, length(hash), created_at, revoked_at FROM admin_keys")).toEqual([
      ["nightly-import", 64, NOW_MS, null],
    ]);
  });

  test("a name belongs to one key until that is revoked", async () => {
    await run(keyCommand, ["a"]);
    expect(await run(keyCommand, ["a"])).toEqual({
      code: 1,
      out: "",
      err: "key: a key called a already exists: revoke it first, or choose another name",
    });
    expect(await run(keyCommand, ["--revoke", "a"])).toEqual({ code: 0, out: "revoked a", err: "" });
    expect((await run(keyCommand, ["--revoke", "a"])).err).toBe("key: no key called a is in use");
    expect((await run(keyCommand, ["a"])).code).toBe(0);
    expect(await rows("SELECT action, subject, actor FROM audit ORDER BY seq")).toEqual([
      ["key.make", "a", null],
      ["key.revoke", "a", null],
      ["key.make", "a", null],
    ]);
  });

  test("a revoked key keeps its time when a later one with its name is revoked", async () => {
    await run(keyCommand, ["a"]);
    await run(keyCommand, ["--revoke", "a"]);
    const db = openFile(path);
    await db.write([{ sql: "UPDATE admin_keys SET revoked_at = 5" }]);
    await db.close();
    await run(keyCommand, ["a"]);
    await run(keyCommand, ["--revoke", "a"]);
    expect(await rows("SELECT revoked_at FROM admin_keys ORDER BY revoked_at")).toEqual([[5], [NOW_MS]]);
  });

  test.each([[[]], [["a", "b"]], [["two words"]], [["x".repeat(61)]], [[""]], [["--nothing", "a"]]])(
    "refuses %j in one sentence",
    async (args) => {
      const { code, out, err } = await run(keyCommand, args);
      expect([code, out]).toEqual([1, ""]);
      expect(err).toMatch(/^key: [^\n]+$/);
    },
  );
});

test.each([
  ["key", keyCommand],
  ["admin", adminCommand],
])("bun run %s -h prints the usage and ends with 0", async (name, command) => {
  const { code, out, err } = await run(command, ["-h"]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toStartWith(`usage: bun run ${name} `);
});

describe("bun run admin", () => {
  test("creates an account with a password from the standard input", async () => {
    // Pasted with blanks around it.
    expect(await run(adminCommand, [" Boss@shop.example "], PASSWORD)).toEqual({
      code: 0,
      out: "created the admin Boss@shop.example",
      err: "",
    });
    expect(await rows("SELECT email, email_key, role FROM users")).toEqual([
      ["Boss@shop.example", "boss@shop.example", "admin"],
    ]);
    expect((await run(adminCommand, ["boss@SHOP.example"])).out).toBe(
      "Boss@shop.example is already an admin",
    );
  });

  test("promotes an account and leaves its password", async () => {
    const shop = await openObservedShop([]);
    path = shop.databasePath;
    const person = await signUp(shop);
    expect((await run(adminCommand, [person.email.toUpperCase()])).out).toBe(
      `${person.email} is now an admin`,
    );
    const { token } = await signIn(shop, person);
    expect((await ask(shop, "GET", "/api/users", { token })).status).toBe(200);
    await shop.close();
  });

  test.each<[string[], string]>([
    [[], "admin: name one e-mail address (-h shows the usage)"],
    [["boss"], "admin: boss must be an e-mail address"],
    [["a@b.example"], "admin: a password must have 8 to 128 characters"],
  ])("refuses %j", async (args, sentence) => {
    expect(await run(adminCommand, args, "short")).toEqual({ code: 1, out: "", err: sentence });
    expect(await rows("SELECT id FROM users")).toEqual([]);
  });

  test("runs as a program with the password in a pipe; the shop then knows the admin and the key", async () => {
    const data = join(folder.path, "typed");
    const type = (script: string, ...args: string[]) =>
      runScript(`accounts/${script}`, args, { DATA_DIR: data }, `${PASSWORD}\n`);
    const made = await type("admin-command.ts", "boss@shop.example");
    expect(made).toEqual({ code: 0, err: "", out: expect.stringMatching(/^created the admin/) });
    const { out: key, code } = await type("key-command.ts", "script");
    expect(code).toBe(0);
    const shop = await openTestShop([], { DATA_DIR: data });
    const login = { email: "boss@shop.example", password: PASSWORD };
    expect((await ask(shop, "POST", "/api/auth/login", { body: login })).status).toBe(200);
    expect((await ask(shop, "GET", "/api/users", { token: key })).status).toBe(200);
    await shop.close();
  });
});

describe("the settings' first admin", () => {
  const GIVEN = { email: "First@shop.example", password: "the first password" };
  const passwords = openPasswords();
  const make = async (given: typeof GIVEN | null = GIVEN) => {
    const db = openFile(path);
    const isMade = await makeFirstAdmin(db, passwords, given, NOW_MS);
    await db.close();
    return isMade;
  };

  test("is created while there is none", async () => {
    expect(await make(null)).toBe(false);
    expect([await make(), await make(), await make({ ...GIVEN, email: "other@b.example" })]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await rows("SELECT email, role FROM users")).toEqual([["First@shop.example", "admin"]]);
  });

  test("is created once by processes that start at the same time", async () => {
    const outcomes = await Promise.all([make(), make(), make()]);
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await rows("SELECT role FROM users")).toEqual([["admin"]]);
  });

  test("takes over an account that another person registered with the address", async () => {
    const shop = await openObservedShop([]);
    path = shop.databasePath;
    const squatter = await signUp(shop);
    expect(await make({ email: squatter.email, password: GIVEN.password })).toBe(true);
    const login = (password: string) =>
      ask(shop, "POST", "/api/auth/login", { body: { email: squatter.email, password } });
    expect([(await login(PASSWORD)).status, (await login(GIVEN.password)).status]).toEqual([401, 200]);
    const refreshed = await ask(shop, "POST", "/api/auth/refresh", { body: squatter });
    expect(refreshed.status).toBe(401);
    await shop.close();
  });

  test("is created by the start of the shop", async () => {
    const shop = await openTestShop([], { ADMIN_EMAIL: GIVEN.email, ADMIN_PASSWORD: GIVEN.password });
    const answer = await ask(shop, "POST", "/v1/auth/login", { body: GIVEN });
    expect(await answer.json()).toMatchObject({ user: { email: GIVEN.email, role: "admin", name: "Admin" } });
    await shop.close();
  });
});
