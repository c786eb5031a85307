// How many customers registered in a span: at its bounds, with clocks in disorder, and how much of the table is read.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database, Statement } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { hasServer, openRowCounter } from "../testing/rows-read.ts";
import { type Folder, openFolder } from "../testing/shop.ts";
import { countRegistered } from "./registrations.ts";

const START_MS = Date.UTC(2026, 2, 29);
const HOUR_MS = 3_600_000;
const DAY = { startMs: START_MS, endMs: START_MS + 24 * HOUR_MS };

let folder: Folder;
let files = 0;
const open: Database[] = [];
beforeAll(() => {
  folder = openFolder();
});
afterAll(async () => {
  for (const db of open) await db.close();
  folder.remove();
});

const adding = (createdMs: number, role: string, at: number): Statement => ({
  sql: `INSERT INTO users (id, email, email_key, name, role, password_hash, created_at, updated_at)
    VALUES (?1, ?1 || '@shop.example', ?1 || '@shop.example', 'A', ?2, '', ?3, ?3)`,
  args: [`user-${at}`, role, createdMs],
});

async function shopWith(accounts: readonly (number | [number, string])[]) {
  const path = join(folder.path, `${++files}.db`);
  migrate(path);
  const db = openFile(path);
  open.push(db);
  const rows = accounts.map((each) => (typeof each === "number" ? ([each, "customer"] as const) : each));
  if (rows.length > 0) await db.write(rows.map(([createdMs, role], at) => adding(createdMs, role, at)));
  return { db, path };
}

test.each<[string, (number | [number, string])[], number]>([
  ["none", [], 0],
  ["the bounds", [DAY.startMs - 1, DAY.startMs, DAY.endMs - 1, DAY.endMs], 2],
  ["all older", [DAY.startMs - 2 * HOUR_MS, DAY.startMs - 1], 0],
  ["all newer", [DAY.endMs, DAY.endMs + 7 * 24 * HOUR_MS], 0],
  ["admins are no customers", [[DAY.startMs, "admin"], DAY.startMs], 1],
  // The clock of the second node is most of an hour behind.
  ["committed in disorder", [DAY.startMs + 5, DAY.startMs - HOUR_MS, DAY.startMs + 6], 2],
])("%s", async (_name, accounts, expected) => {
  const { db } = await shopWith(accounts);
  expect(await countRegistered(db.scan, DAY)).toBe(expected);
});

test("a removed account no longer counts", async () => {
  const { db } = await shopWith([DAY.startMs, DAY.startMs]);
  await db.write([{ sql: "DELETE FROM users WHERE id = 'user-1'" }]);
  expect(await countRegistered(db.scan, DAY)).toBe(1);
});

test.if(hasServer)("accounts that are older than the day are not read", async () => {
  const old = Array.from({ length: 3_000 }, (_, at) => DAY.startMs - (4_000 - at) * HOUR_MS);
  const { db, path } = await shopWith([...old, DAY.startMs, DAY.startMs + 1, DAY.endMs]);
  let asked: Statement[] = [];
  await countRegistered((queries) => {
    asked = queries;
    return db.scan(queries);
  }, DAY);
  const counter = await openRowCounter(path);
  const [read] = await counter.count(asked.map(({ sql, args = [] }) => ({ sql, args })));
  await counter.close();
  expect(read).toBeWithin(1, 12);
});
