// Slow bodies over bare sockets: each is answered or refused, and its connection ends.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { until } from "../../db/until.ts";
import { type ObservedShop, openObservedShop, shoe, silentLog } from "../testing/shop.ts";
import { readFields } from "./body.ts";
import { problemOf } from "./problem-of.ts";

const BODY_MS = 100;
const DRIP_MS = 10;
/** Far above what a loaded machine needs, far below the 75 s after which Bun ends a connection by itself. */
const GONE_MS = 15_000;
const CONNECTIONS = 200;

/** Reads every body, and answers what became of it. */
const reading = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  development: false,
  fetch: (request) =>
    readFields(request, BODY_MS).then(Response.json, (thrown: unknown) =>
      problemOf(thrown, "/", "id", silentLog),
    ),
});
const readingUrl = reading.url.href;
let shop: ObservedShop;
/** Waits for bodies as long as the program does. */
let patient: ObservedShop;
beforeAll(async () => {
  shop = await openObservedShop([shoe("a1"), shoe("a2"), shoe("a3")], true, { bodyMsMax: BODY_MS });
  patient = await openObservedShop([]);
});
afterAll(() => Promise.all([shop.close(), patient.close(), reading.stop(true)]));

type Connection = { received: string; isOpen: boolean };

/** Sends the head, then a piece every 10 ms until the server closes. */
function drip(url: string, head: string, pieces: string[]): Connection {
  const connection = { received: "", isOpen: true };
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const rest = [...pieces];
  const timer = setInterval(() => {
    const piece = rest.shift();
    if (piece !== undefined) socket.write(piece);
  }, DRIP_MS);
  socket.on("data", (bytes: Buffer) => {
    connection.received += bytes.toString();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    clearInterval(timer);
    connection.isOpen = false;
  });
  socket.write(head);
  return connection;
}

const gone = (connections: Connection[]) =>
  until("the connections are closed", () => connections.every(({ isOpen }) => !isOpen), GONE_MS);

const JSON_TYPE = "Content-Type: application/json\r\n";
const head = (line: string, headers: string) => `${line} HTTP/1.1\r\nHost: shop\r\n${headers}\r\n`;
const lengthOf = (bytes: number) => `Content-Length: ${bytes}\r\n`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const ONES = Array.from({ length: 1_000 }, () => "1");
const SMALL_CHUNKS = Array.from({ length: 1_000 }, () => "1\r\n1\r\n");

describe("a body that a route reads and that comes too slowly is 408, and its connection ends:", () => {
  test.each<[string, string, string[]]>([
    ["nothing of it", lengthOf(10), []],
    ["a byte at a time", lengthOf(1_000), ONES],
    ["all but the last byte", lengthOf(9), ['{"a":', "123"]],
    ["valid JSON with more to come", lengthOf(100), ['{"a":1}']],
    ["the longest that is allowed", lengthOf(262_144), ONES],
    ["no JSON", lengthOf(100), ["nonsense"]],
    ["no UTF-8", lengthOf(100), ["\xff\xfe"]],
    ["no chunk", CHUNKED, []],
    ["half a chunk's length", CHUNKED, ["1"]],
    ["a chunk's length without its bytes", CHUNKED, ["5\r\n"]],
    ["half a chunk", CHUNKED, ["5\r\n{}"]],
    ["small chunks", CHUNKED, SMALL_CHUNKS],
    ["valid JSON without the last chunk", CHUNKED, ['7\r\n{"a":1}\r\n']],
    ["half a last chunk", CHUNKED, ["2\r\n{}\r\n", "0"]],
    ["an extension that never ends", CHUNKED, ["2;x=", ...ONES]],
  ])("%s", async (_what, framing, pieces) => {
    const connections = ["POST", "PUT", "DELETE"].map((method) =>
      drip(readingUrl, head(`${method} /`, JSON_TYPE + framing), pieces),
    );
    await gone(connections);
    for (const { received } of connections)
      expect(received).toMatch(
        /^HTTP\/1\.1 408 [\s\S]*connection: close[\s\S]*"type":"\/problems\/request-timeout"/i,
      );
  });

  test("two hundred at once", async () => {
    const sent = head("POST /", JSON_TYPE + lengthOf(1_000));
    const connections = Array.from({ length: CONNECTIONS }, () => drip(readingUrl, sent, ONES));
    await gone(connections);
    const statuses = connections.map(({ received }) => received.slice(0, 12));
    expect(statuses).toEqual(statuses.map(() => "HTTP/1.1 408"));
  });
});

describe("a slow body that no route reads ends with its connection, after the answer:", () => {
  const LONG = `40000\r\n${"x".repeat(0x40000)}\r\n1\r\nx\r\n`;
  test.each<[number, string, string, string[]]>([
    [404, "POST /api/nothing", lengthOf(1_000), ONES],
    [404, "POST /api/nothing", CHUNKED, SMALL_CHUNKS],
    [404, "DELETE /nothing", lengthOf(5), []],
    [404, "GET /api/nothing", lengthOf(1_000), ONES],
    [404, "GET /api/nothing", CHUNKED, SMALL_CHUNKS],
    [404, "HEAD /api/nothing", lengthOf(1_000), ONES],
    [404, "OPTIONS /nothing", lengthOf(1_000), ONES],
    [405, "PATCH /api/shoes/a1", lengthOf(1_000), ONES],
    [405, "POST /health", CHUNKED, SMALL_CHUNKS],
    [401, "DELETE /api/shoes/a1", lengthOf(1_000), ONES],
    [401, "POST /api/shoes", JSON_TYPE + lengthOf(1_000), ONES],
    [401, "POST /api/shoes/a1/likes/me", lengthOf(1_000), ONES],
    [415, "POST /api/auth/login", lengthOf(1_000), ONES],
    [415, "POST /api/auth/login", `Content-Type: text/plain\r\n${CHUNKED}`, SMALL_CHUNKS],
    [413, "POST /api/auth/login", JSON_TYPE + lengthOf(300_000), ONES],
    [413, "POST /api/auth/login", JSON_TYPE + CHUNKED, [LONG, ...SMALL_CHUNKS]],
    [413, "POST /api/nothing", lengthOf(300_000), ONES],
    [413, "POST /api/nothing", lengthOf(3_000_000), ONES],
    [400, "POST /api/shoes/%ff", lengthOf(1_000), ONES],
    [200, "GET /api/shoes/a2", lengthOf(1_000), ONES],
    [200, "GET /livez", CHUNKED, SMALL_CHUNKS],
    [200, "HEAD /api/shoes/a3", lengthOf(1_000), ONES],
    [204, "OPTIONS /api/shoes", lengthOf(1_000), ONES],
  ])("%d for %s with %p", async (status, line, headers, pieces) => {
    const connection = drip(shop.url, head(line, headers), pieces);
    await gone([connection]);
    expect(connection.received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*connection: close`, "i"));
  });
});

describe("a body that comes in time keeps its connection,", () => {
  const NEXT = head("GET /livez", "Connection: close\r\n");
  test.each<[string, string, string, string[]]>([
    ["read", "POST /api/auth/login", JSON_TYPE + lengthOf(2), ["{}"]],
    ["read in two parts", "POST /api/auth/login", JSON_TYPE + lengthOf(2), ["{", "}"]],
    [
      "read in chunks",
      "POST /api/auth/login",
      JSON_TYPE + CHUNKED,
      ["1\r\n{\r\n", "1\r\n}\r\n", "0\r\n\r\n"],
    ],
    ["unread", "DELETE /api/shoes/a1", lengthOf(2), ["{}"]],
    ["unread in two parts", "POST /api/nothing", lengthOf(2), ["{", "}"]],
    ["unread in chunks", "POST /api/nothing", CHUNKED, ["1\r\n{\r\n", "0\r\n\r\n"]],
    ["too long", "POST /api/nothing", lengthOf(300_000), ["x".repeat(300_000)]],
    ["empty", "POST /api/auth/logout", lengthOf(0), []],
    ["missing", "POST /api/auth/logout", "", []],
  ])("%s", async (_how, line, headers, pieces) => {
    const connection = drip(patient.url, head(line, headers), [...pieces, "", "", NEXT]);
    await gone([connection]);
    const [first = "", second = ""] = connection.received.split(/(?=HTTP\/1\.1 )/);
    expect(first).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(first).not.toMatch(/connection: close/i);
    expect(second).toStartWith("HTTP/1.1 200 ");
  });

  test("with every method and route that may have one", async () => {
    for (const { method, path } of patient.routes) {
      if (["GET", "HEAD"].includes(method)) continue;
      const body = JSON.stringify({ a: "b".repeat(1_000) });
      const headers = { "content-type": "application/json" };
      const answer = await patient.get(path.replaceAll(/:\w+/g, "a1"), { method, body, headers });
      expect([method, path, answer.headers.get("connection")]).toEqual([method, path, null]);
    }
  });
});
