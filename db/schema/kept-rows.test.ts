// Migration 0005 on a database with data: every row stays, numbers go on, and what replaced an index or a reference holds.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database, Statement } from "../database.ts";
import { openFile } from "../file.ts";
import { openRemote } from "../server/remote.ts";
import { expectRefusal, failure } from "../testing/contract-parts.ts";
import { openTestServer } from "../testing/server.ts";
import { migrate, readMigrations } from "./migrate.ts";
import { migrateServer } from "./migrate-server.ts";

const BEFORE = readMigrations().slice(0, 4);

const addShoe = (shoeId: string, likes: number): Statement => ({
  sql: `INSERT INTO shoes (shoe_id, slug, price_cents, title, images, origin, content_hash, created_at, updated_at, description, likes)
        VALUES (?1, ?1, 100, 'A shoe', '[]', 'api', '', 0, 0, '', ?2)`,
  args: [shoeId, likes],
});
const ROWS: Statement[] = [
  addShoe("a", 2),
  addShoe("b", 1),
  { sql: "INSERT INTO likes (shoe, user_id, created_at) VALUES (1, 'u', 5), (1, 'v', 6), (2, 'u', 7)" },
  { sql: "INSERT INTO audit (at, actor_kind, action, subject, detail) VALUES (8, 'system', 'x', 'y', '{}')" },
  { sql: "INSERT INTO writes (id, at) VALUES ('w', 9)" },
  // As after a pruning.
  { sql: "DELETE FROM changes WHERE seq < 3" },
];
const TABLES = ["shoes", "likes", "audit", "writes", "changes", "facets"];

/** The database of a file or a server before the migration, and the step that applies it. */
type Backing = { db: Database; migrate(): Promise<unknown>; remove(): Promise<void> };

async function onFile(): Promise<Backing> {
  const folder = mkdtempSync(join(tmpdir(), "insole-kept-rows-"));
  const path = join(folder, "insole.db");
  migrate(path, BEFORE);
  const db = openFile(path);
  const remove = async () => {
    await db.close();
    rmSync(folder, { recursive: true });
  };
  return { db, migrate: async () => migrate(path), remove };
}

async function onServer(): Promise<Backing> {
  const server = await openTestServer(null);
  await migrateServer(server, BEFORE);
  const db = openRemote(server, { deadlineMs: 10_000 });
  const remove = async () => {
    await db.close();
    await server.remove();
  };
  return { db, migrate: () => migrateServer(server), remove };
}

test.each([
  ["file", onFile],
  ["server", onServer],
])("on a %s", async (_name, open) => {
  const { db, migrate, remove } = await open();
  const all = (sql: string) => db.onPrimary(({ read }) => read.all(sql));
  const rows = () => Promise.all(TABLES.map((table) => all(`SELECT * FROM ${table} ORDER BY 1, 2`)));
  await db.write(ROWS);
  const before = await rows();
  const [[last] = []] = await all("SELECT max(seq) FROM changes");
  await migrate();
  expect(await rows()).toEqual(before);
  expect(await all("PRAGMA foreign_key_check")).toEqual([]);

  const next = await db.write([{ sql: "INSERT INTO changes (kind) VALUES ('session') RETURNING seq" }]);
  expect(next[0]?.rows).toEqual([[Number(last) + 1]]);
  const newest = { sql: "DELETE FROM changes WHERE seq = (SELECT max(seq) FROM changes)" };
  expectRefusal(await failure(db.write([newest])), "check", []);
  await db.write([{ sql: "DELETE FROM shoes WHERE shoe_id = 'a'" }]);
  expect(await all("SELECT shoe, user_id FROM likes")).toEqual([[2, "u"]]);
  await remove();
});
