// Migrations of a file, and the command: applied in order and once, refused when changed or too new, safe beside another process.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHandle } from "../read/reader.ts";
import { type Migration, migrate, readMigrations } from "./migrate.ts";

const CACHE_KB = 1_000;
const root = mkdtempSync(join(tmpdir(), "insole-migrate-"));
let folder = "";
let path = "";
let folders = 0;

beforeEach(() => {
  folder = join(root, String(++folders));
  path = join(folder, "insole.db");
  mkdirSync(join(folder, "sql"), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

/** Migrations as files, read back: `{ "0001_first": sql }`. */
function written(files: Record<string, string>, oldestProgram = 1): Migration[] {
  for (const [name, sql] of Object.entries(files))
    writeFileSync(join(folder, "sql", `${name}.sql`), `-- oldest program: ${oldestProgram}\n${sql}\n`);
  return readMigrations(join(folder, "sql"));
}

function query(sql: string): unknown[] {
  const handle = openHandle(path, CACHE_KB);
  const rows = handle.prepare(sql).raw(true).all([]);
  handle.close();
  return rows;
}

const FIRST = { "0001_first": "CREATE TABLE log (at INTEGER PRIMARY KEY, text TEXT) STRICT;" };
const SECOND = { "0002_second": "INSERT INTO log (text) VALUES ('second');" };
const THIRD = { "0003_third": "INSERT INTO log (text) VALUES ('third');" };

describe("migrating", () => {
  test("applies the missing ones in order, once, and records them", () => {
    const all = written({ ...THIRD, ...SECOND, ...FIRST });
    const before = Date.now();
    expect(migrate(path, all.slice(0, 1))).toEqual(["0001_first.sql"]);
    expect(migrate(path, all)).toEqual(["0002_second.sql", "0003_third.sql"]);
    expect(migrate(path, all)).toEqual([]);
    expect(query("SELECT text FROM log ORDER BY at")).toEqual([["second"], ["third"]]);
    expect(query("SELECT number, name, checksum, oldest_program FROM migrations ORDER BY number")).toEqual(
      all.map(({ number, name, checksum, oldestProgram }) => [number, name, checksum, oldestProgram]),
    );
    const [[earliest]] = query("SELECT min(applied_at) FROM migrations") as [[number]];
    expect(earliest).toBeWithin(before, Date.now() + 1);
  });

  test("refuses a changed one, and applies nothing", () => {
    migrate(path, written(FIRST));
    const changed = written({ "0001_first": "CREATE TABLE other (a TEXT) STRICT;", ...SECOND });
    expect(() => migrate(path, changed)).toThrow(
      "migration 0001_first.sql was changed after it had been applied to this database",
    );
    expect(query("SELECT text FROM log")).toEqual([]);
  });

  test("undoes a failing one and names it; those before it stay", () => {
    const broken = {
      "0002_broken": "INSERT INTO log (text) VALUES ('half'); CREATE TABLE half (a TEXT); nonsense;",
    };
    expect(() => migrate(path, written({ ...FIRST, ...broken, ...THIRD }))).toThrow(
      /^migration 0002_broken\.sql failed: /,
    );
    expect(query("SELECT text FROM log")).toEqual([]);
    expect(query("SELECT name FROM sqlite_schema WHERE name = 'half'")).toEqual([]);
    expect(query("SELECT name FROM migrations")).toEqual([["0001_first.sql"]]);
  });

  test("accepts a newer one that allows this program, so that a release can be rolled back", () => {
    const newer = written({ ...FIRST, ...SECOND });
    migrate(path, newer);
    expect(migrate(path, newer.slice(0, 1))).toEqual([]);
  });

  test("refuses a newer one that does not allow this program", () => {
    const older = written(FIRST);
    const newer = written({ ...SECOND }, 2);
    migrate(path, newer);
    expect(() => migrate(path, older)).toThrow(
      "the database was migrated by a newer program (0002_second.sql); this one is too old for it",
    );
  });
});

describe("a migration file is refused", () => {
  test.each(["0002_gap.sql", "1_short.sql", "0001-dash.sql", "0001_Upper.sql", "first.sql"])(
    "named %s",
    (name) => {
      writeFileSync(join(folder, "sql", name), "-- oldest program: 1\n");
      expect(() => readMigrations(join(folder, "sql"))).toThrow(
        `migration ${name}: expected a name like 0001_name.sql`,
      );
    },
  );

  test.each(["", "-- oldest program: 2", "-- oldest program: one", "SELECT 1; -- oldest program: 1"])(
    "with %p",
    (line) => {
      writeFileSync(join(folder, "sql", "0001_first.sql"), `${line}\n`);
      expect(() => readMigrations(join(folder, "sql"))).toThrow('the line "-- oldest program: N" is missing');
    },
  );
});

/** Runs `bun db/schema/command.ts` with these settings alone. */
async function command(settings: Record<string, string>) {
  const { PATH = "" } = process.env;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "command.ts")], {
    cwd: folder,
    env: { PATH, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, error, code };
}

const NAMES = readMigrations().map(({ name }) => name);

describe("the command", () => {
  test("prints what it applied, then that the file is up to date", async () => {
    const file = join(folder, "data", "insole.db");
    expect(await command({})).toEqual({
      out: NAMES.map((name) => `applied ${name}\n`).join(""),
      error: "",
      code: 0,
    });
    expect(await command({ DATA_DIR: " data " })).toEqual({
      out: "data/insole.db is up to date\n",
      error: "",
      code: 0,
    });
    expect(await command({ DATABASE_URL: `file:${file}` })).toEqual({
      out: `${file} is up to date\n`,
      error: "",
      code: 0,
    });
  });

  test("refuses in one sentence", async () => {
    migrate(path);
    const handle = openHandle(path, CACHE_KB);
    handle.exec("UPDATE migrations SET checksum = 'other' WHERE number = 1");
    handle.close();
    const name = NAMES[0];
    expect(await command({ DATA_DIR: folder })).toEqual({
      out: "",
      error: `insole: migration ${name} was changed after it had been applied to this database\n`,
      code: 1,
    });
    expect(await command({ DATABASE_URL: "ftp://primary" })).toEqual({
      out: "",
      error: "insole: DATABASE_URL is ftp://primary: it must be a file: or an http: URL\n",
      code: 1,
    });
  });

  test("refuses a file that lacks an index of the schema", async () => {
    migrate(path);
    const handle = openHandle(path, CACHE_KB);
    handle.exec("DROP INDEX shoes_demo");
    handle.close();
    expect(await command({ DATA_DIR: folder })).toEqual({
      out: "",
      error: `insole: ${path} was altered by hand: index shoes_demo is missing\n`,
      code: 1,
    });
  });

  test("three at once on a new file apply each migration once", async () => {
    const runs = await Promise.all([command({}), command({}), command({})]);
    expect(runs.map(({ error, code }) => ({ error, code }))).toEqual(
      runs.map(() => ({ error: "", code: 0 })),
    );
    const applied = runs.flatMap(({ out }) => out.match(/applied \S+/g) ?? []);
    expect(applied.sort()).toEqual(NAMES.map((name) => `applied ${name}`));
    path = join(folder, "data", "insole.db");
    expect(query("PRAGMA integrity_check")).toEqual([["ok"]]);
  });
});

test("this program's own migrations are readable", () => {
  expect(NAMES[0]).toBe("0001_catalogue.sql");
  expect(readFileSync(join(import.meta.dir, "../migrations", "0001_catalogue.sql"), "utf8")).toContain(
    "-- oldest program: 1",
  );
});
