// One request, byte for byte as it is written here: clients that tidy addresses up would hide what is to be seen.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** What is sent; `path` stands in the request line as it is. */
export type Question = {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** The address of this end, where it matters who asks. */
  from?: string;
};

/** What came back; headers by small names, those given twice joined by commas. */
export type Reply = { status: number; headers: Record<string, string>; body: string };

/** A connection that stays open between requests; `ask` throws when it ended without a whole answer. */
export type KeptConnection = { ask(question: Question): Promise<Reply>; close(): void };

const PATIENCE_MS = 15_000;

/** Sends one request on a connection of its own; throws when no whole answer comes. */
export async function ask(base: string, question: Question): Promise<Reply> {
  const bytes = await exchange(base, textOf(base, question, "close"), question.from);
  return readReply(bytes, question.method ?? "GET");
}

/** Sends the same question many times at once on one connection; how often each status came, and one refusal by 429. */
export async function askAtOnce(
  base: string,
  question: Question,
  times: number,
): Promise<{ statuses: Record<string, number>; refusal: Reply | null }> {
  const first = textOf(base, question, "keep-alive").repeat(times - 1);
  const bytes = await exchange(base, first + textOf(base, question, "close"), question.from);
  const text = bytes.toString("latin1");
  const statuses: Record<string, number> = {};
  for (const [, status = ""] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g))
    statuses[status] = (statuses[status] ?? 0) + 1;
  const refused = text.indexOf("HTTP/1.1 429 ");
  return { statuses, refusal: refused === -1 ? null : readReply(bytes.subarray(refused), "GET") };
}

/** Opens a connection that sends one request after the other. */
export function keepConnection(base: string): KeptConnection {
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
    ask: (question) =>
      new Promise((resolve, reject) => {
        settle = () => {
          try {
            resolve(readReply(Buffer.concat(chunks), question.method ?? "GET"));
          } catch (thrown) {
            // Not whole yet: the rest may still come.
            if (isLost) reject(thrown);
          }
        };
        chunks = [];
        if (isLost) settle();
        else socket.write(textOf(base, question, "keep-alive"));
      }),
    close: () => void socket.destroy(),
  };
}

function textOf(
  base: string,
  { method = "GET", path, headers = {}, body }: Question,
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
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)));
  return socket;
}

function exchange(base: string, text: string, from: string | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = dial(base, from);
    // Held back until the connection is open.
    socket.write(text);
    socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
    // A refusal may come before all was sent: what has arrived counts.
    socket.on("error", (error) => (chunks.length > 0 ? resolve(Buffer.concat(chunks)) : reject(error)));
    socket.on("close", () => resolve(Buffer.concat(chunks)));
  });
}

function readReply(bytes: Buffer, method: string): Reply {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) throw new Error("the connection ended without an answer");
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const at = line.indexOf(":");
    const name = line.slice(0, at).toLowerCase();
    const value = line.slice(at + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const rest = bytes.subarray(end + 4);
  const expected = Number(headers["content-length"] ?? rest.length);
  if (method !== "HEAD" && rest.length < expected) throw new Error("the answer was cut off");
  const content = headers["transfer-encoding"] === "chunked" ? unchunk(rest) : rest.subarray(0, expected);
  const isPacked = headers["content-encoding"] === "gzip" && content.length > 0;
  const plain = isPacked ? Buffer.from(Bun.gunzipSync(new Uint8Array(content))) : content;
  return { status: Number(first.split(" ")[1]), headers, body: plain.toString() };
}

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf("\r\n", at);
    if (line === -1) throw new Error("the answer was cut off");
    const length = Number.parseInt(bytes.subarray(at, line).toString(), 16);
    if (!length) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
}
