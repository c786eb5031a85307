// The client of a door: what it sends, how it reads replies and errors, and how it finds out which server stands at the address.
import { afterAll, beforeEach, expect, onTestFinished, spyOn, test } from "bun:test";
import { createServer } from "node:net";
import type { DatabaseErrorKind } from "../errors.ts";
import { must } from "../must.ts";
import { freePort } from "../ports.ts";
import { expectRefusal, failure, word } from "../testing/contract-parts.ts";
import { openDoorClient } from "./door.ts";
import type { CommitReply, CommitRequest, QueryRequest } from "./door-protocol.ts";
import { LIMITS, openRemote } from "./remote.ts";

type Answer = (path: string, body: unknown) => Response | Promise<Response>;

/** A door of the test: it notes what comes, and answers as the test says; `isDoor` is false where a bare server stands there. */
const requests: { path: string; body: unknown }[] = [];
let answer: Answer;
let isDoor = true;
const listener = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const path = new URL(request.url).pathname;
    const body = request.method === "POST" ? await request.json() : null;
    requests.push({ path, body });
    expect(request.headers.get("authorization")).toBe("Bearer token");
    const isForDoor = !path.startsWith("/v3");
    if (isForDoor !== isDoor) return new Response(null, { status: 404 });
    if (path === "/dataset") return Response.json({ id: "ours", generation: "one" });
    return answer(path, body);
  },
});
const server = { url: listener.url.origin, authToken: "token", dataset: () => "ours" };
const paths = () => requests.map(({ path }) => path);
beforeEach(() => {
  requests.length = 0;
  isDoor = true;
  answer = (path, body) => (path === "/v1/commit" ? done(body) : Response.json({ rows: [[]] }));
});
afterAll(() => listener.stop(true));

/** The reply of a door that has done each member: one result for each statement, and a position. */
function done(body: unknown): Response {
  const { members } = body as CommitRequest;
  const outcomes = members.map(({ statements }) => ({
    ok: true as const,
    results: statements.map(() => ({ changes: 1, rows: [[{ type: "integer" as const, value: "7" }]] })),
  }));
  return Response.json({ outcomes, position: { generation: "one", seq: 5 } } satisfies CommitReply);
}
/** The reply of a bare server to a group of one member with one statement. */
function doneByServer(body: unknown): Response {
  const { steps } = (body as { requests: { batch: { steps: { stmt: { sql: string } }[] } }[] }).requests[0]
    ?.batch ?? { steps: [] };
  const row = { cols: [{}], rows: [[{ type: "text", value: "ours" }]], affected_row_count: 1 };
  const result = { step_results: steps.map(() => row), step_errors: steps.map(() => null) };
  return Response.json({ baton: null, results: [{ type: "ok", response: { type: "batch", result } }] });
}

test("a write goes with its id and without the statement that records it, and its results come back", async () => {
  const db = openRemote(server);
  const results = await db.write([word("a"), { sql: "INSERT ... RETURNING", args: [1, 0.5, null] }], "id");
  expect(results).toEqual([
    { changes: 1, rows: [[7]] },
    { changes: 1, rows: [[7]] },
  ]);
  expect(db.written()).toEqual({ generation: "one", seq: 5 });
  const { dataset, members } = must(requests[1], "the commit").body as CommitRequest;
  expect([paths(), dataset]).toEqual([["/dataset", "/v1/commit"], "ours"]);
  expect(members).toEqual([
    {
      writeId: "id",
      statements: [
        { sql: word("a").sql, args: [{ type: "text", value: "a" }] },
        {
          sql: "INSERT ... RETURNING",
          args: [{ type: "integer", value: "1" }, { type: "float", value: 0.5 }, { type: "null" }],
        },
      ],
    },
  ]);
  expect(await db.write([word("without an id")])).toHaveLength(1);
  await db.close();
});

test("queries go with their arguments, and their rows come back", async () => {
  answer = () => Response.json({ rows: [[[{ type: "text", value: "x" }]], []] });
  const db = openRemote(server);
  expect(await db.scan([{ sql: "a", args: ["x"] }, { sql: "b" }])).toEqual([[["x"]], []]);
  const { dataset, queries } = must(requests[1], "the queries").body as QueryRequest;
  expect([dataset, queries.map(({ sql }) => sql)]).toEqual(["ours", ["a", "b"]]);
  await db.close();
});

test("the door gives up waiting for the server before its client does", async () => {
  const client = openDoorClient(server);
  // None passes here: a real one of a millisecond may pass before anything is sent.
  const deadlines = spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  onTestFinished(() => deadlines.mockRestore());
  for (const ms of [1, 100, 250, LIMITS.commitMs, LIMITS.queryMs, 30_000]) {
    requests.length = 0;
    deadlines.mockClear();
    await Promise.all([client.commit([[word("a")]], [undefined], ms), client.query([{ sql: "a" }], ms)]);
    expect(deadlines.mock.calls).toEqual([[ms], [ms]]);
    expect(requests).toHaveLength(2);
    for (const { body } of requests) {
      const { waitMs } = body as CommitRequest;
      expect(waitMs).toBeWithin(0, ms);
      // The rest is for the way, and for a group that was sent in the last moment.
      if (ms >= LIMITS.commitMs) expect(ms - waitMs).toBeGreaterThanOrEqual(200);
      // A write may wait for the group before it, and then in the door.
      if (ms === LIMITS.commitMs) expect(ms + waitMs).toBeLessThan(2_000);
    }
  }
});

const error = (kind: DatabaseErrorKind) => ({ kind, message: "why", columns: ["words.word"] });
test.each<[string, () => Response, DatabaseErrorKind, DatabaseErrorKind]>([
  ["503 with its kind", () => Response.json(error("busy"), { status: 503 }), "busy", "busy"],
  [
    "409 with its kind",
    () => Response.json(error("unreachable"), { status: 409 }),
    "unreachable",
    "unreachable",
  ],
  ["500 with its kind", () => Response.json(error("uncertain"), { status: 500 }), "uncertain", "unreachable"],
  ["401 without a body", () => new Response(null, { status: 401 }), "unreachable", "unreachable"],
  ["403 with another body", () => new Response("no", { status: 403 }), "unreachable", "unreachable"],
  ["413 without a body", () => new Response(null, { status: 413 }), "failed", "failed"],
  ["429 without a body", () => new Response(null, { status: 429 }), "busy", "busy"],
  ["503 without a body", () => new Response(null, { status: 503 }), "busy", "busy"],
  ["502 of something else", () => Response.json({ kind: 7 }, { status: 502 }), "uncertain", "unreachable"],
  ["200 that is no JSON", () => new Response("{"), "uncertain", "unreachable"],
])("%s", async (_name, reply, ofCommit, ofQuery) => {
  answer = reply;
  const client = openDoorClient(server);
  const [commit, query] = await Promise.all([
    failure(client.commit([[word("a")]], ["id"], 5_000)),
    failure(client.query([{ sql: "a" }], 5_000)),
  ]);
  expect([commit, query]).toMatchObject([{ kind: ofCommit }, { kind: ofQuery }]);
});

test("the message and the columns of an error come with it", async () => {
  answer = () => Response.json(error("unique"), { status: 409 });
  const refusal = await failure(openDoorClient(server).query([{ sql: "a" }], 5_000));
  expectRefusal(refusal, "unique", ["words.word"]);
  expect(String(refusal)).toContain("why");
});

test("each member has an outcome of its own", async () => {
  const outcomes = [
    { ok: false as const, ...error("unique") },
    { ok: true as const, results: [] },
  ];
  answer = () => Response.json({ outcomes, position: null } satisfies CommitReply);
  const group = [[word("recorded"), word("a")], [word("b")]];
  expect(await openDoorClient(server).commit(group, ["id", undefined], 5_000)).toEqual({
    outcomes: [
      { ok: false, ...error("unique") },
      { ok: true, results: [] },
    ],
    position: null,
  });
});

test("no listener is nothing done; a connection that ends before the whole reply has come is not known", async () => {
  const nobody = openDoorClient({ url: `http://127.0.0.1:${freePort()}`, authToken: "" });
  expectRefusal(await failure(nobody.commit([[word("a")]], ["id"], 5_000)), "unreachable");
  for (const reply of ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"]) {
    const ending = createServer((socket) => {
      socket.once("data", () => socket.end(reply));
      socket.on("error", () => {});
    });
    const port = freePort();
    await new Promise<void>((resolve) => ending.listen(port, "127.0.0.1", resolve));
    const client = openDoorClient({ url: `http://127.0.0.1:${port}`, authToken: "" });
    expectRefusal(await failure(client.commit([[word("a")]], ["id"], 5_000)), "uncertain");
    expectRefusal(await failure(client.query([{ sql: "a" }], 5_000)), "unreachable");
    ending.close();
  }
});

test("the kind is asked before the first request alone, and anew after a 404, by which nothing was done", async () => {
  const db = openRemote(server);
  for (const sql of ["a", "b", "c"]) await db.scan([{ sql }]);
  expect(paths().filter((path) => path === "/dataset")).toHaveLength(1);
  requests.length = 0;
  isDoor = false;
  answer = (path, body) =>
    path === "/v3/pipeline" ? doneByServer(body) : new Response(null, { status: 500 });
  expect(await db.write([word("to the server")])).toHaveLength(1);
  expect(paths()).toEqual(["/v1/commit", "/dataset", "/v3/pipeline"]);
  requests.length = 0;
  isDoor = true;
  answer = (_path, body) => done(body);
  expect(await db.write([word("to the door")])).toHaveLength(1);
  expect(paths()).toEqual(["/v3/pipeline", "/dataset", "/v1/commit"]);
  await db.close();
});

test("an address that knows neither way is unreachable", async () => {
  answer = () => new Response(null, { status: 404 });
  const db = openRemote(server);
  const refusal = await failure(db.scan([{ sql: "a" }]));
  expectRefusal(refusal, "unreachable");
  expect(String(refusal)).toContain("neither a door nor a libSQL server");
  expect(paths()).toEqual(["/dataset", "/v1/query", "/dataset", "/v1/query"]);
  await db.close();
});

test("a busy door is not tried again by its client, and the next write goes at once", async () => {
  answer = () => Response.json(error("busy"), { status: 503 });
  const db = openRemote(server);
  expectRefusal(await failure(db.write([word("a")])), "busy");
  expect(paths()).toEqual(["/dataset", "/v1/commit"]);
  answer = (_path, body) => done(body);
  await db.write([word("b")]);
  expect(paths()).toEqual(["/dataset", "/v1/commit", "/v1/commit"]);
  await db.close();
});

test("after an unknown outcome the write ids decide: a write that was not done is sent once more", async () => {
  let found: string[] = [];
  answer = (path, body) => {
    if (path === "/v1/query")
      return Response.json({ rows: [found.map((value) => [{ type: "text", value }])] });
    // Half of an answer to the first commit.
    return paths().filter((each) => each === path).length === 1 ? new Response("{") : done(body);
  };
  const db = openRemote(server);
  expect(await db.write([word("a")], "not done")).toHaveLength(1);
  // Before a group is sent again the door must answer.
  expect(paths()).toEqual(["/dataset", "/v1/commit", "/v1/query", "/v1/query", "/v1/commit"]);
  const { queries } = must(requests[2], "the query").body as QueryRequest;
  expect(queries[0]?.args).toEqual([{ type: "text", value: '["not done"]' }]);
  requests.length = 0;
  found = ["done"];
  expectRefusal(await failure(db.write([word("b")], "done")), "uncertain");
  expect(paths()).toEqual(["/v1/commit", "/v1/query"]);
  await db.close();
});
