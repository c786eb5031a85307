// A migrated database agrees with `schema.ts` and `orders.ts`, and a difference on either side is found.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { openHandle } from "../read/reader.ts";
import { findDrift, schemaTables } from "../testing/drift.ts";
import { migrate } from "./migrate.ts";
import { facets } from "./schema.ts";

const CACHE_KB = 1_000;
const folder = mkdtempSync(join(tmpdir(), "insole-schema-"));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true }));

/** A migrated file, altered by hand. */
function freshHandle(sql = "") {
  const path = join(folder, `${++files}.db`);
  migrate(path);
  const handle = openHandle(path, CACHE_KB);
  handle.exec(sql);
  return handle;
}

const without = (name: string) => schemaTables().filter((table) => !findName(table).includes(name));
const findName = (table: object) =>
  Object.getOwnPropertySymbols(table).map((key) => String(Reflect.get(table, key)));

test("the migrations create what schema.ts and orders.ts describe", () => {
  const handle = freshHandle();
  expect(findDrift(handle)).toEqual({ onlyInDatabase: [], onlyInSchema: [] });
  handle.close();
});

describe("a difference in the database is found", () => {
  const cases: [string, string, string][] = [
    ["a table", "CREATE TABLE extra (a INTEGER) STRICT", "extra.a is INTEGER"],
    ["a table that is not STRICT", "CREATE TABLE extra (a INTEGER)", "extra is not STRICT"],
    ["a column", "ALTER TABLE facets ADD COLUMN extra TEXT", "facets.extra is TEXT"],
    ["a default", "ALTER TABLE facets ADD COLUMN extra TEXT DEFAULT 'x'", "facets.extra is TEXT DEFAULT 'x'"],
    [
      "not null",
      "ALTER TABLE facets ADD COLUMN extra TEXT NOT NULL DEFAULT ''",
      "facets.extra is TEXT NOT NULL DEFAULT ''",
    ],
    [
      "a reference",
      "ALTER TABLE words ADD COLUMN extra INTEGER REFERENCES facets (id) ON DELETE CASCADE",
      "words.extra refers to facets.id, on delete cascade",
    ],
    ["an index", "CREATE INDEX extra ON facets (name)", "index extra on name"],
    ["a unique index", "CREATE UNIQUE INDEX extra ON facets (name, id)", "unique index extra on name, id"],
    [
      "a collation",
      "CREATE INDEX extra ON facets (name COLLATE NOCASE)",
      "index extra on name COLLATE NOCASE",
    ],
    [
      "an index on an expression",
      "CREATE INDEX extra ON facets (id, coalesce(name, key)) WHERE (id) > 0",
      "index extra on id, coalesce(name, key) WHERE (id) > 0",
    ],
    [
      "a reference of several columns",
      "CREATE TABLE extra (a INTEGER, b INTEGER, FOREIGN KEY (a, b) REFERENCES sizes (shoe, position)) STRICT",
      "extra.a, b refers to sizes.shoe, position, on delete no action",
    ],
    [
      "a partial index",
      "CREATE INDEX extra ON facets (id) WHERE shoes > 0",
      "index extra on id WHERE shoes > 0",
    ],
    ["a UNIQUE constraint", "CREATE TABLE extra (a INTEGER, UNIQUE (a)) STRICT", "extra is unique in a"],
    ["a primary key", "CREATE TABLE extra (a INTEGER PRIMARY KEY) STRICT", "extra has the primary key a"],
  ];
  test.each(cases)("%s", (_name, sql, line) => {
    const handle = freshHandle(sql);
    expect(findDrift(handle).onlyInDatabase).toContain(line);
    expect(findDrift(handle).onlyInSchema).toEqual([]);
    handle.close();
  });
  test("a missing table and a missing index", () => {
    const handle = freshHandle("DROP TABLE related_pending; DROP INDEX shoes_demo");
    const { onlyInSchema, onlyInDatabase } = findDrift(handle);
    expect(onlyInSchema).toContain("related_pending has the primary key shoe");
    expect(onlyInSchema).toContain("index shoes_demo on id WHERE origin = 'demo'");
    expect(onlyInDatabase).toEqual([]);
    handle.close();
  });
});

test("a difference in schema.ts is found", () => {
  const handle = freshHandle();
  const other = sqliteTable(
    "words",
    { word: text().primaryKey(), extra: integer().default(7).unique() },
    (words) => [index("words_by_extra").on(words.extra)],
  );
  const owned = sqliteTable("owned", { facet: integer().references(() => facets.id) });
  expect(findDrift(handle, [...without("words"), other, owned])).toEqual({
    onlyInDatabase: [],
    onlyInSchema: [
      "words.extra is INTEGER DEFAULT 7",
      "words is unique in extra",
      "index words_by_extra on extra",
      "owned is STRICT",
      "owned.facet is INTEGER",
      "owned.facet refers to facets.id, on delete no action",
    ],
  });
  expect(findDrift(handle, without("words")).onlyInDatabase).toContain("words.word is TEXT NOT NULL");
  handle.close();
});
