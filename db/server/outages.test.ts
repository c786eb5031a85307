// A server that refuses or holds what it gets: which batches are sent to it, and what is done in the end.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectRefusal, failure, word } from "../testing/contract-parts.ts";
import { openRelay } from "../testing/relay.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../testing/server.ts";
import { until } from "../until.ts";
import { openRemote, type RemoteOptions } from "./remote.ts";

/** Queries under way at once. */
const QUERIES_MAX = 8;
const SHORT_MS = 100;
const folder = mkdtempSync(join(tmpdir(), "insole-outages-"));
let server: TestServer;
let relay: ReturnType<typeof openRelay>;
beforeAll(async () => {
  server = await openTestServer(migratedTemplate(folder));
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  relay = openRelay(server);
});
afterEach(() => relay.close());

const isGroup = (batch: string): boolean => batch.includes("BEGIN IMMEDIATE");
const groups = (): string[] => relay.batches.filter(isGroup);

/** Opens the database behind the relay, with limits that only the test shortens. */
const open = (limits: RemoteOptions = {}) =>
  openRemote(relay, { commitMs: 30_000, deadlineMs: 30_000, queryMs: 30_000, ...limits });

/** The words on the server that begin like this. */
async function wordsLike(start: string): Promise<string[]> {
  const db = openRemote(server, { queryMs: 30_000 });
  const [rows = []] = await db.scan([
    { sql: "SELECT word FROM words WHERE word LIKE ? || '%' ORDER BY word", args: [start] },
  ]);
  await db.close();
  return rows.map(([each]) => String(each));
}

/** Refuses so many groups with this status, and forwards the rest. */
function refuseGroups(count: number, status: number): void {
  let refused = 0;
  relay.treat((batch) => {
    if (!isGroup(batch) || refused === count) return "forward";
    refused += 1;
    return status;
  });
}

test.each([429, 503])(
  "a group that a busy server refuses with %d is sent again, and done once",
  async (status) => {
    const db = open();
    refuseGroups(3, status);
    await db.write([word(`busy ${status}`)], `busy ${status}`);
    expect(groups()).toHaveLength(4);
    expect(await wordsLike(`busy ${status}`)).toEqual([`busy ${status}`]);
    await db.close();
  },
);

test("a group that was refused four times is given up as not done, and the next one is tried", async () => {
  const db = open();
  refuseGroups(4, 429);
  expectRefusal(await failure(db.write([word("given up")], "given up")), "busy");
  expect(groups()).toHaveLength(4);
  await db.write([word("given a chance")]);
  expect(await wordsLike("given")).toEqual(["given a chance"]);
  await db.close();
});

test("after an uncertain outcome no group is sent before the server answers: the writes are refused as not done", async () => {
  const db = open({ commitMs: SHORT_MS });
  relay.treat(() => "hold");
  expectRefusal(await failure(db.write([word("lost first")], "lost first")), "uncertain");
  // For a second the queue refuses every write by itself; then it lets one through to try the server.
  let refusal: unknown;
  const isTried = async () => {
    refusal = await failure(db.write([word("lost second")], "lost second"));
    return (refusal as { kind?: string }).kind !== "overloaded";
  };
  await until("a write is let through", isTried);
  expectRefusal(refusal, "unreachable");
  expect(groups()).toHaveLength(1);
  relay.treat(() => "forward");
  let attempts = 0;
  const isDone = async () => (await failure(db.write([word(`lost not ${++attempts}`)]))) === "it was done";
  await until("a write is done", isDone);
  // The held groups never reached the server.
  for (const stored of await wordsLike("lost")) expect(stored).toStartWith("lost not ");
  await db.close();
});

test("when the server does not answer, the queries that wait are refused with those that were sent", async () => {
  const db = open({ queryMs: SHORT_MS });
  relay.treat(() => "hold");
  const crowd = Array.from({ length: 400 }, () => failure(db.scan([{ sql: "SELECT 1" }])));
  for (const refusal of await Promise.all(crowd)) expectRefusal(refusal, "unreachable");
  expect(relay.batches).toHaveLength(QUERIES_MAX);
  expectRefusal(await failure(db.scan([{ sql: "SELECT 1" }])), "unreachable");
  expect(relay.batches).toHaveLength(QUERIES_MAX);
  relay.treat(() => "forward");
  await until(
    "a query is answered",
    async () => (await failure(db.scan([{ sql: "SELECT 1" }]))) === "it was done",
  );
  await db.close();
});

test("a write that is done opens the way for queries at once", async () => {
  // A query that is not held has a hundred times as long as it needs.
  const db = open({ queryMs: 500 });
  relay.treat(() => "hold");
  expectRefusal(await failure(db.scan([{ sql: "SELECT 1" }])), "unreachable");
  relay.treat(() => "forward");
  await db.write([word("opens")]);
  expect(await db.scan([{ sql: "SELECT 1" }])).toEqual([[[1]]]);
  await db.close();
});
