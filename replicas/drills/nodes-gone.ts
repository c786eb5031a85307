// The drill of all nodes killed at once: the edge goes on with what it has cached, and refuses the rest.
import { must } from "../../db/must.ts";
import { until } from "../../db/until.ts";
import { checkResponses } from "./checks/responses.ts";
import type { Cluster } from "./cluster.ts";
import { type Checks, type Drill, type DrillContext, secondsOf, sizeOf } from "./drill.ts";
import {
  type Account,
  demoId,
  type HttpRequest,
  type HttpResponse,
  request,
  signInAdmin,
  statusOf,
} from "./traffic/client.ts";
import { inParallel, openLoad } from "./traffic/load.ts";
import { pick, random } from "./traffic/random.ts";
import { publicRead, SHOES } from "./traffic/reads.ts";
import { addRequest, changePrice, likeRequest, priceRequest } from "./traffic/shoes.ts";

const SECONDS = { full: 60, short: 6 };
/** Responses that the edge caches before, half of them compressed as for browsers. */
const CACHED = { full: 2_000, short: 400 };
const ENCODINGS = ["gzip, deflate, br", "identity"];
const RATE = 500;
const CONCURRENCY = 32;
const RESPONSE_MS_MAX = 2_000;
const FRESH_MS_MAX = 30_000;
const PROBLEM_FIELDS = ["type", "title", "detail", "error", "requestId"];

export const nodesGone: Drill = {
  name: "nodes-gone",
  about:
    "kill -9 of all nodes: the edge serves every public response that it has cached, and 503 for all the rest",
  async run(context) {
    const { options, checks, progress } = context;
    const cluster = await context.boot();
    const admin = await signInAdmin(cluster.edge);
    const cached = await fillEdge(cluster, sizeOf(options, CACHED));
    progress(`the edge has ${cached.length} responses; all nodes are killed`);
    cluster.killNodes(cluster.nodes);
    await checkCached(checks, cluster, cached);
    const load = openLoad({
      rate: RATE,
      concurrency: CONCURRENCY,
      send: (number) => readCached(cluster, pick(cached, number)),
    });
    await Promise.all([
      checkRefusals(checks, cluster, admin),
      Bun.sleep(secondsOf(options, SECONDS) * 1_000),
    ]);
    checkResponses(checks, "reads of cached responses", await load.stop());
    await checkCached(checks, cluster, cached);
    await restart(context, cluster, cached);
  },
};

type CachedRead = { path: string; encoding: string };
/** A response that the edge has cached. */
type Cached = CachedRead & { etag: string; text: string };

const readCached = ({ edge }: Cluster, { path, encoding }: CachedRead, more = {}): Promise<HttpResponse> =>
  request(edge, { path, headers: { "accept-encoding": encoding, ...more } });

/** Sends so many different reads once; returns the responses. */
async function fillEdge(cluster: Cluster, size: number): Promise<Cached[]> {
  const reads = new Map<string, CachedRead>();
  for (let number = 0; reads.size < size; number += 1) {
    const path = publicRead(number);
    const encoding = ENCODINGS[Math.round(random(number, 9))] ?? "identity";
    // Both prefixes share one response at the edge.
    reads.set(`${path.replace(/^\/(api|v1)\//, "/")} ${encoding}`, { path, encoding });
  }
  const cached: Cached[] = [];
  await inParallel(reads.values(), CONCURRENCY, async (read) => {
    const response = await readCached(cluster, read);
    if (response.status !== 200) throw new Error(`${read.path}: ${statusOf(response)}`);
    cached.push({
      ...read,
      etag: must(response.headers.get("etag"), `the ETag of ${read.path}`),
      text: response.text,
    });
  });
  return cached;
}

/** Every cached response must come with the same bytes, and 304 to a client that has it. */
async function checkCached(checks: Checks, cluster: Cluster, cached: readonly Cached[]): Promise<void> {
  const failures: string[] = [];
  let slowestMs = 0;
  await inParallel(cached, CONCURRENCY, async (read) => {
    const response = await readCached(cluster, read);
    slowestMs = Math.max(slowestMs, response.ms);
    const from = response.headers.get("cache-status") ?? "";
    if (response.status !== 200 || response.text !== read.text || !from.startsWith("insole-edge; hit"))
      failures.push(`${read.path}: ${statusOf(response)} ${from}`);
    const again = await readCached(cluster, read, { "if-none-match": read.etag });
    if (again.status !== 304) failures.push(`${read.path}: ${statusOf(again)} instead of 304`);
  });
  checks.measure("cached responses", cached.length);
  checks.none("not served", failures);
  checks.atMost("the slowest after", slowestMs, RESPONSE_MS_MAX, "ms");
}

/** What needs a node must be refused: responses that are not cached, personal reads, and writes. */
async function checkRefusals(checks: Checks, cluster: Cluster, admin: Account): Promise<void> {
  const { token } = admin;
  const id = demoId(SHOES);
  const requests: HttpRequest[] = [
    { path: "/api/shoes/not-cached" },
    { path: "/api/shoes?q=notcached" },
    { path: "/images/not-cached.svg" },
    { path: "/api/auth/profile", token },
    { path: "/health" },
    priceRequest(admin, id, 10),
    addRequest(admin, { title: "Too late" }),
    likeRequest(admin, id),
    { path: `/api/shoes/${id}`, method: "DELETE", token },
  ];
  const wrong: string[] = [];
  let slowestMs = 0;
  for (const each of requests) {
    const response = await request(cluster.edge, each);
    slowestMs = Math.max(slowestMs, response.ms);
    if (!isRefusal(response))
      wrong.push(`${each.method ?? "GET"} ${each.path} ${statusOf(response)} ${response.text.slice(0, 200)}`);
  }
  checks.none("other requests that were not refused", wrong);
  checks.atMost("the slowest refusal after", slowestMs, RESPONSE_MS_MAX, "ms");
}

/** Whether it is 503 as the API describes it. */
function isRefusal({ status, headers, text }: HttpResponse): boolean {
  if (status !== 503 || headers.get("retry-after") === null) return false;
  if (headers.get("content-type")?.startsWith("application/problem+json") !== true) return false;
  const problem = JSON.parse(text) as Record<string, unknown>;
  return problem.status === 503 && PROBLEM_FIELDS.every((field) => field in problem);
}

/** Starts the nodes again: the edge must serve a new price soon, and everything that it served before. */
async function restart(
  { progress, checks }: DrillContext,
  cluster: Cluster,
  cached: readonly Cached[],
): Promise<void> {
  progress("all nodes are started again");
  await cluster.startNodes(cluster.nodes);
  const id = demoId(1);
  await changePrice(cluster.edge, await signInAdmin(cluster.edge), id, 77.77);
  const ms = await until(
    "the edge serves the new price",
    async () => {
      const { status, text } = await request(cluster.edge, { path: `/api/products/${id}` });
      return status === 200 && text.includes("77.77");
    },
    FRESH_MS_MAX,
  );
  checks.measure("new price at the edge after", ms, "ms");
  const failures: string[] = [];
  await inParallel(cached, CONCURRENCY, async (read) => {
    const response = await readCached(cluster, read);
    if (response.status !== 200) failures.push(`${read.path}: ${statusOf(response)}`);
  });
  checks.none("not served after the restart", failures);
}
