// Migrations on a real server: the schema of a file, each applied once by any number of processes, errors in one sentence.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../ports.ts";
import { openHandle } from "../read/reader.ts";
import { openRemote } from "../server/remote.ts";
import { openTestServer } from "../testing/server.ts";
import { migrate, readMigrations } from "./migrate.ts";
import { migrateServer } from "./migrate-server.ts";

const CACHE_KB = 1_000;
const SCHEMA = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'libsql%' ORDER BY type, name";
const NAMES = readMigrations().map(({ name }) => name);

test("an empty server gets the schema of a file, once, also from three processes at once", async () => {
  const server = await openTestServer(null);
  const applied = await Promise.all([1, 2, 3].map(() => migrateServer(server)));
  expect(applied.flat().sort()).toEqual(NAMES);
  expect(await migrateServer(server)).toEqual([]);

  const folder = mkdtempSync(join(tmpdir(), "insole-migrate-"));
  migrate(join(folder, "file.db"));
  const handle = openHandle(join(folder, "file.db"), CACHE_KB);
  const onFile = handle.prepare(SCHEMA).raw(true).all([]);
  handle.close();
  rmSync(folder, { recursive: true });
  const remote = openRemote(server);
  expect(await remote.onPrimary(({ read }) => read.all(SCHEMA))).toEqual(onFile as never);
  await remote.close();
  await server.remove();
});

test("a failing migration is undone, and a changed one is refused", async () => {
  const server = await openTestServer(null);
  const [first] = readMigrations();
  if (!first) throw new Error("there is a first migration");
  const broken = {
    ...first,
    number: 2,
    name: "0002_broken.sql",
    sql: "CREATE TABLE half (a); CREATE TABLE half (a);",
  };
  await expect(migrateServer(server, [first, broken])).rejects.toThrow("migration 0002_broken.sql failed");
  const remote = openRemote(server);
  expect(await remote.onPrimary(({ read }) => read.all("SELECT name FROM migrations"))).toEqual([
    [first.name],
  ]);
  expect(
    await remote.onPrimary(({ read }) => read.all("SELECT 1 FROM sqlite_schema WHERE name = 'half'")),
  ).toEqual([]);
  await expect(migrateServer(server, [{ ...first, checksum: "other" }])).rejects.toThrow("was changed");
  await remote.close();
  await server.remove();
});

test("the command sends the first token, which is the one that may write", async () => {
  const tokens = new Set<string | null>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch({ headers }) {
      tokens.add(headers.get("authorization"));
      return new Response(null, { status: 401 });
    },
  });
  const env = { DATABASE_URL: server.url.href, DATABASE_AUTH_TOKEN: " write , read " };
  const command = Bun.spawn([process.execPath, join(import.meta.dir, "command.ts")], { env, stderr: "pipe" });
  expect(await new Response(command.stderr).text()).toMatch(/^insole: [^\n]+\n$/);
  expect(await command.exited).toBe(1);
  expect([...tokens]).toEqual(["Bearer write"]);
  await server.stop(true);
});

test("an unreachable server is named in one sentence", async () => {
  const url = `http://127.0.0.1:${freePort()}`;
  await expect(migrateServer({ url, authToken: "" })).rejects.toThrow(url);
});
