// Which token opens which route: every path, with every method and every kind of token, and in odd spellings.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { openSigner, openTestDoor, type TestDoor } from "../../testing/door.ts";
import { openTestRooms, ROOM_STATUS } from "../../testing/rooms.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"] as const;
type Method = (typeof METHODS)[number];
type Row = { path: string; method: Method; reading: number; writing: number };

const READING: Row[] = [
  { path: "/dataset", method: "GET", reading: 200, writing: 200 },
  { path: "/v1/waiting", method: "POST", reading: 204, writing: 204 },
  { path: "/info", method: "GET", reading: ROOM_STATUS, writing: ROOM_STATUS },
  ...["Hello", "BatchLogEntries"].map(
    (name): Row => ({
      path: `/wal_log.ReplicationLog/${name}`,
      method: "POST",
      reading: ROOM_STATUS,
      writing: ROOM_STATUS,
    }),
  ),
];
const WRITING: Row[] = (
  [
    ["/v1/commit", "POST"],
    ["/v1/query", "POST"],
    ["/migrations/v2", "GET"],
    ["/migrations/v3", "GET"],
    ["/migrations/v2/pipeline", "POST"],
    ["/migrations/v3/pipeline", "POST"],
  ] as const
).map(([path, method]) => ({ path, method, reading: 403, writing: ROOM_STATUS }));
const ROUTES = [...READING, ...WRITING];
/** What a libSQL server has, and the door has not. */
const NOWHERE = [
  "/",
  "/v2",
  "/v2/pipeline",
  "/v3",
  "/v3/pipeline",
  "/v3/cursor",
  "/v3-protobuf/pipeline",
  "/dump",
  "/console",
  "/version",
  "/v1",
  "/v1/execute",
  "/v1/batch",
  "/migrations",
  "/migrations/",
  "/migrations/v1/commit",
  "/migrations/dump",
  "/wal_log.ReplicationLog",
  "/wal_log.ReplicationLog/LogEntries",
  "/wal_log.ReplicationLog/Other",
  "/proxy.Proxy/Execute",
  "/proxy.Proxy/StreamExec",
];

const rooms = openTestRooms();
let door: TestDoor;
let refused: [string, string | null][];
beforeAll(async () => {
  door = await openTestDoor({ rooms: () => rooms });
  const seconds = Math.floor(Date.now() / 1_000);
  const claims = { a: "rw", dataset: door.datasetId, exp: seconds + 60 };
  const revoked = door.token({ jti: "revoked" });
  door.revoke(revoked);
  const forged = (alg: string) =>
    door.token().replace(/^[^.]+/, Buffer.from(JSON.stringify({ alg })).toString("base64url"));
  const signed = forged("HS256").split(".").slice(0, 2).join(".");
  refused = [
    ["none", null],
    ["garbage", "garbage"],
    ["another key", openSigner().sign(claims)],
    ["alg none", forged("none").replace(/[^.]+$/, "")],
    [
      "HS256 by the public key",
      `${signed}.${createHmac("sha256", door.publicPem).update(signed).digest("base64url")}`,
    ],
    ["ended", door.token({ exp: seconds - 1 })],
    ["not valid yet", door.token({ nbf: seconds + 60 })],
    ["without an end", door.token({ exp: undefined })],
    ["another dataset", door.token({ dataset: "another" })],
    ["another access", door.token({ a: "admin" })],
    ["revoked", revoked],
    ["the server's", door.serverToken()],
  ];
});
afterAll(() => door.remove());
beforeEach(() => {
  rooms.visits.length = 0;
});

const POSITION = JSON.stringify({ generation: "one", seq: 1 });
async function ask(
  path: string,
  method: Method,
  token: string | null,
  header = "authorization",
): Promise<Response> {
  return await fetch(door.url + path, {
    method,
    headers: token === null ? {} : { [header]: `Bearer ${token}` },
    ...(/^P|^D/.test(method) ? { body: POSITION } : {}),
  });
}

/** Expects the body of a refusal, and that nothing of the token is in it. */
async function expectRefusal(response: Response, token: string | null, method: Method): Promise<void> {
  const text = await response.text();
  // Bun reads no body of the response to a TRACE either.
  if (method === "HEAD" || method === "TRACE") return;
  expect(JSON.parse(text)).toEqual({ kind: expect.any(String), message: expect.any(String), columns: [] });
  for (const part of token?.split(".") ?? []) if (part !== "") expect(text).not.toContain(part);
}

describe.each(ROUTES)("$method $path", ({ path, method, reading, writing }) => {
  test("with right tokens", async () => {
    expect((await ask(path, method, door.readToken)).status).toBe(reading);
    expect((await ask(path, method, door.writeToken)).status).toBe(writing);
    const opened = [reading, writing].filter((status) => status === ROOM_STATUS).map(() => path);
    expect(rooms.visits).toEqual(opened);
  });

  test("with tokens that are refused", async () => {
    for (const [name, token] of refused) {
      const response = await ask(path, method, token);
      expect([name, response.status, response.headers.get("www-authenticate")]).toEqual([
        name,
        401,
        "Bearer",
      ]);
      await expectRefusal(response, token, method);
    }
    expect(rooms.visits).toEqual([]);
  });

  test("with other methods", async () => {
    for (const other of METHODS.filter((each) => each !== method))
      for (const token of [null, door.readToken, door.writeToken]) {
        const response = await ask(path, other, token);
        expect([other, response.status, response.headers.get("allow")]).toEqual([other, 405, method]);
        await expectRefusal(response, token, other);
      }
    expect(rooms.visits).toEqual([]);
  });

  test("with a right token at other places", async () => {
    const isReplication = /^\/(wal_log|info)/.test(path);
    const opened = isReplication ? ROOM_STATUS : 401;
    expect((await ask(path, method, door.writeToken, "x-authorization")).status).toBe(opened);
    for (const header of ["cookie", "proxy-authorization", "x-token"])
      expect((await ask(path, method, door.writeToken, header)).status).toBe(401);
    for (const value of [
      door.writeToken,
      `Basic ${door.writeToken}`,
      `Bearer ${door.writeToken} x`,
      "Bearer ",
    ]) {
      const response = await fetch(door.url + path, { method, headers: { authorization: value } });
      expect(response.status).toBe(401);
    }
    expect(
      (await fetch(`${door.url}${path}?authorization=Bearer%20${door.writeToken}`, { method })).status,
    ).toBe(401);
    // A refused token is not helped by a right one beside it.
    const headers = { "x-authorization": "Bearer garbage", authorization: `Bearer ${door.writeToken}` };
    if (isReplication) expect((await fetch(door.url + path, { method, headers })).status).toBe(401);
  });
});

test.each(NOWHERE)("%s is nowhere, whoever asks", async (path) => {
  for (const method of METHODS)
    for (const token of [null, door.readToken, door.writeToken]) {
      const response = await ask(path, method, token);
      expect([method, response.status]).toEqual([method, 404]);
      await expectRefusal(response, token, method);
    }
  expect(rooms.visits).toEqual([]);
});

test("a reading token opens the snapshot too", async () => {
  const response = await ask("/wal_log.ReplicationLog/Snapshot", "POST", door.readToken);
  expect(response.status).toBe(ROOM_STATUS);
  await response.body?.cancel();
});

test("the position that a node waits for must be one", async () => {
  const send = (body: string) =>
    fetch(`${door.url}/v1/waiting`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${door.readToken}` },
    });
  rooms.positions.length = 0;
  expect((await send(POSITION)).status).toBe(204);
  expect(rooms.positions).toEqual([{ generation: "one", seq: 1 }]);
  for (const [body, named] of [
    ["", "JSON"],
    ["{", "JSON"],
    ["null", "the body"],
    ["{}", "/generation"],
    [`{"generation":1,"seq":1}`, "/generation"],
    [`{"generation":"one"}`, "/seq"],
    [`{"generation":"one","seq":"1"}`, "/seq"],
    [`{"generation":"one","seq":-1}`, "/seq"],
    [`{"generation":"one","seq":1.5}`, "/seq"],
    [`{"generation":"${"x".repeat(201)}","seq":1}`, "/generation"],
  ] as const) {
    const response = await send(body);
    expect([body.slice(0, 40), response.status]).toEqual([body.slice(0, 40), 400]);
    expect(((await response.json()) as { message: string }).message).toContain(named);
  }
  expect(rooms.positions.length).toBe(1);
});

describe("odd spellings open nothing", () => {
  const SPELLINGS = ROUTES.flatMap(({ path, method }) =>
    [
      path.toUpperCase(),
      `${path}/`,
      `${path}.`,
      `${path}%20`,
      `${path}%00`,
      `${path};x`,
      `${path}%2f`,
      `${path}\\`,
      `/${path}`,
      `//shop.example${path}`,
      `/.${path}`,
      `/x/..${path}`,
      `/x/%2e%2e${path}`,
      `/x\\..${path.replaceAll("/", "\\")}`,
      `/dataset/..${path}`,
      `/health/..${path}`,
      path.replace("/", "\\"),
      path.slice(1),
      path.replace("/", "%2f"),
      path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
      path.replace(/(.)\//, "$1//"),
      path.replace(/(.)\//, "$1\\"),
      path.replace(/(.)\//, "$1%2f"),
      path.replace(/(.)\//, "$1/./"),
      `${path}#x`,
    ]
      .filter((spelling) => spelling !== path)
      .map((spelling) => ({ spelling, method })),
  );

  test("with any token", async () => {
    const opened: string[] = [];
    for (const { spelling, method } of SPELLINGS) {
      const status = await rawStatus(`${method} ${spelling} HTTP/1.1`, door.writeToken);
      if (status !== 404 && status !== 400) opened.push(`${spelling}: ${status}`);
    }
    expect(opened).toEqual([]);
    expect(rooms.visits).toEqual([]);
  });

  test("and the full form of a target needs the same token", async () => {
    for (const { path, method, reading } of ROUTES)
      for (const target of [`http://shop.example${path}`, `${door.url}${path}`]) {
        expect([target, await rawStatus(`${method} ${target} HTTP/1.1`, null)]).toEqual([target, 401]);
        const isWaiting = path === "/v1/waiting";
        const status = await rawStatus(`${method} ${target} HTTP/1.1`, door.readToken);
        expect([target, status]).toEqual([target, isWaiting ? 400 : reading]);
      }
  });

  test("and neither does an old or an unknown kind of request", async () => {
    expect(await rawStatus("GET /dataset HTTP/1.0", null)).toBe(401);
    expect(await rawStatus("GET /dataset HTTP/1.0", door.readToken)).toBe(200);
    for (const line of [
      "GET /dataset",
      "GET /dataset HTTP/2.0",
      "get /dataset HTTP/1.1",
      "FOO /v1/commit HTTP/1.1",
    ])
      expect([line, await rawStatus(line, door.writeToken)]).not.toEqual([line, 200]);
    expect(await rawStatus("CONNECT /dataset HTTP/1.1", door.writeToken)).toBe(405);
    expect(rooms.visits).toEqual([]);
  });
});

/** The status of the response to a request line that no client would send; 0 where the connection ends without one. */
async function rawStatus(line: string, token: string | null): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = connect(Number(new URL(door.url).port), "127.0.0.1");
  const authorization = token === null ? "" : `authorization: Bearer ${token}\r\n`;
  const length = line.startsWith("POST") ? "content-length: 0\r\n" : "";
  socket.write(`${line}\r\nhost: door\r\nconnection: close\r\n${length}${authorization}\r\n`);
  socket.once("data", (data) => {
    resolve(Number(/^HTTP\/1.1 (\d{3})/.exec(data.toString())?.[1] ?? 0));
    socket.destroy();
  });
  socket.on("error", () => {});
  socket.once("close", () => resolve(0));
  return await promise;
}
