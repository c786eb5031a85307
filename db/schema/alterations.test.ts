// What was altered by hand is found and named: in tables with their CHECKs, indexes, triggers and views, on a file and a server.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client/http";
import { type Handle, openHandle } from "../read/reader.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../testing/server.ts";
import { compareObjects, findAlterations, objectsOf } from "./alterations.ts";
import { migrate, readMigrations } from "./migrate.ts";
import { findServerAlterations, migrateServer } from "./migrate-server.ts";
import { REWRITE } from "./snapshot.ts";

const CACHE_KB = 1_000;
const COMMAND = join(import.meta.dir, "command.ts");
const SNAPSHOT = join(import.meta.dir, "schema.sql");
const folder = mkdtempSync(join(tmpdir(), "insole-alterations-"));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true }));

/** A migrated file, altered by hand. */
function alteredHandle(sql = ""): { path: string; handle: Handle } {
  const path = join(folder, `${++files}.db`);
  migrate(path);
  const handle = openHandle(path, CACHE_KB);
  handle.exec(sql);
  return { path, handle };
}

const alterationsOf = (handle: Handle, migrations = readMigrations()): Promise<string[]> =>
  findAlterations((sql) => handle.prepare(sql).raw(true).all([]) as unknown[][], migrations);

/** Replaces a part of an object's text, as an editor of the file would. */
const rewritten = (name: string, from: string, to: string): string => `
  PRAGMA writable_schema = ON;
  UPDATE sqlite_schema SET sql = replace(sql, '${from.replaceAll("'", "''")}', '${to.replaceAll("'", "''")}')
  WHERE name = '${name}';
  PRAGMA writable_schema = RESET;`;

/** Runs `bun run migrate` with these settings. */
async function command(settings: Record<string, string>, ...args: string[]) {
  const child = Bun.spawn([process.execPath, COMMAND, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, error, code };
}

const LAST_ADMIN =
  "WHEN OLD.role = 'admin' AND NEW.role <> 'admin' AND (SELECT count(*) FROM users WHERE role = 'admin')";

const ALTERED: [what: string, sql: string, phrases: string[]][] = [
  [
    "a CHECK that was dropped",
    rewritten("users", " CHECK (role IN ('customer', 'admin'))", ""),
    [
      `table users has "role TEXT NOT NULL DEFAULT 'customer'" instead of "role TEXT NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'admin'))"`,
    ],
  ],
  [
    "a CHECK of a whole table that was dropped",
    rewritten("audit", "detail TEXT NOT NULL CHECK (json_valid(detail)),", "detail TEXT NOT NULL,") +
      rewritten(
        "audit",
        "detail TEXT NOT NULL,\n  CHECK ((actor IS NULL) = (actor_kind = 'system'))",
        "detail TEXT NOT NULL",
      ),
    [
      `table audit has "detail TEXT NOT NULL" instead of "detail TEXT NOT NULL CHECK (json_valid(detail))" and "CHECK ((actor IS NULL) = (actor_kind = 'system'))"`,
    ],
  ],
  [
    "a table made anew without its CHECK",
    "DROP TABLE related; CREATE TABLE related (shoe INTEGER PRIMARY KEY REFERENCES shoes (id) ON DELETE CASCADE, shoe_id TEXT NOT NULL, given INTEGER NOT NULL CHECK (given IN (0, 1)), list TEXT NOT NULL CHECK (json_valid(list)), CHECK (given = 0 OR instr(list, '\"' || shoe_id || '\"') = 0)) STRICT",
    [
      `table related lacks "CHECK (given = 1 OR instr(replace(replace(list, '[', ','), ']', ','), ',' || shoe || ',') = 0)"`,
      "trigger related_changed_feed is missing",
      "trigger related_feed is missing",
    ],
  ],
  ["a trigger that was dropped", "DROP TRIGGER sizes_restocked", ["trigger sizes_restocked is missing"]],
  [
    "a trigger that was changed",
    rewritten("users_last_admin_stays", "< 2", "< 1"),
    [`trigger users_last_admin_stays has "${LAST_ADMIN} < 1" instead of "${LAST_ADMIN} < 2"`],
  ],
  [
    "a trigger that was added",
    "CREATE TRIGGER noted AFTER INSERT ON words BEGIN DELETE FROM words; END",
    ["trigger noted was added"],
  ],
  ["a view that was dropped", "DROP VIEW search_source", ["view search_source is missing"]],
  ["an index that was dropped", "DROP INDEX shoes_demo", ["index shoes_demo is missing"]],
  ["an index that was added", "CREATE UNIQUE INDEX names ON users (name)", ["index names was added"]],
  [
    "an index of other columns",
    "DROP INDEX shoes_by_likes; CREATE INDEX shoes_by_likes ON shoes (likes, stock)",
    [
      `index shoes_by_likes has "CREATE INDEX shoes_by_likes ON shoes(likes, stock)" instead of "CREATE INDEX shoes_by_likes ON shoes(likes)"`,
    ],
  ],
  ["a table that was dropped", "DROP TABLE related_pending", ["table related_pending is missing"]],
  ["a table that was added", "CREATE TABLE extra (a)", ["table extra was added"]],
  [
    "a column that was added",
    "ALTER TABLE words ADD COLUMN count INTEGER",
    [`table words has "count INTEGER" besides`],
  ],
  [
    "columns in another order",
    "DROP TABLE writes; CREATE TABLE writes (at INTEGER NOT NULL, id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID",
    ["table writes has its parts in another order"],
  ],
  [
    "a table that is no longer STRICT",
    "DROP TABLE words; CREATE TABLE words (word TEXT PRIMARY KEY) WITHOUT ROWID",
    [`table words has "WITHOUT ROWID" instead of "STRICT, WITHOUT ROWID"`],
  ],
  [
    "another rule of the search index",
    rewritten("search", "remove_diacritics 2", "remove_diacritics 0"),
    [
      `table search has "tokenize = 'unicode61 remove_diacritics 0'" instead of "tokenize = 'unicode61 remove_diacritics 2'"`,
    ],
  ],
];

describe("on a file", () => {
  test.each(ALTERED)("%s is named", async (_what, sql, phrases) => {
    const { handle } = alteredHandle(sql);
    expect(await alterationsOf(handle)).toEqual(phrases);
    handle.close();
  });

  test("the command names all of them in one sentence", async () => {
    const [check, trigger] = [ALTERED[0]!, ALTERED[3]!];
    const { path, handle } = alteredHandle(check[1] + trigger[1]);
    handle.close();
    const phrases = [...trigger[2], ...check[2]];
    expect(await command({ DATABASE_URL: `file:${path}` })).toEqual({
      out: "",
      error: `insole: ${path} was altered by hand: ${phrases.join("; ")}\n`,
      code: 1,
    });
  });

  test("white space, comments and the engine's own tables do not matter", async () => {
    const { handle } = alteredHandle(
      `DROP TABLE words;
      CREATE TABLE words(
        word TEXT  PRIMARY KEY -- a word, in lower case
      )STRICT,/* no rowid */WITHOUT ROWID;
      INSERT INTO words VALUES ('a');
      ANALYZE;
      CREATE TABLE libsql_wasm_func_table (name text PRIMARY KEY, body text) WITHOUT ROWID`,
    );
    expect(await alterationsOf(handle)).toEqual([]);
    handle.close();
  });

  test("one migrated step by step equals one migrated at once", async () => {
    const path = join(folder, "steps.db");
    const all = readMigrations();
    for (let count = 1; count <= all.length; count += 1) {
      migrate(path, all.slice(0, count));
      const handle = openHandle(path, CACHE_KB);
      expect(await alterationsOf(handle, all.slice(0, count))).toEqual([]);
      handle.close();
    }
  });

  test("one that a newer program has migrated is not compared", async () => {
    const path = join(folder, "newer.db");
    const all = readMigrations();
    const newer = {
      ...all[0]!,
      number: all.length + 1,
      name: "9999_newer.sql",
      sql: "DROP VIEW search_source",
    };
    migrate(path, [...all, newer]);
    const handle = openHandle(path, CACHE_KB);
    expect(await alterationsOf(handle)).toEqual([]);
    expect(await alterationsOf(handle, [...all, newer])).toEqual([]);
    handle.close();
  });
});

describe("on a server", () => {
  let server: TestServer;
  afterEach(() => server.remove());

  test("nothing is found in a copy of a migrated file", async () => {
    server = await openTestServer(migratedTemplate(folder));
    expect(await findServerAlterations(server)).toEqual([]);
  });

  test("nothing is found after the migrations, then each altered object is named, by the command too", async () => {
    server = await openTestServer(null);
    await migrateServer(server);
    expect(await findServerAlterations(server)).toEqual([]);
    const client = createClient({ url: server.url });
    await client.executeMultiple(
      "DROP TRIGGER sizes_restocked; DROP VIEW search_source; DROP INDEX users_admins; ALTER TABLE words ADD COLUMN count INTEGER; CREATE TRIGGER noted AFTER INSERT ON words BEGIN DELETE FROM words; END",
    );
    client.close();
    const phrases = [
      "view search_source is missing",
      "trigger sizes_restocked is missing",
      "index users_admins is missing",
      'table words has "count INTEGER" besides',
      "trigger noted was added",
    ];
    expect(await findServerAlterations(server)).toEqual(phrases);
    expect(await command({ DATABASE_URL: server.url })).toEqual({
      out: "",
      error: `insole: ${server.url} was altered by hand: ${phrases.join("; ")}\n`,
      code: 1,
    });
  });
});

describe("the snapshot of the schema", () => {
  test("holds what the migrations create", () => {
    const recorded = objectsOf([{ sql: `DROP TABLE migrations;\n${readFileSync(SNAPSHOT, "utf8")}` }]);
    const differences = compareObjects(objectsOf(), recorded);
    if (differences.length > 0)
      throw new Error(
        `the migrations changed the schema:\n${differences.join("\n")}\nWhere that is meant: ${REWRITE}`,
      );
    expect(recorded.length).toBeGreaterThan(50);
  });

  test("is what the command prints, which opens no database", async () => {
    expect(await command({ DATABASE_URL: "file:/nowhere/at/all" }, "--print-schema")).toEqual({
      out: readFileSync(SNAPSHOT, "utf8"),
      error: "",
      code: 0,
    });
  });
});
