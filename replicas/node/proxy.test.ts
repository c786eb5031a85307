// The proxy to the primary: a connection reaches the primary with its first request, whole, and never without one.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { openProxy, type PrimaryProxy } from "./proxy.ts";

const DATASET = "0123456789abcdef0123456789abcdef";
const ROW = { cols: [], rows: [[{ type: "text", value: DATASET }]], affected_row_count: 0 };
const BATCH = { type: "batch", result: { step_results: [ROW], step_errors: [null] } };

const http = createHttpServer(async (received, response) => {
  const body = await text(received);
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
beforeAll(async () => {
  await Promise.all([
    once(http.listen(0, "127.0.0.1"), "listening"),
    once(primary.listen(0, "127.0.0.1"), "listening"),
  ]);
  const own = Promise.withResolvers<void>();
  const server = { url: `http://127.0.0.1:${portOf(primary)}`, authToken: "" };
  proxy = await openProxy(server, DATASET, ({ kind }) => kind === "own" && own.resolve());
  await own.promise;
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
