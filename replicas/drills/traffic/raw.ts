// Raw requests over sockets of their own: paths and headers arrive as they are written here, which no HTTP client allows.
import { connect, type Socket } from "node:net";

/** A request; `target` is what stands behind the method, headers come in this order. */
export type RawRequest = {
  method: string;
  target: string;
  headers: readonly (readonly [string, string])[];
  body?: string | Uint8Array;
};

/** Status 0: the connection was closed without a response, or none came in time. */
export type RawResponse = { status: number; text: string };

const TIMEOUT_MS = 8_000;

/** The bytes of a request. */
export function bytesOf({ method, target, headers, body = "" }: RawRequest): Buffer {
  const bytes = Buffer.from(body);
  const lines = [...headers, ["content-length", `${bytes.length}`] as const].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`), bytes]);
}

/** Connects to the address of this base URL. Errors of the socket are followed by its end. */
export function connectTo(base: string): Socket {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  return socket;
}

/** Sends one request on a connection of its own, which the server shall close; never rejects. */
export async function sendRaw(base: string, sent: RawRequest): Promise<RawResponse> {
  const socket = connectTo(base);
  const timer = setTimeout(() => socket.destroy(), TIMEOUT_MS);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const headers = [["host", new URL(base).host], ["connection", "close"], ...sent.headers] as const;
  socket.write(bytesOf({ ...sent, headers }));
  await new Promise((resolve) => socket.once("close", resolve));
  clearTimeout(timer);
  const text = Buffer.concat(chunks).toString("latin1");
  return { status: Number(/^HTTP\/1\.\d (\d{3})/.exec(text)?.[1] ?? 0), text };
}
