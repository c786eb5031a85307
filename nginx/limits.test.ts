// What the edge refuses by itself: requests and connections above the limits of one client, and bodies that are too long.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type HttpRequest, request, requestManyTimes } from "./rows/client.ts";
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

const read = (path: string, headers: Record<string, string> = {}): HttpRequest => ({ path, headers });
const list = (query: string): HttpRequest => read(`/api/shoes?${query}`);

/** A node computes these lists. */
const COMPUTED = [
  "q=a",
  "search=a",
  "facets=true",
  "minPrice=1",
  "maxPrice=9",
  "size=9.5",
  "inStock=true",
  "onSale=1",
  "page=2&q=a&limit=5",
  "brand=a&color=b",
  "gender=b&category=a",
  "sort=name&brand=a",
  "category=a&sort=popular",
  "color=a&sort=price_asc",
].map(list);
/** These go past the cache. */
const PAST_CACHE = [
  read("/api/shoes/a", { "insole-version": FORGED }),
  read("/api/categories", { cookie: `insole_version=${FORGED}` }),
  read("/images/a.svg", { "insole-version": FORGED }),
  read("/api/shoes/a", { "if-match": '"a"' }),
  read("/images/a.svg", { "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT" }),
  read("/api/shoes/%61"),
  read("/api//shoes/a"),
  read("/v1/products/a%20"),
  read("/%61pi/shoes/a"),
  read("/api/shoes/"),
  read("/images//a.svg"),
  read("/images/a.png"),
  read("/api/%73hoes?q=a"),
  read("/v1/shoes/a/b"),
  read("/api//categories"),
  { ...read("/api//shoes/a"), method: "HEAD" },
  list("brand=a&brand=b"),
  list("li%6dit=3"),
  list("l+x=3"),
];
/** Neither: an index has the page, or the request is personal. */
const FREE = [
  list(""),
  list("page=2"),
  list("limit=5"),
  list("cursor=x"),
  list("ids=a,b"),
  list("brand=a"),
  list("category=a&page=3&limit=9"),
  list("category=a&sort=price_asc"),
  list("brand=a&sort=newest"),
  list("color=a"),
  list("sort=popular"),
  list("utm=q=1"),
  read("/api/shoes/a?q=a&q=b"),
  read("/api/shoes/a?utm%5Fx=1"),
  read("/images/a.svg?v=7"),
  read("/api/auth/profile"),
  read("/api/users/me/likes?ids=true", { cookie: `insole_version=${FORGED}` }),
  read("/api/auth/profile", { "insole-version": FORGED, "if-match": "*" }),
  { ...read("/api/shoes/a", { "if-match": '"3"' }), method: "PUT" },
  { ...read("/api//shoes/a"), method: "OPTIONS" },
];
/** More than a burst of 100 and the seconds of the test let through. */
const TIMES = 500;

withNginx.each([
  { kind: "computed lists", requests: COMPUTED, isLimited: true },
  { kind: "reads past the cache", requests: PAST_CACHE, isLimited: true },
  { kind: "other lists and personal requests", requests: FREE, isLimited: false },
])("$kind: whether a flood of them is limited is $isLimited", async ({ requests, isLimited }) => {
  const edge = await programs.bootEdge([node.address]);
  for (const [at, sent] of requests.entries()) {
    const { statuses } = await requestManyTimes(edge.url, { ...sent, from: `127.0.2.${at + 1}` }, TIMES);
    expect({ sent, isLimited: (statuses["429"] ?? 0) > 0 }).toEqual({ sent, isLimited });
    expect((statuses["200"] ?? 0) + (statuses["429"] ?? 0)).toBe(TIMES);
  }
});

withNginx("all ways past the cache share one limit, and computed lists have one of their own", async () => {
  const edge = await programs.bootEdge([node.address]);
  const from = "127.0.3.1";
  const [version, ...others] = PAST_CACHE.map((sent) => ({ ...sent, from }));
  if (!version) throw new Error("there is no way past the cache");
  const isRefused = async (sent: HttpRequest) =>
    ((await requestManyTimes(edge.url, { ...sent, from }, 90)).statuses["429"] ?? 0) > 0;
  await requestManyTimes(edge.url, version, TIMES);
  for (const sent of others) {
    expect({ sent, isRefused: await isRefused(sent) }).toEqual({ sent, isRefused: true });
    await requestManyTimes(edge.url, version, TIMES);
  }
  expect(await isRefused(list("q=other"))).toBe(false);
  for (const sent of FREE)
    expect({ sent, isRefused: await isRefused(sent) }).toEqual({ sent, isRefused: false });
});
