// Migrations through the door by the real client: one at a time, while commits wait, and given up when their client is gone.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readMigrations } from "../../../../db/schema/migrate.ts";
import { findServerAlterations, migrateServer } from "../../../../db/schema/migrate-server.ts";
import { openTestServer, type TestServer } from "../../../../db/testing/server.ts";
import { until } from "../../../../db/until.ts";
import { type Lives, openLives } from "../lives.ts";
import { type Migrations, openMigrations } from "./migrations.ts";

const NAMES = readMigrations().map(({ name }) => name);
const PREFIX = "/migrations";
const LONG_MS = 30_000;
let server: TestServer;
let lives: Lives;
let changes: number;
let quiet: Promise<void>;
let listener: ReturnType<typeof Bun.serve>;
let migrations: Migrations;

/** Opens the way for migrations behind a listener; a stream may be idle for so long. */
function open(idleMs: number, waitMs = LONG_MS): void {
  migrations = openMigrations({
    lives,
    onChange() {
      changes += 1;
    },
    untilQuiet: () => quiet,
    idleMs,
    waitMs,
  });
}

beforeEach(async () => {
  server = await openTestServer(null);
  lives = openLives();
  lives.begin({ url: server.url, writeToken: "", readToken: "" });
  changes = 0;
  quiet = Promise.resolve();
  open(LONG_MS);
  listener = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => migrations.handle(request, new URL(request.url).pathname.slice(PREFIX.length)),
  });
});
afterEach(async () => {
  await migrations.close();
  await listener.stop(true);
  await server.remove();
});

const url = () => `http://127.0.0.1:${listener.port}${PREFIX}`;

type Reply = { baton: string | null; results: { type: string }[]; kind?: string; message?: string };

/** Sends requests of one stream as the client does. */
async function send(baton: string | null, requests: object[]): Promise<Reply> {
  const body = JSON.stringify({ baton, requests });
  const response = await fetch(`${url()}/v2/pipeline`, { method: "POST", body });
  return (await response.json()) as Reply;
}

const sequence = (sql: string) => ({ type: "sequence", sql });

test("a real migration works through it, once for several clients, and so does the look at alterations", async () => {
  // The client resolves its paths against the address, so it ends with a slash.
  const address = { url: `${url()}/`, authToken: "a node's" };
  const applied = await Promise.all([1, 2, 3].map(() => migrateServer(address)));
  expect(applied.flat().sort()).toEqual(NAMES);
  expect(changes).toBeGreaterThan(NAMES.length);
  expect(await findServerAlterations(address)).toEqual([]);
  expect(migrations.isHeld()).toBe(false);
});

test("waits for the group under way, and holds others off until its stream is closed", async () => {
  const underway = Promise.withResolvers<void>();
  quiet = underway.promise;
  let begun: Reply | undefined;
  const beginning = send(null, [sequence("BEGIN IMMEDIATE; CREATE TABLE a (b)")]).then((reply) => {
    begun = reply;
  });
  await until("it holds groups off", migrations.isHeld);
  expect(begun).toBeUndefined();
  underway.resolve();
  await beginning;
  expect(begun?.results[0]?.type).toBe("ok");

  const second = send(null, [sequence("CREATE TABLE c (d)"), { type: "close" }]);
  const foreign = await send("other", [sequence("COMMIT")]);
  expect(foreign).toMatchObject({
    kind: "failed",
    message: "this baton is of no stream that migrates the primary",
  });
  const ended = await send(begun?.baton ?? "", [sequence("COMMIT"), { type: "close" }]);
  expect(ended.baton).toBeNull();
  expect((await second).results.map(({ type }) => type)).toEqual(["ok", "ok"]);
  expect(migrations.isHeld()).toBe(false);
});

test("a stream that is idle is given up and undone, and another client is refused in time", async () => {
  open(300, 50);
  const { baton } = await send(null, [sequence("BEGIN IMMEDIATE; CREATE TABLE a (b)")]);
  expect(await send(null, [sequence("SELECT 1")])).toMatchObject({ kind: "busy" });
  await until("it is given up", () => !migrations.isHeld());
  expect(await send(baton, [sequence("COMMIT")])).toMatchObject({ kind: "failed" });
  const { results } = await send(null, [sequence("CREATE TABLE a (b)"), { type: "close" }]);
  expect(results[0]?.type).toBe("ok");
});

test("a client that goes away ends its statement and its hold", async () => {
  const forever =
    "CREATE TABLE a AS WITH b (c) AS (SELECT 1 UNION ALL SELECT c + 1 FROM b WHERE c < 100000000000) SELECT max(c) FROM b";
  const gone = new AbortController();
  const body = JSON.stringify({ baton: null, requests: [sequence(forever)] });
  const sent = fetch(`${url()}/v2/pipeline`, { method: "POST", body, signal: gone.signal }).catch(() => null);
  await until("it is under way", migrations.isHeld);
  gone.abort();
  await sent;
  await until("its hold is over", () => !migrations.isHeld());
  const { results } = await send(null, [sequence("CREATE TABLE a (b)"), { type: "close" }]);
  expect(results[0]?.type).toBe("ok");
});

test("refuses SQL that reaches beyond the database, wherever it stands in the request", async () => {
  const sql = "SELECT readfile('/etc/hostname')";
  const requests = [
    sequence(sql),
    { type: "execute", stmt: { sql } },
    { type: "store_sql", sql_id: 1, sql },
    { type: "batch", batch: { steps: [{ stmt: { sql } }] } },
  ];
  for (const request of requests)
    expect(await send(null, [sequence("SELECT 1"), request])).toMatchObject({ kind: "failed" });
  expect(changes).toBe(0);
});

test("answers which versions there are, and nothing else", async () => {
  const statusOf = async (path: string, method = "GET") => (await fetch(url() + path, { method })).status;
  expect([await statusOf("/v2"), await statusOf("/v3")]).toEqual([200, 200]);
  for (const path of ["/v3-protobuf", "/dump", "", "/v3/cursor", "/v3/pipeline"])
    expect([path, await statusOf(path)]).toEqual([path, 404]);
  lives.end();
  expect(await statusOf("/v3")).toBe(503);
});
