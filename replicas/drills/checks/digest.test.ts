// Digests of real databases: the same of a file and of a running server's, and every difference is reported by table.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHandle } from "../../../db/read/reader.ts";
import { migratedTemplate, openTestServer } from "../../../db/testing/server.ts";
import { databaseFile } from "../../primary/dataset.ts";
import { differences, digestOfFile, digestOfPrimary } from "./digest.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-digest-"));
let template: string;

const FILL = `
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4100)
INSERT INTO audit (at, actor_kind, action, subject, detail) SELECT i, 'system', 'a', 's' || i, '{}' FROM n;
INSERT INTO words (word) VALUES ('b'), ('a');
INSERT INTO search (rowid, title, labels, description, tags) VALUES (1, 'a', 'b', 'c', 'd');
CREATE TABLE blobs (one BLOB, two REAL, three TEXT);
INSERT INTO blobs VALUES (x'00ff', 1.5, '1.5'), (NULL, 3, 'null');`;

beforeAll(() => {
  template = migratedTemplate(folder);
  const handle = openHandle(template, 1_000);
  handle.exec(FILL);
  handle.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A copy of the template with this change. */
function changedBy(sql: string, name: string): string {
  const path = join(folder, name);
  const source = openHandle(template, 1_000);
  source.prepare("VACUUM INTO ?").run([path]);
  source.close();
  const handle = openHandle(path, 1_000);
  handle.exec(sql);
  handle.close();
  return path;
}

test("a server and a file with the same rows have the same digest, of every table", async () => {
  const server = await openTestServer(template);
  try {
    const there = await digestOfPrimary(databaseFile(join(server.folder, "data")));
    const here = digestOfFile(template);
    expect(differences(there, here)).toEqual([]);
    for (const table of ["shoes", "users", "changes", "audit", "search", "sqlite_sequence", "migrations"])
      expect([...here.keys()]).toContain(table);
    expect(
      [...here.keys()].filter((table) => table.startsWith("search_") && table !== "search_source"),
    ).toEqual([]);
    expect(here.get("audit")?.rows).toBe(4_100);
  } finally {
    await server.remove();
  }
});

const CHANGES: [string, string, string[]][] = [
  ["no change", "SELECT 1", []],
  [
    "a value on the last page",
    "UPDATE audit SET subject = 'other' WHERE at = 4099",
    ["audit (4100 rows, 4100)"],
  ],
  ["a missing row", "DELETE FROM words WHERE word = 'a'", ["words (2 rows, 1)"]],
  ["a changed byte", "UPDATE blobs SET one = x'00fe' WHERE one IS NOT NULL", ["blobs (2 rows, 2)"]],
  ["a text instead of NULL", "UPDATE blobs SET one = 'null' WHERE one IS NULL", ["blobs (2 rows, 2)"]],
  ["a missing table", "DROP TABLE blobs", ["blobs (2 rows, no)"]],
  ["a missing document of the search index", "DELETE FROM search WHERE rowid = 1", ["search (1 rows, 0)"]],
];

test.each(CHANGES)("differences after %s", async (name, sql, expected) => {
  const changed = changedBy(sql, `${name}.db`);
  expect(differences(digestOfFile(template), digestOfFile(changed))).toEqual(expected);
});
