// What happens to requests when nodes hang, die, refuse, or are gone, and how old a response may then be.
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { request } from "./rows/client.ts";
import { openPrograms, PUBLIC, untilHit } from "./testing/edge.ts";

const FORGED = "0123abcd.42.AAAAAAAAAAAAAAAA";
/** No test and no usual program listens here. */
const GONE = "127.0.0.1:1";
const JSON_POST = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
const { openNode } = programs;
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  await programs.close();
});

/** Accepts connections and counts the requests, without a response to any. */
async function openBadNode(act: "hang" | "die"): Promise<{ address: string; requests: () => number }> {
  let count = 0;
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      count += 1;
      if (act === "die") socket.destroy();
    });
    closing.push(() => socket.destroy());
  });
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, requests: () => count };
}

/** The options of an edge that does not limit this client. */
function exempting(address: string): string[] {
  const path = join(programs.folder, `exempt-${address}.txt`);
  writeFileSync(path, `${address}\n`);
  return ["--exempt", path];
}

const shoes = Array.from({ length: 20 }, (_, at) => `/api/shoes/shoe-${at}`);

describe.skipIf(!hasNginx)("bad nodes", () => {
  const good = () => openNode(() => Response.json({ ok: true }, { headers: PUBLIC }));

  test("with a node that hangs, reads go to another within two seconds", async () => {
    const silent = await openBadNode("hang");
    const edge = await programs.bootEdge([silent.address, good().address]);
    const replies = await Promise.all(
      [...shoes, "/api/shoes?limit=1"].map((path) => request(edge.url, { path })),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(silent.requests()).toBeGreaterThan(0);
  });

  test.each(["POST", "PATCH", "PUT", "DELETE"])(
    "a node that dies during a %s: sent once, and the outcome is unknown",
    async (method) => {
      const [dying, second] = [await openBadNode("die"), await openBadNode("die")];
      const edge = await programs.bootEdge([dying.address, second.address]);
      const response = await request(edge.url, { ...JSON_POST, method, path: "/api/auth/profile" });
      expect(response.status).toBe(504);
      expect(JSON.parse(response.body)).toMatchObject({ type: "/problems/outcome-unknown", status: 504 });
      expect(response.headers["retry-after"]).toBe("1");
      expect(dying.requests() + second.requests()).toBe(1);
    },
  );

  test.each(["POST", "PATCH", "PUT", "DELETE"])(
    "a node that is gone: the %s was not sent, so another node gets it",
    async (method) => {
      const node = good();
      const edge = await programs.bootEdge([GONE, node.address]);
      for (let at = 2; at < 12; at += 1) {
        const { status } = await request(edge.url, {
          ...JSON_POST,
          method,
          path: "/api/auth/profile",
          from: `127.0.0.${at}`,
        });
        expect(status).toBe(200);
      }
      expect(node.received.length).toBe(10);
    },
  );

  test("a node whose machine does not answer: a write was not sent, so another node gets it", async () => {
    const node = good();
    const edge = await programs.bootEdge([await programs.bootSilentNode(), node.address]);
    for (let at = 2; at < 12; at += 1) {
      const sent = { ...JSON_POST, path: "/api/auth/profile", from: `127.0.0.${at}` };
      expect((await request(edge.url, sent)).status).toBe(200);
    }
    expect(node.received.length).toBe(10);
  });

  test.each(["/images/", "/api/shoes/"])(
    "a read below %s that a node refuses as busy goes to another",
    async (path) => {
      const busy = openNode(() => Response.json({}, { status: 503 }));
      const edge = await programs.bootEdge([busy.address, good().address]);
      const paths = shoes.map((_, at) => `${path}${at}.svg`);
      const replies = await Promise.all(paths.map((path) => request(edge.url, { path })));
      expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
      expect(busy.received.length).toBeGreaterThan(0);
    },
  );

  test("a node that refuses searches stays in service, and no other node gets them", async () => {
    const answer = ({ url }: Request) =>
      url.includes("?q=") ? Response.json({}, { status: 503 }) : Response.json({}, { headers: PUBLIC });
    const busy = [openNode(answer), openNode(answer)];
    const edge = await programs.bootEdge(busy.map(({ address }) => address));
    expect((await request(edge.url, { path: "/api/shoes?q=wide" })).status).toBe(503);
    expect(busy.flatMap(({ received }) => received)).toHaveLength(1);
    expect((await request(edge.url, { path: "/api/shoes/one" })).status).toBe(200);
  });

  test("a report is waited for, longer than other personal requests", async () => {
    const release = Promise.withResolvers<void>();
    const slow = openNode(async () => {
      await release.promise;
      return Response.json({ ok: true });
    });
    const edge = await programs.bootEdge([slow.address]);
    const reports = ["/api/reports/sales?from=2026-03-01", "/v1/reports/sales"].map((path) =>
      request(edge.url, { path }),
    );
    expect((await request(edge.url, { path: "/api/auth/profile" })).status).toBe(503);
    release.resolve();
    expect((await Promise.all(reports)).map(({ status }) => status)).toEqual([200, 200]);
    expect(slow.received.filter(({ url }) => url.includes("reports"))).toHaveLength(2);
    expect((await request(edge.url, { path: "/api/reports/sales", method: "TRACE" })).status).toBe(405);
  });

  test("a flood of searches that no node answers in time takes no node from the items", async () => {
    const answer = ({ url }: Request) =>
      url.includes("?q=") ? new Promise<Response>(() => {}) : Response.json({}, { headers: PUBLIC });
    const nodes = [openNode(answer), openNode(answer)];
    // The other client reads faster than the limits allow.
    const edge = await programs.bootEdge(
      nodes.map(({ address }) => address),
      exempting("127.0.0.9"),
    );
    let isOver = false;
    const search = (_: unknown, at: number) =>
      request(edge.url, { path: `/api/shoes?q=wide${at}`, from: "127.0.0.8" });
    const flood = Promise.all(Array.from({ length: 40 }, search)).finally(() => {
      isOver = true;
    });
    const statuses = new Set<number>();
    for (let at = 0; !isOver; at += 1)
      statuses.add((await request(edge.url, { path: `/api/shoes/shoe-${at}`, from: "127.0.0.9" })).status);
    expect(new Set((await flood).map(({ status }) => status))).toEqual(new Set([503]));
    // NGINX has taken the nodes out of service, but for lists only.
    expect((await request(edge.url, { path: "/api/shoes?limit=1" })).status).toBe(503);
    expect((await request(edge.url, { path: "/api/shoes/another" })).status).toBe(200);
    expect([...statuses]).toEqual([200]);
  });

  test("a response with a cookie is not cached, and comes without the cookie", async () => {
    const node = openNode(() => Response.json({}, { headers: { ...PUBLIC, "set-cookie": "a=b" } }));
    const edge = await programs.bootEdge([node.address]);
    for (let times = 0; times < 2; times += 1) {
      const { headers } = await request(edge.url, { path: "/api/shoes/cookie" });
      expect(headers["cache-status"]).toBe("insole-edge; fwd=miss");
      expect(headers["set-cookie"]).toBeUndefined();
    }
  });

  test("without a node a stale response is served even without stale-if-error", async () => {
    const node = openNode(() =>
      Response.json({}, { headers: { ...PUBLIC, "cache-control": "public, max-age=1" } }),
    );
    const edge = await programs.bootEdge([node.address]);
    await untilHit(edge, "/images/a.svg");
    await node.close();
    const isStale = async () => {
      const { status, headers } = await request(edge.url, { path: "/images/a.svg" });
      expect(status).toBe(200);
      return headers["cache-status"] === "insole-edge; hit; detail=stale";
    };
    await until("the stale response is served", isStale);
  });

  test("the response to a repeated parameter is not cached, that to a long one is", async () => {
    const node = good();
    const edge = await programs.bootEdge([node.address]);
    const cached = () => [...new Bun.Glob("**/*").scanSync(`${edge.folder}/cache`)].length;
    await request(edge.url, { path: "/api/shoes?size=8&size=9" });
    expect(cached()).toBe(0);
    await request(edge.url, { path: `/api/shoes?q=${"a".repeat(7_000)}` });
    await until("the long one is cached", () => cached() === 1);
  });

  test("a response that no client requested for a while is fresh", async () => {
    let price = 1;
    const node = openNode(() => Response.json({ price }, { headers: { ...PUBLIC, etag: `"${price}.i"` } }));
    const edge = await programs.bootEdge([node.address]);
    const readPrice = async () => (await request(edge.url, { path: "/api/shoes/priced" })).body;
    expect(await readPrice()).toBe('{"price":1}');
    const storedAt = performance.now();
    price = 2;
    // Longer than the second of freshness and the second of stale-while-revalidate.
    await until("both seconds are over", () => performance.now() - storedAt > 3_100);
    expect(await readPrice()).toBe('{"price":2}');
  });
});

describe.skipIf(!hasNginx)("real shops", () => {
  test("reads go on with half of the nodes killed under load, then all", async () => {
    const nodes = await programs.bootNodes(4);
    const edge = await programs.bootEdge(
      nodes.map(({ address }) => address),
      exempting("127.0.0.1"),
    );
    const { body } = await request(edge.url, { path: "/api/shoes?limit=60" });
    const paths = (JSON.parse(body) as { data: { id: string }[] }).data.map(({ id }) => `/api/shoes/${id}`);
    const statuses = new Map<number | string, number>();
    let isOver = false;
    const client = async (start: number) => {
      for (let at = start; !isOver; at += 1) {
        const path = paths[at % paths.length] ?? "";
        // Encoded names of parameters are never cached, so that half of the requests reach a node.
        const sent = at % 2 === 0 ? { path } : { path: `/api/shoes?limit=2&limit%20=${at}` };
        const status = await request(edge.url, sent).then(
          ({ status }) => status,
          (error) => String(error),
        );
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: 8 }, (_, at) => client(at * 7));
    const enough = (count: number) => until("the load runs", () => (statuses.get(200) ?? 0) > count);
    await enough(300);
    await Promise.all(nodes.slice(0, 2).map(({ child }) => programs.end(child, "SIGKILL")));
    await enough((statuses.get(200) ?? 0) + 600);
    isOver = true;
    await Promise.all(clients);
    expect([...statuses.keys()]).toEqual([200]);

    const cached = await untilHit(edge, "/api/categories");
    await Promise.all(nodes.slice(2).map(({ child }) => programs.end(child, "SIGKILL")));
    const isStale = async () => {
      const response = await request(edge.url, { path: "/api/categories" });
      expect([response.status, response.body]).toEqual([200, cached.body]);
      return response.headers["cache-status"] === "insole-edge; hit; detail=stale";
    };
    await until("the cached response is served, and marked as stale", isStale);
    for (const sent of [
      { path: "/api/shoes/not-cached" },
      { path: "/api/auth/profile" },
      { ...JSON_POST, path: "/api/auth/login" },
      { ...JSON_POST, method: "PUT", path: "/api/auth/profile" },
      // With a version, a stale response would be older than the client's own write.
      { path: "/api/categories", headers: { "insole-version": FORGED } },
    ]) {
      const response = await request(edge.url, sent);
      expect(response.status).toBe(503);
      expect(JSON.parse(response.body)).toMatchObject({ type: "/problems/unavailable", status: 503 });
      expect(response.headers["retry-after"]).toBe("1");
    }
  }, 60_000);
});
