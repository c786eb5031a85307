// Which schemas of a primary a node can work with, and what it says of the others.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCopy } from "../../db/read/copy.ts";
import { openHandle } from "../../db/read/reader.ts";
import { migrate, readMigrations } from "../../db/schema/migrate.ts";
import { schemaTrouble } from "./schema-fit.ts";

const root = mkdtempSync(join(tmpdir(), "insole-schema-fit-"));
afterAll(() => rmSync(root, { recursive: true }));

const migrations = readMigrations();
const [first, second] = migrations.map(({ name }) => name);
const next = migrations.length + 1;

test.each<[string, string, string | null]>([
  ["the schema of this program", "SELECT 1", null],
  [
    "a schema without a migration of this program",
    "DELETE FROM migrations WHERE number = 2",
    `the primary lacks migration ${second}: run the migrations`,
  ],
  [
    "a migration that was changed after the release",
    "UPDATE migrations SET checksum = 'other' WHERE number = 1",
    `migration ${first} was changed after it had been applied to this database`,
  ],
  [
    "a newer schema that this program can work with",
    `INSERT INTO migrations VALUES (${next}, 'next.sql', '', 1, 0)`,
    null,
  ],
  [
    "a newer schema that needs a newer program",
    `INSERT INTO migrations VALUES (${next}, 'next.sql', '', ${next}, 0)`,
    "the database was migrated by a newer program (next.sql); this one is too old for it",
  ],
  ["a database without our tables", "DROP TABLE migrations", "no such table: migrations"],
])("%s", async (name, sql, sentence) => {
  const path = join(root, `${name}.db`);
  migrate(path);
  const handle = openHandle(path, 100);
  handle.exec(sql);
  handle.close();
  const copy = openCopy(path);
  const trouble = schemaTrouble(copy);
  await copy.close();
  if (sentence === null) expect(trouble).toBeNull();
  else expect(trouble).toContain(sentence);
});
