// Bodies that arrive slowly, break off or are too long: what a client gets, what a node gets, and when it ends.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { connect as connectH2 } from "node:http2";
import { connect } from "node:net";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type Edge, makeCertificate, openPrograms, PUBLIC } from "./testing/edge.ts";

/** How long the fake node waits for a whole body. */
const BODY_MS_MAX = 1_000;
/** Until when each slow body must have ended: the edge's own bound is 5 s, and NGINX counts whole ones. */
const END_MS = 9_000;
const DRIP_MS = 200;
const BYTES = 5;
/** Above the limit of a body. */
const LONG = 300 * 1024;
/** No test and no usual program listens here. */
const GONE = "127.0.0.1:1";

// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
afterAll(programs.close);

/** What became of the bodies that a node has begun to read, by the path. */
const bodies = new Map<string, "whole" | "late" | "broken">();
beforeEach(() => bodies.clear());

/** A node that reads a body to its end, but not for ever, as the shop does; `/early` is answered before the body is read. */
async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/early") return Response.json({}, { status: 401 });
  const reader = request.body?.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void reader?.cancel().catch(() => undefined);
  }, BODY_MS_MAX);
  try {
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read());
  } catch {
    bodies.set(pathname, "broken");
    return Response.json({}, { status: 400 });
  } finally {
    clearTimeout(timer);
  }
  bodies.set(pathname, isLate ? "late" : "whole");
  const status = isLate ? 408 : 200;
  return Response.json({}, { status, headers: isLate ? { connection: "close" } : PUBLIC });
}

type Upload = {
  method: string;
  path: string;
  /** Milliseconds before each part of the body. */
  parts?: [number, string][];
  isChunked?: boolean;
  /** Leaves after so many milliseconds. */
  goneMs?: number;
  /** Asks for no other response on the connection. */
  isLast?: boolean;
  from?: string;
};

/** Sends a body part by part; resolves with the status, 0 for none, and the milliseconds until the connection closed. */
function upload(
  { url }: Edge,
  { method, path, parts = [], isChunked = false, goneMs, isLast = false, from }: Upload,
) {
  return new Promise<{ status: number; ms: number }>((resolve) => {
    const startedAtMs = performance.now();
    let text = "";
    const length = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${BYTES}`;
    const local = from === undefined ? {} : { localAddress: from };
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), ...local });
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: shop\r\n${length}\r\n${isLast ? "Connection: close\r\n" : ""}\r\n`,
    );
    const send = async () => {
      for (const [ms, part] of parts) {
        await Bun.sleep(ms);
        if (socket.destroyed) return;
        socket.write(isChunked ? `${part.length.toString(16)}\r\n${part}\r\n` : part);
      }
    };
    void send();
    if (goneMs !== undefined) setTimeout(() => socket.destroy(), goneMs);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("end", () => socket.destroy());
    socket.on("close", () =>
      resolve({ status: Number(text.split(" ")[1] ?? 0), ms: performance.now() - startedAtMs }),
    );
    setTimeout(() => socket.destroy(), 2 * END_MS).unref();
  });
}

/** A byte at a time, which would take a minute; the edge has the length of five, so the last ones never fit. */
const drip: [number, string][] = Array.from({ length: BYTES - 1 }, () => [DRIP_MS, "x"]);
const endlessDrip: [number, string][] = Array.from({ length: 100 }, () => [DRIP_MS, "x"]);

describe.skipIf(!hasNginx)("bodies", () => {
  const node = programs.openNode(answer);
  let edge: Edge;
  beforeAll(async () => {
    edge = await programs.bootEdge([node.address], ["--log-sample", "100"]);
  });

  test("that arrive slowly end, whatever the method and the path", async () => {
    const sent = [
      ...["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS"].flatMap((method) => [
        { method, path: `/api/slow-${method}`, parts: drip },
        { method, path: `/api/slow-chunks-${method}`, parts: endlessDrip, isChunked: true },
      ]),
      ...["/api/shoes/a", "/v1/products/a/relatedproducts", "/api/shoes?limit=1", "/images/a.svg"].flatMap(
        (path) => [
          { method: "GET", path, parts: drip },
          { method: "HEAD", path, parts: endlessDrip, isChunked: true },
          { method: "PUT", path, parts: drip },
        ],
      ),
      // The edge answers these itself.
      { method: "POST", path: "/metrics", parts: drip },
      { method: "GET", path: "/readyz?verbose", parts: endlessDrip, isChunked: true },
      { method: "BREW", path: "/api/tea", parts: drip },
      { method: "POST", path: "/early", parts: endlessDrip, isChunked: true },
    ];
    const ended = await Promise.all(sent.map((each) => upload(edge, each)));
    const endless = ended.flatMap(({ ms }, at) => (ms < END_MS ? [] : [sent[at]]));
    expect(endless).toEqual([]);
    expect([...bodies.entries()].filter(([path, end]) => end === "whole" && path.includes("slow-P"))).toEqual(
      [],
    );
    const post = sent.findIndex(({ path }) => path === "/api/slow-POST");
    expect(ended[post]?.status).toBe(408);
  }, 30_000);

  test.each(["POST", "PUT", "PATCH", "DELETE"])(
    "of a %s in two parts reach the node whole",
    async (method) => {
      for (const isChunked of [false, true]) {
        const end: [number, string] = [0, ""];
        const parts: [number, string][] = [[0, "ab"], [100, "cde"], ...(isChunked ? [end] : [])];
        const path = `/api/parts-${isChunked}`;
        void upload(edge, { method, path, parts, isChunked, goneMs: 5_000 });
        await until("the node has the body", () => bodies.has(path));
        expect(bodies.get(path)).toBe("whole");
      }
    },
  );

  test.each(["POST", "PUT", "PATCH", "DELETE"])(
    "of a %s that break off are no whole ones, and no error",
    async (method) => {
      const path = `/api/broken-${method}`;
      await upload(edge, { method, path, parts: [[0, "ab"]], goneMs: 100 });
      await until("the node notices", () => bodies.has(path));
      expect(bodies.get(path)).toBe("broken");
      const log = Bun.file(`${edge.folder}/logs/access.log`);
      await until("the request is logged", async () => (await log.text()).includes(path));
      const line = (await log.text()).split("\n").find((each) => each.includes(path));
      expect([400, 499]).toContain(JSON.parse(line ?? "{}").status);
    },
  );

  test("of chunks over 256 KiB are refused", async () => {
    const parts: [number, string][] = [[0, "x".repeat(LONG)]];
    const { status } = await upload(edge, { method: "POST", path: "/api/long", parts, isChunked: true });
    expect(status).toBe(413);
    expect(bodies.get("/api/long")).not.toBe("whole");
  });

  test("that no node reads get the node's response at once", async () => {
    const { status, ms } = await upload(edge, { method: "POST", path: "/early", parts: [[0, "ab"]] });
    expect(status).toBe(401);
    expect(ms).toBeLessThan(END_MS);
  });

  test.each(["POST", "PATCH", "PUT", "DELETE"])(
    "of a %s whose node is gone reach another one whole or not at all",
    async (method) => {
      const edge = await programs.bootEdge([GONE, node.address]);
      const statuses = new Set<number>();
      const sent = Array.from({ length: 10 }, (_, at) => ({ path: `/api/${at}`, from: `127.0.0.${at + 2}` }));
      await Promise.all(
        sent.map(async ({ path, from }) => {
          const parts: [number, string][] = [
            [0, "ab"],
            [200, "cde"],
          ];
          const { status } = await upload(edge, { method, path, from, parts, isLast: true });
          statuses.add(status);
          if (status === 200) expect(bodies.get(path)).toBe("whole");
          else expect(bodies.get(path)).not.toBe("whole");
        }),
      );
      // NGINX cannot begin anew with a PUT or DELETE whose body is still arriving.
      const isRepeatable = method === "POST" || method === "PATCH";
      expect(statuses.has(200)).toBe(true);
      if (isRepeatable) expect([...statuses]).toEqual([200]);
      else expect([...statuses].filter((status) => status !== 200 && status !== 408)).toEqual([]);
    },
  );

  test("that arrive slowly over HTTP/2 end too", async () => {
    const certificate = await makeCertificate(programs.folder);
    const edge = await programs.bootEdge([node.address], [], { certificate });
    const session = connectH2(edge.tlsUrl, { rejectUnauthorized: false });
    session.on("error", () => {});
    const stream = session.request({ ":path": "/api/slow-stream", ":method": "POST" });
    const timer = setInterval(() => stream.write("x"), DRIP_MS);
    const status = await new Promise((resolve) => {
      stream.on("response", (headers) => resolve(headers[":status"]));
      stream.on("error", resolve);
    });
    clearInterval(timer);
    session.destroy();
    expect(status).toBe(408);
    expect(bodies.get("/api/slow-stream")).toBe("late");
  });

  test("of all these tests have crashed no worker", async () => {
    const log = await Bun.file(`${edge.folder}/logs/error.log`).text();
    expect(log.split("\n").filter((line) => /\[(alert|emerg)\]|exited on signal/.test(line))).toEqual([]);
  });
});
