// What the edge refuses by itself: requests and connections above the limits of one client, and bodies that are too long.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { request, requestManyTimes } from "./rows/client.ts";
import { openFakeNode, openPrograms, PUBLIC } from "./testing/edge.ts";

const FORGED = "0123abcd.42.AAAAAAAAAAAAAAAA";
const CONNECTIONS_MAX = 200;
const BODY_BYTES_MAX = 256 * 1024;
// Skipped on a machine without NGINX; CI installs it.
const withNginx = test.skipIf(findNginx(process.env.PATH ?? "") === null);
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);

/** Lets the requests under way to /held go on. */
let release = (): void => {};
let released = Promise.resolve();
const node = openFakeNode(async ({ url }) => {
  if (url.endsWith("/held")) await released;
  return Response.json({}, { headers: PUBLIC });
});
beforeEach(() => {
  node.received.length = 0;
});
afterAll(async () => {
  release();
  await node.close();
  await programs.close();
});

withNginx("a flood of versions gets 429, does not reach the nodes, and is not logged", async () => {
  const edge = await programs.bootEdge([node.address], ["--log-sample", "0"]);
  const sent = {
    path: "/api/shoes/flooded",
    headers: { "insole-version": FORGED },
    from: "127.0.0.99",
  };
  const { statuses, limited } = await requestManyTimes(edge.url, sent, 3_000);
  expect(Object.keys(statuses).sort()).toEqual(["200", "429"]);
  expect(limited?.headers["retry-after"]).toBe("1");
  expect(node.received.length).toBe(statuses["200"] ?? 0);
  expect(node.received.length).toBeLessThan(1_500);
  // Other clients are not limited.
  const other = { ...sent, from: "127.0.0.98" };
  expect((await request(edge.url, other)).status).toBe(200);
  // An error is logged, and all requests before it by then.
  await request(edge.url, { path: "/metrics" });
  const log = Bun.file(`${edge.folder}/logs/access.log`);
  await until("the error is logged", async () => (await log.text()).includes("/metrics"));
  expect(await log.text()).not.toContain('"status":429');
});

withNginx(
  "one client has 200 requests under way; the next one gets 429, and that of another client 200",
  async () => {
    const edge = await programs.bootEdge([node.address]);
    released = new Promise((resolve) => {
      release = resolve;
    });
    const from = "127.0.0.50";
    // The edge waits ten seconds for the response to a write, two for that to a read.
    const held = Array.from({ length: CONNECTIONS_MAX }, () =>
      request(edge.url, { method: "POST", path: "/held", from }),
    );
    await until("the node has the requests", () => node.received.length === CONNECTIONS_MAX);
    const refused = await request(edge.url, { path: "/api/shoes/a", from });
    const other = await request(edge.url, { path: "/api/shoes/a", from: "127.0.0.51" });
    release();
    expect(new Set((await Promise.all(held)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.body)).toMatchObject({ type: "/problems/too-many-requests", status: 429 });
    expect(other.status).toBe(200);
    expect((await request(edge.url, { path: "/api/shoes/a", from })).status).toBe(200);
  },
);

withNginx(
  "a body over 256 KiB is refused before a node gets the request, one of 256 KiB is passed on",
  async () => {
    const edge = await programs.bootEdge([node.address]);
    const post = (bytes: number) =>
      request(edge.url, { method: "POST", path: "/api/auth/login", body: "x".repeat(bytes) });
    const refused = await post(BODY_BYTES_MAX + 1);
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.body)).toMatchObject({ type: "/problems/payload-too-large", status: 413 });
    expect(node.received).toEqual([]);
    expect((await post(BODY_BYTES_MAX)).status).toBe(200);
    expect(node.received.map(({ headers }) => headers["content-length"])).toEqual([String(BODY_BYTES_MAX)]);
  },
);
