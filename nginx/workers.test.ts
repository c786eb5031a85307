// Reads of stale responses that once crashed a worker of NGINX: the workers' process ids must stay the same.
import { afterAll, expect, test } from "bun:test";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type HttpRequest, request } from "./rows/client.ts";
import { openFakeNode, openPrograms, PUBLIC, workersOf } from "./testing/edge.ts";

const TAG = '"a.i"';
const LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT";
const OTHER_TAG = { "if-match": '"another"' };
const UNMODIFIED = { "if-unmodified-since": LONG_AGO };
const BOTH = { ...OTHER_TAG, ...UNMODIFIED };
const PAST_THE_END = { range: "bytes=999999-" };

// Skipped on a machine without NGINX; CI installs it.
const withNginx = test.skipIf(findNginx(process.env.PATH ?? "") === null);
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
// Reads heed no condition but If-None-Match, as in the shop. Ranges, which the shop does not serve, are for 416.
const node = openFakeNode(({ headers: conditions }) => {
  const headers = { ...PUBLIC, etag: TAG, "accept-ranges": "bytes" };
  const isKnown = conditions.get("if-none-match") === TAG;
  return isKnown ? new Response(null, { status: 304, headers }) : Response.json({ id: "a" }, { headers });
});
afterAll(async () => {
  await node.close();
  await programs.close();
});

type Read = { sent: HttpRequest; status: number };
const read = (path: string, headers: Record<string, string>, status = 200, method = "GET"): Read => ({
  sent: { method, path, headers },
  status,
});

// Each has an address of its own: a response is stale only until the first read.
const READS = [
  read("/api/shoes/tag", OTHER_TAG),
  read("/api/shoes/date", UNMODIFIED),
  read("/api/shoes/both", BOTH),
  read("/api/shoes/head-tag", OTHER_TAG, 200, "HEAD"),
  read("/api/shoes/head-date", UNMODIFIED, 200, "HEAD"),
  read("/api/shoes/weak", { "if-match": `W/${TAG}` }),
  read("/api/shoes/known", { ...OTHER_TAG, "if-none-match": TAG }, 304),
  read("/v1/products/tag/relatedproducts", OTHER_TAG),
  read("/api/shoes?limit=1", OTHER_TAG),
  read("/api/shoes?limit=2", UNMODIFIED),
  read("/api/shoes?limit=3", OTHER_TAG, 200, "HEAD"),
  read("/images/tag.svg", OTHER_TAG),
  read("/images/date.svg", UNMODIFIED),
  // An empty header is as a missing one to a map: NGINX refuses these itself, and no worker may crash then either.
  read("/api/shoes/empty-tag", { "if-match": "" }, 412),
  read("/api/shoes/empty-date", { "if-unmodified-since": "" }, 412),
  read("/api/shoes/head-empty-tag", { "if-match": "" }, 412, "HEAD"),
  read("/api/shoes?limit=4", { "if-match": "" }, 412),
  read("/api/shoes/range", PAST_THE_END, 416),
  read("/api/shoes/head-range", PAST_THE_END, 416, "HEAD"),
  read("/api/shoes/range-empty-tag", { ...PAST_THE_END, "if-match": "" }, 412),
];

withNginx("reads of stale responses with conditions and ranges crash no worker", async () => {
  const edge = await programs.bootEdge([node.address]);
  for (const { sent } of READS) await request(edge.url, { path: sent.path });
  // Cached after all others, so it is the last of them to be stale.
  const isLastStale = async () => {
    const { headers } = await request(edge.url, { path: "/api/shoes/last" });
    return headers["cache-status"] === "insole-edge; fwd=stale; fwd-status=304";
  };
  await until("all responses are stale", isLastStale);

  const workers = workersOf(edge);
  expect(workers.length).toBeGreaterThan(0);
  node.received.length = 0;
  const statuses: number[] = [];
  for (const { sent } of READS) statuses.push((await request(edge.url, sent)).status);
  const withTag = node.received.filter(({ headers }) => headers["if-match"] === OTHER_TAG["if-match"]);
  // A worker may crash a moment after its response, but not later than these.
  for (const { sent } of READS) expect((await request(edge.url, { path: sent.path })).status).toBe(200);

  expect(workersOf(edge)).toEqual(workers);
  const log = await Bun.file(`${edge.folder}/logs/error.log`).text();
  expect(log.split("\n").filter((line) => /\[alert\]|exited on signal/.test(line))).toEqual([]);
  expect(statuses).toEqual(READS.map(({ status }) => status));
  // The condition reaches the node.
  const others = READS.filter(({ sent }) => sent.headers?.["if-match"] === OTHER_TAG["if-match"]);
  expect(withTag.map(({ url }) => url)).toEqual(others.map(({ sent }) => sent.path));
});
