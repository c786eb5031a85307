// The whole door: commits, queries, migrations and replicas of the real driver through it, and what a reading token gets.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import Database from "libsql";
import { type CommitReply, DOOR, type QueryReply } from "../../../db/server/door-protocol.ts";
import { until } from "../../../db/until.ts";
import { openTestDoor, type TestDoor } from "../../testing/door.ts";

let folder: string;
let door: TestDoor;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "insole-rooms-"));
  // The driver blocks this thread, so the door has a process of its own.
  door = await openTestDoor({ isProcess: true });
});
afterEach(async () => {
  await door.remove();
  rmSync(folder, { recursive: true, force: true });
});

const post = (path: string, body: unknown, token = door.writeToken): Promise<Response> =>
  fetch(door.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "x-authorization": `Bearer ${token}` },
    body: JSON.stringify(body),
  });
/** Through the client of migrations, which resolves its paths against the address: that ends with a slash. */
async function migrate(sql: string, token = door.writeToken): Promise<void> {
  const client = createClient({ url: `${door.url}${DOOR.migrations}/`, authToken: token });
  try {
    await client.executeMultiple(sql);
  } finally {
    client.close();
  }
}
async function addNotes(...names: string[]): Promise<void> {
  const members = names.map((value) => ({
    writeId: null,
    statements: [{ sql: "INSERT INTO notes (name) VALUES (?)", args: [{ type: "text", value }] }],
  }));
  const response = await post(DOOR.commit, { dataset: door.datasetId, waitMs: 5_000, members });
  const { outcomes } = (await response.json()) as CommitReply;
  expect([response.status, outcomes.map(({ ok }) => ok)]).toEqual([200, names.map(() => true)]);
}
async function notes(): Promise<unknown[]> {
  const queries = [{ sql: "SELECT name FROM notes ORDER BY name", args: [] }];
  const response = await post(DOOR.query, { dataset: door.datasetId, waitMs: 5_000, queries });
  const { rows } = (await response.json()) as QueryReply;
  return rows[0]?.map(([cell]) => cell) ?? [];
}
const TABLE = "BEGIN; CREATE TABLE notes (name TEXT PRIMARY KEY); COMMIT;";

test("a migration, commits and queries go through", async () => {
  await migrate(TABLE);
  await addNotes("one", "two");
  expect(await notes()).toEqual(["one", "two"].map((value) => ({ type: "text", value })));
});

test("a replica with a reading token follows, over new lives of the door and of the server", async () => {
  await migrate(TABLE);
  const replica = new Database(join(folder, "replica.db"), {
    syncUrl: door.url,
    authToken: door.readToken,
  } as never);
  // The driver's types know neither the token nor what a sync returns.
  const sync = () => (replica.sync() as unknown as { frames_synced: number }).frames_synced;
  const expectNotes = (...names: string[]) =>
    expect(replica.prepare("SELECT name FROM notes ORDER BY name").all()).toEqual(
      names.map((name) => ({ name })),
    );
  sync();
  expectNotes();
  await addNotes("one");
  sync();
  expectNotes("one");

  await door.killDoor();
  await door.startDoor();
  await until("the door has its keys", async () => (await post(DOOR.query, {})).status === 400);
  await addNotes("two");
  const framesOfTwo = sync();
  expectNotes("one", "two");

  await door.stopServer();
  await door.startServer();
  await until("the server's next life", async () => (await post(DOOR.query, {})).status === 400);
  await addNotes("three");
  // A new life has a new log: the replica fetches all of it.
  const framesOfThree = sync();
  expect(framesOfThree).toBeGreaterThan(framesOfTwo);
  expectNotes("one", "three", "two");

  door.revoke(door.readToken);
  await until(
    "the token is refused",
    async () => (await post(DOOR.waiting, {}, door.readToken)).status === 401,
  );
  expect(sync).toThrow("PrimaryHandshakeTimeout");
  replica.close();
}, 30_000);

test("a reading token neither reads nor writes a file, changes nothing, and stops no write", async () => {
  await migrate(TABLE);
  const target = join(folder, "written");
  for (const sql of [
    `SELECT writefile('${target}', 'x')`,
    "SELECT hex(readfile('/etc/passwd'))",
    "BEGIN IMMEDIATE",
    "INSERT INTO notes VALUES ('forged')",
    "SELECT 1",
  ]) {
    const statement = { sql, args: [] };
    const pipeline = { baton: null, requests: [{ type: "execute", stmt: { sql } }] };
    const member = { writeId: null, statements: [statement] };
    for (const [path, body, status] of [
      ["/v1/commit", { dataset: null, waitMs: 100, members: [member] }, 403],
      ["/v1/query", { dataset: null, waitMs: 100, queries: [statement] }, 403],
      ["/migrations/v2/pipeline", pipeline, 403],
      ["/migrations/v3/pipeline", pipeline, 403],
      ["/v2/pipeline", pipeline, 404],
      ["/v3/pipeline", pipeline, 404],
      ["/v1/execute", { stmt: { sql } }, 404],
      ["/", { statements: [sql] }, 404],
    ] as const) {
      const response = await post(path, body, door.readToken);
      expect([path, response.status]).toEqual([path, status]);
    }
    const asTold = await fetch(`${door.server.url}/v2/pipeline`, {
      method: "POST",
      headers: { authorization: `Bearer ${door.readToken}` },
      body: JSON.stringify(pipeline),
    });
    expect(asTold.status).toBe(401);
  }
  await expect(migrate("SELECT 1", door.readToken)).rejects.toThrow("403");
  await addNotes("one");
  expect(await notes()).toEqual([{ type: "text", value: "one" }]);
  expect(existsSync(target)).toBe(false);
});

test.each([
  [DOOR.commit, { dataset: null, waitMs: 1 }, "members"],
  [DOOR.commit, { dataset: null, waitMs: "1", members: [] }, "waitMs"],
  [DOOR.commit, [], "body"],
  [DOOR.query, { dataset: 1, waitMs: 1, queries: [] }, "dataset"],
  [DOOR.waiting, { generation: "one" }, "seq"],
] as const)("%s says which field of %j is wrong", async (path, body, field) => {
  const response = await post(path, body);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    kind: "failed",
    message: expect.stringContaining(field),
    columns: [],
  });
});
