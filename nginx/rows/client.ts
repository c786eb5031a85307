// An HTTP client that sends each request byte for byte: other clients normalize addresses, which some rows must not.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** `path` stands in the request line as it is. */
export type HttpRequest = {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** The address to send from: NGINX counts requests by it. */
  from?: string;
};

/** Names of headers are in lower case; the values of a repeated header are joined by commas. */
export type HttpResponse = { status: number; headers: Record<string, string>; body: string };

/** A connection that stays open between requests; `request` throws when it ends without a whole response. */
type Connection = { request(sent: HttpRequest): Promise<HttpResponse>; close(): void };

const TIMEOUT_MS = 15_000;

/** Sends one request on a connection of its own; throws when no whole response comes. */
export async function request(base: string, sent: HttpRequest): Promise<HttpResponse> {
  const bytes = await exchange(base, textOf(base, sent, "close"), sent.from);
  return readResponse(bytes, sent.method ?? "GET");
}

/** Sends the same request many times on one connection, without waiting; counts statuses, and returns one 429. */
export async function requestManyTimes(
  base: string,
  sent: HttpRequest,
  times: number,
): Promise<{ statuses: Record<string, number>; limited: HttpResponse | null }> {
  const first = textOf(base, sent, "keep-alive").repeat(times - 1);
  const bytes = await exchange(base, first + textOf(base, sent, "close"), sent.from);
  const text = bytes.toString("latin1");
  const statuses: Record<string, number> = {};
  for (const [, status = ""] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g))
    statuses[status] = (statuses[status] ?? 0) + 1;
  const limitedAt = text.indexOf("HTTP/1.1 429 ");
  return { statuses, limited: limitedAt === -1 ? null : readResponse(bytes.subarray(limitedAt), "GET") };
}

/** Opens a connection that sends one request after the other. */
export function openConnection(base: string): Connection {
  let chunks: Buffer[] = [];
  let settle = (): void => {};
  let isLost = false;
  const socket = dial(base, undefined);
  socket.on("data", (chunk) => {
    chunks.push(Buffer.from(chunk));
    settle();
  });
  // Each error is followed by `close`.
  socket.on("error", () => {});
  socket.on("close", () => {
    isLost = true;
    settle();
  });
  return {
    request: (sent) =>
      new Promise((resolve, reject) => {
        settle = () => {
          try {
            resolve(readResponse(Buffer.concat(chunks), sent.method ?? "GET"));
          } catch (thrown) {
            // Not whole yet: the rest may still come.
            if (isLost) reject(thrown);
          }
        };
        chunks = [];
        if (isLost) settle();
        else socket.write(textOf(base, sent, "keep-alive"));
      }),
    close: () => void socket.destroy(),
  };
}

function textOf(
  base: string,
  { method = "GET", path, headers = {}, body }: HttpRequest,
  connection: string,
): string {
  const all: Record<string, string> = { host: new URL(base).host, connection, ...headers };
  if (body !== undefined) all["content-length"] ??= String(Buffer.byteLength(body));
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`;
}

function dial(base: string, from: string | undefined): Socket {
  const { hostname: host, port, protocol } = new URL(base);
  const options = { host, port: Number(port), ...(from === undefined ? {} : { localAddress: from }) };
  const socket =
    protocol === "https:" ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no response within ${TIMEOUT_MS} ms`)));
  return socket;
}

function exchange(base: string, text: string, from: string | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = dial(base, from);
    // Node keeps it until the connection is open.
    socket.write(text);
    socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
    // NGINX may refuse a request, and close, before all of it was sent: its response counts.
    socket.on("error", (error) => (chunks.length > 0 ? resolve(Buffer.concat(chunks)) : reject(error)));
    socket.on("close", () => resolve(Buffer.concat(chunks)));
  });
}

function readResponse(bytes: Buffer, method: string): HttpResponse {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) throw new Error("the connection ended without a response");
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const rest = bytes.subarray(end + 4);
  const expected = Number(headers["content-length"] ?? rest.length);
  if (method !== "HEAD" && rest.length < expected) throw new Error("the response was cut off");
  const content = headers["transfer-encoding"] === "chunked" ? unchunk(rest) : rest.subarray(0, expected);
  const isGzip = headers["content-encoding"] === "gzip" && content.length > 0;
  const plain = isGzip ? Buffer.from(Bun.gunzipSync(new Uint8Array(content))) : content;
  return { status: Number(first.split(" ")[1]), headers, body: plain.toString() };
}

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const line = bytes.indexOf("\r\n", offset);
    if (line === -1) throw new Error("the response was cut off");
    const length = Number.parseInt(bytes.subarray(offset, line).toString(), 16);
    if (!length) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + length));
    offset = line + 2 + length + 2;
  }
}
