// Raw requests: the target, the headers and the body arrive as they were written; a connection without a response has status 0.
import { afterAll, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { sendRaw } from "./raw.ts";

const received: string[] = [];
let answer = (socket: Socket) => void socket.end("HTTP/1.1 403 Forbidden\r\n\r\nno");
const server = createServer((socket) => {
  socket.on("data", (chunk) => {
    received.push(String(chunk));
    answer(socket);
  });
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const bound = server.address();
const base = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`;
afterAll(() => void server.close());

const sent = {
  method: "POST",
  target: "/a/..%2f\\b/../c",
  headers: [
    ["x-one", "1"],
    ["x-one", "2"],
  ],
  body: "{}",
} as const;

test("what was written arrives", async () => {
  expect(await sendRaw(base, sent)).toEqual({ status: 403, text: "HTTP/1.1 403 Forbidden\r\n\r\nno" });
  expect(received.join("")).toBe(
    `POST /a/..%2f\\b/../c HTTP/1.1\r\nhost: ${new URL(base).host}\r\nconnection: close\r\nx-one: 1\r\nx-one: 2\r\ncontent-length: 2\r\n\r\n{}`,
  );
});

test("a connection that is closed has no status", async () => {
  answer = (socket) => void socket.destroy();
  expect(await sendRaw(base, sent)).toEqual({ status: 0, text: "" });
});
