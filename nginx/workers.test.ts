// Reads of stale answers that once crashed an NGINX worker: the workers' process ids must stay the same.
import { afterAll, expect, test } from "bun:test";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { ask, type Question } from "./rows/client.ts";
import { type Edge, makeUp, openWorld, PUBLIC, until } from "./testing/edge.ts";

const TAG = '"a.i"';
const LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT";
const OTHER_TAG = { "if-match": '"another"' };
const UNMODIFIED = { "if-unmodified-since": LONG_AGO };
const BOTH = { ...OTHER_TAG, ...UNMODIFIED };
const PAST_THE_END = { range: "bytes=999999-" };

// On a machine that has no NGINX there is nothing to try; CI installs it.
const withNginx = test.skipIf(findNginx(process.env.PATH ?? "") === null);
const world = openWorld(`${process.env.PATH}:${NGINX_PATHS}`);
// As a shop: a read has no condition but If-None-Match. It has parts, which the shop's answers do not have, for 416.
const node = makeUp(({ headers: asked }) => {
  const headers = { ...PUBLIC, etag: TAG, "accept-ranges": "bytes" };
  const isKnown = asked.get("if-none-match") === TAG;
  return isKnown ? new Response(null, { status: 304, headers }) : Response.json({ id: "a" }, { headers });
});
afterAll(async () => {
  await node.close();
  await world.close();
});

/** The process ids of NGINX's workers, without its cache manager and loader. */
function workersOf({ child }: Edge): number[] {
  const lines = Bun.spawnSync(["ps", "-A", "-o", "ppid=,pid=,args="]).stdout.toString().split("\n");
  return lines
    .filter((line) => line.includes("nginx: worker process"))
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([parent, pid = 0]) => (parent === child.pid ? [pid] : []));
}

type Read = { question: Question; status: number };
const read = (path: string, headers: Record<string, string>, status = 200, method = "GET"): Read => ({
  question: { method, path, headers },
  status,
});

// Each has an address of its own: it is stale only until the first read.
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
  // A map cannot tell an empty header from a missing one: NGINX refuses these itself, which must end no worker either.
  read("/api/shoes/empty-tag", { "if-match": "" }, 412),
  read("/api/shoes/empty-date", { "if-unmodified-since": "" }, 412),
  read("/api/shoes/head-empty-tag", { "if-match": "" }, 412, "HEAD"),
  read("/api/shoes?limit=4", { "if-match": "" }, 412),
  read("/api/shoes/range", PAST_THE_END, 416),
  read("/api/shoes/head-range", PAST_THE_END, 416, "HEAD"),
  read("/api/shoes/range-empty-tag", { ...PAST_THE_END, "if-match": "" }, 412),
];

withNginx("reads of stale answers with conditions and ranges end no worker", async () => {
  const edge = await world.bootEdge([node.place]);
  for (const { question } of READS) await ask(edge.url, { path: question.path });
  // Kept after all of them, so they are stale when it is.
  const isLastStale = async () => {
    const { headers } = await ask(edge.url, { path: "/api/shoes/last" });
    return headers["cache-status"] === "insole-edge; fwd=stale; fwd-status=304";
  };
  await until(isLastStale, "all answers are stale");

  const workers = workersOf(edge);
  expect(workers.length).toBeGreaterThan(0);
  node.heard.length = 0;
  const statuses: number[] = [];
  for (const { question } of READS) statuses.push((await ask(edge.url, question)).status);
  const sent = node.heard.filter(({ headers }) => headers["if-match"] === OTHER_TAG["if-match"]);
  // A worker may end a moment after it has answered, but not after these.
  for (const { question } of READS) expect((await ask(edge.url, { path: question.path })).status).toBe(200);

  expect(workersOf(edge)).toEqual(workers);
  const log = await Bun.file(`${edge.folder}/logs/error.log`).text();
  expect(log.split("\n").filter((line) => /\[alert\]|exited on signal/.test(line))).toEqual([]);
  expect(statuses).toEqual(READS.map(({ status }) => status));
  // The node is sent the condition, and judges it.
  const others = READS.filter(({ question }) => question.headers?.["if-match"] === OTHER_TAG["if-match"]);
  expect(sent.map(({ url }) => url)).toEqual(others.map(({ question }) => question.path));
});
