// Opening the database: migrated, closed to other users, and the same for the service, an import and a command.
import { afterAll, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { openFile } from "../db/file.ts";
import { stateOf } from "../db/position.ts";
import { migratedTemplate, openTestServer } from "../db/testing/server.ts";
import { until } from "../db/until.ts";
import { makeKeys, makeToken, PUBLIC_FILE, readKeys } from "../replicas/primary/keys.ts";
import { untilUnused } from "../replicas/testing/replica.ts";
import { openLog } from "./log.ts";
import { openDatabase, openForCommand } from "./open.ts";
import { openFolder } from "./testing/shop.ts";

const folder = openFolder();
afterAll(folder.remove);

const locationOf = (name: string) => ({
  primary: null,
  databasePath: join(folder.path, name, "insole.db"),
  syncIntervalMs: 90,
});

test("a missing file is created, migrated and closed to other users; the migration is logged once", async () => {
  const lines: string[] = [];
  const log = openLog("debug", "json", (line) => lines.push(JSON.parse(line).message));
  const location = locationOf("new");
  for (const _ of ["first", "second"]) {
    const { role, db } = await openDatabase(location, { log });
    expect(role).toBe("single");
    expect(db.read.get("SELECT count(*) FROM shoes")).toEqual([0]);
    expect(statSync(location.databasePath).mode & 0o777).toBe(0o600);
    await db.close();
  }
  expect(lines).toEqual(["migrated"]);
});

test("a command reads the service's rows, and also creates a missing file", async () => {
  const log = openLog("error", "json", () => undefined);
  const location = locationOf("shared");
  const command = await openForCommand(location);
  const { db } = await openDatabase(location, { log });
  await db.write([{ sql: "INSERT INTO writes (id, at) VALUES ('mine', 1)" }]);
  expect(command.read.all("SELECT id FROM writes")).toEqual([["mine"]]);
  await Promise.all([command.close(), db.close()]);
});

test("a command opens the primary itself, without a replica and without reads on the serving thread", async () => {
  const primary = { url: "http://127.0.0.1:9", writeToken: "", syncToken: "" };
  const location = { ...locationOf("remote"), primary };
  const db = await openForCommand(location);
  expect(db.isRemote).toBe(true);
  expect(() => db.read.get("SELECT 1")).toThrow();
  expect(statSync(location.databasePath, { throwIfNoEntry: false })).toBeUndefined();
  await db.close();
});

test("a command writes to the primary with the token for writing", async () => {
  const asked: (string | null)[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ headers }) {
      asked.push(headers.get("authorization"));
      return new Response("refused", { status: 401 });
    },
  });
  const primary = { url: server.url.origin, writeToken: "may-write", syncToken: "may-read" };
  const db = await openForCommand({ ...locationOf("tokens"), primary });
  await expect(db.write([{ sql: "SELECT 1" }])).rejects.toThrow();
  await expect(db.scan([{ sql: "SELECT 1" }])).rejects.toThrow();
  await db.close();
  await server.stop(true);
  expect(asked.length).toBeGreaterThanOrEqual(2);
  expect(new Set(asked)).toEqual(new Set(["Bearer may-write"]));
});

test("a node syncs with the token for reading, and writes with the one for writing", async () => {
  const lines: { level: string; message: string; reason?: string }[] = [];
  const log = openLog("info", "json", (line) => lines.push(JSON.parse(line)));
  const keysFolder = join(folder.path, "keys");
  const template = migratedTemplate(folder.path);
  const handle = openFile(template);
  makeKeys(keysFolder, stateOf(handle.read).id);
  await handle.close();
  const keys = readKeys(keysFolder);
  const server = await openTestServer(template, ["--auth-jwt-key-file", join(keysFolder, PUBLIC_FILE)]);
  const syncToken = makeToken(keys, { kind: "read", days: 90 }, Date.now());
  const openNode = (name: string, writeToken: string) =>
    openDatabase({ ...locationOf(name), primary: { url: server.url, writeToken, syncToken } }, { log });
  const insert = (id: string) => ({ sql: "INSERT INTO writes (id, at) VALUES (?, 1)", args: [id] });

  const { role, db } = await openNode("writer", makeToken(keys, { kind: "write", days: 1 }, Date.now()));
  expect(role).toBe("node");
  await db.write([insert("mine")]);
  const ids = () => db.read.all("SELECT id FROM writes WHERE id = 'mine'");
  await until("the replica has the write", () => ids().length === 1);
  const { db: other } = await openNode("reader", "not a token");
  await expect(other.write([insert("refused")])).rejects.toMatchObject({ kind: "unreachable" });
  expect(other.read.all("SELECT id FROM writes WHERE id = 'refused'")).toEqual([]);
  // A primary that cannot write is told from one that is busy, and logged by the node.
  await server.breakWrites(true);
  await expect(db.write([insert("x".repeat(100_000))])).rejects.toMatchObject({ kind: "unwritable" });
  await server.breakWrites(false);
  await db.write([insert("after")]);
  expect(lines.filter(({ message }) => message.includes("write"))).toMatchObject([
    { level: "error", message: "the machine fails writes", reason: "io-error" },
    { level: "info", message: "writes succeed again", reason: "io-error" },
  ]);
  await Promise.all([db.close(), other.close()]);
  await untilUnused(...["writer", "reader"].map((name) => locationOf(name).databasePath));
  await server.remove();
});
