// The proxy to the primary: a connection reaches the primary with its first request, whole, and never without one; a request that the
// primary no longer answers is refused.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer as createHttpServer, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { until } from "../../db/until.ts";
import { openProxy, type PrimaryProxy } from "./proxy.ts";

const DATASET = "0123456789abcdef0123456789abcdef";
const ROW = { cols: [], rows: [[{ type: "text", value: DATASET }]], affected_row_count: 0 };
const BATCH = { type: "batch", result: { step_results: [ROW], step_errors: [null] } };

const LOG_PATH = "/wal_log.ReplicationLog/BatchLogEntries";
/** Requests that are held, as a door holds those for the log. */
const held: ServerResponse[] = [];
const http = createHttpServer(async (received, response) => {
  const body = await text(received);
  if (received.url === LOG_PATH && body !== "answered at once") {
    held.push(response);
    return;
  }
  if (received.url === "/dataset") response.statusCode = 404;
  response.end(
    received.url === "/v3/pipeline"
      ? JSON.stringify({ baton: null, base_url: null, results: [{ type: "ok", response: BATCH }] })
      : `${body.length} characters`,
  );
});
/** The connections that reached the primary, each with the number of bytes that came. */
const arrived = new Map<Socket, number>();
const primary = createServer((socket) => {
  arrived.set(socket, 0);
  socket.on("data", (bytes) => arrived.set(socket, (arrived.get(socket) ?? 0) + bytes.length));
  const inner = connect(portOf(http), "127.0.0.1");
  socket.pipe(inner).on("error", () => {});
  inner.pipe(socket).on("error", () => {});
});
const portOf = (server: NetServer) => (server.address() as AddressInfo).port;

let proxy: PrimaryProxy;
const openOwn = async (): Promise<PrimaryProxy> => {
  const own = Promise.withResolvers<void>();
  const server = { url: `http://127.0.0.1:${portOf(primary)}`, authToken: "" };
  const opened = await openProxy(server, DATASET, ({ kind }) => kind === "own" && own.resolve());
  await own.promise;
  return opened;
};
beforeAll(async () => {
  await Promise.all([
    once(http.listen(0, "127.0.0.1"), "listening"),
    once(primary.listen(0, "127.0.0.1"), "listening"),
  ]);
  proxy = await openOwn();
});
afterAll(() => {
  proxy.close();
  for (const socket of arrived.keys()) socket.destroy();
  primary.close();
  http.close();
});

/** A connection of a client to the proxy. */
async function connectClient(): Promise<Socket> {
  const client = connect(Number(new URL(proxy.url).port), "127.0.0.1");
  await once(client, "connect");
  return client;
}

/** Posts so many characters over this connection; returns the answer. */
async function post(client: Socket, characters: number): Promise<string> {
  const sent = request(proxy.url, { method: "POST", path: "/sync", createConnection: () => client });
  sent.end("x".repeat(characters));
  const [response] = await once(sent, "response");
  return text(response);
}

test("a spare connection stays at the proxy until it is used, and is then forwarded whole", async () => {
  const spare = await connectClient();
  expect(await post(await connectClient(), 10)).toBe("10 characters");
  expect([...arrived.values()]).not.toContain(0);
  expect(await post(spare, 1_000_000)).toBe("1000000 characters");
});

/** Posts to the proxy; resolves with the status. */
const postTo = async ({ url }: PrimaryProxy, path: string, body = "x"): Promise<number> =>
  (await fetch(url + path, { method: "POST", body, keepalive: false })).status;

test("a held request is refused when the connection to the primary ends, and the next one is forwarded", async () => {
  const status = postTo(proxy, LOG_PATH);
  await until("the request is held", () => held.length > 0);
  for (const socket of arrived.keys()) socket.destroy();
  expect(await status).toBe(503);
  held.length = 0;
  expect(await postTo(proxy, LOG_PATH, "answered at once")).toBe(200);
});

test("the end of the requests refuses those for the log, held or to come, and forwards others", async () => {
  const ending = await openOwn();
  const status = postTo(ending, LOG_PATH);
  await until("the request is held", () => held.length > 0);
  expect(await postTo(ending, "/sync")).toBe(200);
  ending.endRequests();
  expect(await status).toBe(503);
  held.length = 0;
  expect(await postTo(ending, "/sync")).toBe(200);
  expect(await postTo(ending, LOG_PATH)).toBe(503);
  expect(held).toEqual([]);
  ending.close();
});

test("a kept connection is refused for the log as well once requests have ended", async () => {
  const ending = await openOwn();
  const client = connect(Number(new URL(ending.url).port), "127.0.0.1");
  await once(client, "connect");
  const send = async (path: string): Promise<string> => {
    client.write(`POST ${path} HTTP/1.1\r\nhost: primary\r\ncontent-length: 1\r\n\r\nx`);
    const [bytes] = await once(client, "data");
    return String(bytes).split("\r\n", 1)[0] ?? "";
  };
  expect(await send("/sync")).toBe("HTTP/1.1 200 OK");
  ending.endRequests();
  expect(await send(LOG_PATH)).toBe("HTTP/1.1 503 Service Unavailable");
  client.destroy();
  ending.close();
});
