// The drill that kills every node at once: what the edge holds it goes on serving, and says plainly what it cannot.

import type { Cluster } from "./cluster.ts";
import {
  type Checks,
  count,
  type Drill,
  type DrillContext,
  type DrillOptions,
  inSeconds,
  until,
} from "./drill.ts";
import {
  type Account,
  demoId,
  expectJson,
  type HttpRequest,
  type HttpResponse,
  request,
  signInAdmin,
} from "./traffic/client.ts";
import { openLoad, statusesText } from "./traffic/load.ts";
import { random } from "./traffic/random.ts";
import { publicRead, SHOES } from "./traffic/reads.ts";

const NODES = { full: 12, short: 4 };
const SECONDS = { full: 60, short: 6 };
/** Answers that the edge is asked for before, each as browsers ask and as plain programs do. */
const HELD = { full: 2_000, short: 400 };
const RATE = 500;
const LANES = 32;
const REFUSED_MS_MAX = 2_000;
const BACK_MS_MAX = 30_000;
const ENCODINGS = ["gzip, deflate, br", "identity"];

const secondsOf = ({ isShort, seconds }: DrillOptions): number =>
  seconds ?? (isShort ? SECONDS.short : SECONDS.full);

/** An answer that the edge has given and kept. */
type Held = { path: string; encoding: string; etag: string; text: string };

/** Kill -9 of all nodes: every public answer that the edge holds is served, the rest is 503 in the contract's words. */
export const nodesGone: Drill = {
  name: "nodes-gone",
  about: "kill -9 all nodes: the edge serves every public answer it holds, and 503 for all the rest",
  secondsMax: (options) => 150 + secondsOf(options),
  async run(ground) {
    const { options, progress, checks } = ground;
    const cluster = await ground.boot(options.nodes ?? (options.isShort ? NODES.short : NODES.full));
    const admin = await signInAdmin(cluster.edge);
    const held = await fill(cluster, options.isShort ? HELD.short : HELD.full);
    progress(`the edge holds ${count(held.length)} answers; all nodes are killed`);
    for (const { pid } of cluster.nodes) process.kill(pid, "SIGKILL");
    await checkHeld(cluster, held, checks);
    const serving = serveOn(ground, cluster, held);
    await checkRefusals(cluster, admin, checks);
    await serving;
    await checkHeld(cluster, held, checks);
    await bringBack(ground, cluster, held);
  },
};

const askHeld = (cluster: Cluster, { path, encoding }: Pick<Held, "path" | "encoding">, more = {}) =>
  request(cluster.edge, { path, headers: { "accept-encoding": encoding, ...more } });

/** Runs the work for each, some at a time. */
async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const lane = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Asks for everything once and keeps what came. */
async function fill(cluster: Cluster, size: number): Promise<Held[]> {
  const wanted = new Map<string, Pick<Held, "path" | "encoding">>();
  for (let number = 0; wanted.size < size; number += 1) {
    const path = publicRead(number);
    const encoding = ENCODINGS[Math.round(random(number, 9))] ?? "identity";
    // Both prefixes are one answer at the edge.
    wanted.set(`${path.replace(/^\/(api|v1)\//, "/")} ${encoding}`, { path, encoding });
  }
  const held: Held[] = [];
  await each([...wanted.values()], async (one) => {
    const answer = await askHeld(cluster, one);
    if (answer.status !== 200) throw new Error(`${one.path}: ${answer.failure ?? answer.status}`);
    held.push({ ...one, etag: answer.headers.get("etag") ?? "", text: answer.text });
  });
  return held;
}

const isStale = ({ headers }: HttpResponse): boolean =>
  (headers.get("cache-status") ?? "").startsWith("insole-edge; hit");

/** Every single one, with its bytes, and 304 for those who have it. */
async function checkHeld(cluster: Cluster, held: readonly Held[], judge: Checks): Promise<void> {
  const faults: string[] = [];
  let slowest = 0;
  await each(held, async (one) => {
    const answer = await askHeld(cluster, one);
    slowest = Math.max(slowest, answer.ms);
    if (answer.status !== 200 || answer.text !== one.text || !isStale(answer))
      faults.push(`${one.path}: ${answer.failure ?? answer.status} ${answer.headers.get("cache-status")}`);
    const again = await askHeld(cluster, one, { "if-none-match": one.etag });
    if (again.status !== 304) faults.push(`${one.path}: ${again.failure ?? again.status} instead of 304`);
  });
  judge.require(
    faults.length === 0,
    `${faults.length} held answers were not served: ${faults.slice(0, 3).join(", ")}`,
  );
  judge.require(slowest <= REFUSED_MS_MAX, `a held answer took ${inSeconds(slowest)}`);
}

/** Visitors go on as long as it lasts. */
async function serveOn(
  { options, checks }: DrillContext,
  cluster: Cluster,
  held: readonly Held[],
): Promise<void> {
  const send = (number: number) => {
    const one = held[number % held.length];
    if (one === undefined) throw new Error("the edge holds nothing");
    return askHeld(cluster, one);
  };
  const load = openLoad({ send, rate: RATE, concurrency: LANES });
  await Bun.sleep(secondsOf(options) * 1_000);
  const { responses, statuses, times } = await load.stop();
  checks.measure(
    "served",
    responses,
    `${count(responses)} held answers served, p99 ${times.percentile(0.99).toFixed(1)} ms`,
  );
  checks.require(
    responses === (statuses["200"] ?? 0),
    `held answers were not served all the time: ${statusesText(statuses)}`,
  );
}

/** What cannot be answered now: unknown addresses, what is personal, and writes. */
async function checkRefusals(cluster: Cluster, { token }: Account, judge: Checks): Promise<void> {
  const shoe = demoId(SHOES);
  const asked: HttpRequest[] = [
    { path: "/api/shoes/never-asked-for" },
    { path: "/api/shoes?q=neveraskedfor" },
    { path: "/images/never-asked-for.svg" },
    { path: "/api/auth/profile", token },
    { path: "/health" },
    { path: `/api/products/${shoe}`, method: "PUT", token, body: { price: 10 } },
    { path: "/api/shoes", method: "POST", token, body: { title: "Too late", price: 10 } },
    { path: `/api/shoes/${shoe}/likes/me`, method: "POST", token },
    { path: `/api/shoes/${shoe}`, method: "DELETE", token },
  ];
  let slowest = 0;
  for (const question of asked) {
    const answer = await request(cluster.edge, question);
    slowest = Math.max(slowest, answer.ms);
    const what = `${question.method ?? "GET"} ${question.path}`;
    judge.require(
      isRefusal(answer),
      `${what}: ${answer.failure ?? answer.status} ${answer.text.slice(0, 200)}`,
    );
    judge.require(answer.ms <= REFUSED_MS_MAX, `${what} was refused after ${inSeconds(answer.ms)}`);
  }
  judge.measure("refusedMs", slowest, `the rest refused in ${inSeconds(slowest)} (at most)`);
}

/** 503 as the contract words it. */
function isRefusal({ status, headers, text }: HttpResponse): boolean {
  if (status !== 503 || headers.get("retry-after") === null) return false;
  if (headers.get("content-type")?.startsWith("application/problem+json") !== true) return false;
  const body = JSON.parse(text) as Record<string, unknown>;
  return body.status === 503 && ["type", "title", "detail", "error", "requestId"].every((key) => key in body);
}

/** The nodes return, and with them the news. */
async function bringBack(
  { progress, checks }: DrillContext,
  cluster: Cluster,
  held: readonly Held[],
): Promise<void> {
  progress("all nodes are started again");
  await cluster.control("--start", cluster.nodes.map(({ name }) => name.replace("node-", "")).join(","));
  const token = (await signInAdmin(cluster.edge)).token;
  const path = `/api/products/${demoId(1)}`;
  expectJson(await request(cluster.edge, { path, method: "PUT", token, body: { price: 77.77 } }), 200);
  const ms = await until("the edge tells the new price", BACK_MS_MAX, async () => {
    const answer = await request(cluster.edge, { path });
    return answer.status === 200 && answer.text.includes("77.77");
  });
  checks.measure("freshMs", ms, `fresh again after ${inSeconds(ms)}`);
  await each(held, async (one) => {
    const answer = await askHeld(cluster, one);
    checks.require(answer.status === 200, `${one.path} afterwards: ${answer.failure ?? answer.status}`);
  });
}
