// Everything that can go wrong while a stale response is revalidated, by the node and by the client at once: no worker of
// NGINX may crash, and no other client may lose its connection.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectH2, constants } from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type HttpResponse, openConnection, request } from "./rows/client.ts";
import { type Edge, makeCertificate, openPrograms, PUBLIC, workersOf } from "./testing/edge.ts";

const TAG = '"a.i"';
const BODY = '{"id":"a"}';
const OTHERS = 16;
/** Above the limit of a body. */
const LONG = 300 * 1024;

const HEAD = Object.entries({ ...PUBLIC, etag: TAG, "accept-ranges": "bytes" })
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join("");
const answer = (line: string, body = BODY, head = HEAD) =>
  `HTTP/1.1 ${line}\r\n${head}content-length: ${body.length}\r\n\r\n${body}`;
const FRESH = answer("200 OK");
const KNOWN = `HTTP/1.1 304 Not Modified\r\n${HEAD}\r\n`;

/** What a node does with a request for a response that the edge has already: it writes a text, closes, or neither. */
const NODE_ACTS: Record<string, (socket: Socket) => unknown> = {
  known: (socket) => socket.write(KNOWN),
  late: (socket) => setTimeout(() => socket.write(KNOWN), 150),
  "known-no-store": (socket) =>
    socket.write(KNOWN.replace(/cache-control: [^\r]*/, "cache-control: no-store")),
  "known-other-tag": (socket) => socket.write(KNOWN.replace(TAG, '"b.i"')),
  "known-with-body": (socket) =>
    socket.end(`HTTP/1.1 304 Not Modified\r\n${HEAD}content-length: 5\r\n\r\nabcde`),
  "known-and-closed": (socket) => socket.end(KNOWN),
  changed: (socket) => socket.write(FRESH.replace(TAG, '"b.i"')),
  "no-store": (socket) => socket.write(FRESH.replace(/cache-control: [^\r]*/, "cache-control: no-store")),
  cut: (socket) => socket.end(FRESH.slice(0, -3)),
  closed: (socket) => socket.destroy(),
  silent: () => {},
  "bad-head": (socket) => socket.end("HTTP/1.1 200 OK\r\nbad header\0\r\n\r\n"),
  "bad-line": (socket) => socket.end("hello\r\n\r\n"),
  "long-head": (socket) => socket.end(answer("200 OK", BODY, `${HEAD}x: ${"x".repeat(20_000)}\r\n`)),
  "not-found": (socket) => socket.write(answer("404 Not Found")),
  precondition: (socket) => socket.write(answer("412 Precondition Failed")),
  range: (socket) => socket.write(answer("416 Range Not Satisfiable")),
  "too-many": (socket) => socket.write(answer("429 Too Many Requests")),
  failed: (socket) => socket.write(answer("500 Internal Server Error")),
  busy: (socket) => socket.write(answer("503 Service Unavailable")),
  partial: (socket) =>
    socket.write(answer("206 Partial Content", BODY, `${HEAD}content-range: bytes 0-9/10\r\n`)),
};

type Asked = { edge: Edge; session: ClientHttp2Session; path: string };
/** What a client sends, and whether it waits for the response; each resolves when the client is done. */
const CLIENT_ACTS: Record<string, (asked: Asked) => Promise<HttpResponse | undefined>> = {
  read: ({ edge, path }) => request(edge.url, { path }),
  head: ({ edge, path }) => request(edge.url, { path, method: "HEAD" }),
  "range-past-the-end": ({ edge, path }) => request(edge.url, { path, headers: { range: "bytes=999999-" } }),
  "two-ranges": ({ edge, path }) =>
    request(edge.url, { path, headers: { range: "bytes=0-1,4-5", "if-range": TAG } }),
  "empty-condition": ({ edge, path }) => request(edge.url, { path, headers: { "if-match": "" } }),
  "known-tag": ({ edge, path }) => request(edge.url, { path, headers: { "if-none-match": TAG } }),
  "long-body": ({ edge, path }) => request(edge.url, { path, body: "x".repeat(LONG) }),
  "long-chunk": ({ edge, path }) =>
    write(
      edge,
      `${headOf(path)}Transfer-Encoding: chunked\r\n\r\n${LONG.toString(16)}\r\n${"x".repeat(LONG)}`,
      0,
    ),
  "half-a-body": ({ edge, path }) => write(edge, `${headOf(path)}Content-Length: 9\r\n\r\nx`, 50),
  "gone-at-once": ({ edge, path }) => write(edge, `${headOf(path)}\r\n`, 0),
  "gone-soon": ({ edge, path }) => write(edge, `${headOf(path)}\r\n`, 40),
  "two-at-once": ({ edge, path }) => write(edge, `${headOf(path)}\r\n`.repeat(2), 60),
  "h2-read": ({ session, path }) => stream(session, path, {}, null),
  "h2-empty-condition": ({ session, path }) => stream(session, path, { "if-match": "" }, null),
  "h2-range": ({ session, path }) => stream(session, path, { range: "bytes=999999-" }, null),
  "h2-reset": ({ session, path }) => stream(session, path, {}, 20),
  "h2-reset-at-once": ({ session, path }) => stream(session, path, {}, 0),
};

const headOf = (path: string) => `GET ${path} HTTP/1.1\r\nHost: shop\r\n`;

/** Writes on a connection of its own, and leaves it after so many milliseconds. */
const write = ({ url }: Edge, text: string, ms: number): Promise<undefined> =>
  new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () =>
      socket.write(text, () => setTimeout(() => socket.destroy(), ms)),
    );
    socket.on("error", () => {});
    socket.on("close", () => resolve(undefined));
    socket.resume();
  });

/** Sends a read on a session; resets it after so many milliseconds, or waits for its end. */
const stream = (
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string>,
  resetMs: number | null,
): Promise<undefined> =>
  new Promise((resolve) => {
    const sent = session.request({ ":path": path, ...headers });
    sent.on("error", () => {});
    sent.on("close", () => resolve(undefined));
    sent.resume();
    sent.end();
    if (resetMs !== null) setTimeout(() => sent.close(constants.NGHTTP2_CANCEL), resetMs);
  });

/** A node that answers the first request for a path, and acts as the path says at each later one. */
async function openActingNode() {
  const seen = new Set<string>();
  let isHealed = false;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const [, path = "", act = ""] = /^GET (\/\S*?([\w-]*)\.\S*|\S*)/.exec(chunk.toString()) ?? [];
      const isFirst = isHealed || act === "" || !seen.has(path);
      seen.add(path);
      if (isFirst) socket.write(FRESH);
      else NODE_ACTS[act]?.(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** From now on every request gets a good response. */
    heal: () => {
      isHealed = true;
    },
    close,
  };
}

const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);

// Skipped on a machine without NGINX; CI installs it.
describe.skipIf(!hasNginx)("a stale response", () => {
  let node: Awaited<ReturnType<typeof openActingNode>>;
  let edge: Edge;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    node = await openActingNode();
    // One client may not have so many requests at once.
    const exempt = join(programs.folder, "exempt.txt");
    writeFileSync(exempt, "127.0.0.1\n");
    edge = await programs.bootEdge([node.address], ["--exempt", exempt], {
      certificate: await makeCertificate(programs.folder),
    });
    session = connectH2(edge.tlsUrl, { rejectUnauthorized: false });
    session.on("error", () => {});
  });
  afterAll(async () => {
    session?.destroy();
    node?.close();
    await programs.close();
  });

  const paths = Object.keys(NODE_ACTS).flatMap((act) =>
    Object.keys(CLIENT_ACTS).map((clientAct) => ({ clientAct, path: `/api/shoes/${act}.${clientAct}` })),
  );

  test("crashes no worker, whatever the node and the client do while it is revalidated", async () => {
    for (const { path } of paths) await request(edge.url, { path });
    const isLastStale = async () => {
      const { headers } = await request(edge.url, { path: "/api/shoes/known.last" });
      return headers["cache-status"] === "insole-edge; fwd=stale; fwd-status=304";
    };
    await until("all responses are stale", isLastStale);
    const workers = workersOf(edge);
    const others = Array.from({ length: OTHERS }, () => openConnection(edge.url));
    const sendOnEach = () => Promise.all(others.map((other) => other.request({ path: "/livez" })));
    await sendOnEach();

    const outcomes = await Promise.allSettled(
      paths.map(({ clientAct, path }) => CLIENT_ACTS[clientAct]?.({ edge, session, path })),
    );
    const failed = outcomes.flatMap((outcome, at) =>
      outcome.status === "rejected" && !paths[at]?.path.includes("/cut.")
        ? [`${paths[at]?.path}: ${outcome.reason}`]
        : [],
    );
    // Each of these connections is one of the workers', and would end with it.
    expect((await sendOnEach()).map(({ status }) => status)).toEqual(others.map(() => 200));
    for (const other of others) other.close();
    expect(session.closed).toBe(false);
    expect(workersOf(edge)).toEqual(workers);
    const log = await Bun.file(`${edge.folder}/logs/error.log`).text();
    expect(log.split("\n").filter((line) => /\[(alert|emerg)\]|exited on signal/.test(line))).toEqual([]);
    expect(failed).toEqual([]);

    // None is taken for one that is being revalidated, for ever.
    node.heal();
    const isFresh = async (path: string) => {
      const { status, headers } = await request(edge.url, { path });
      return status === 200 && !/detail=/.test(headers["cache-status"] ?? "");
    };
    for (const { path } of paths) await until(`${path} is fresh`, () => isFresh(path));
  }, 60_000);
});
