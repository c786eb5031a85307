// The figures of nodes: rates between two readings, and none where a node is down, new, restarted or silent.
import { afterAll, beforeEach, expect, test } from "bun:test";
import type { Node } from "./node.ts";
import { openWatch } from "./watch.ts";

let metrics: string | null;
let state: ReturnType<Node["state"]>;
let nowMs: number;
beforeEach(() => {
  [metrics, state, nowMs] = [totals(100, 100, 50), "ready", 0];
});

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    if (metrics === null) return new Response(null, { status: 500 });
    const { pathname } = new URL(request.url);
    return new Response(pathname === "/metrics" ? metrics : '{"role":"node","seq":7,"lagMs":20}');
  },
});
afterAll(() => server.stop(true));

/** The metrics of a node after so many requests, of which so many are of the catalogue and so many hits. */
function totals(requests: number, answers: number, hits: number): string {
  return `insole_http_requests_total{route="cached",method="GET",status="2xx"} ${requests}
insole_cache_answers_total{kind="hit"} ${hits}
insole_cache_answers_total{kind="miss"} ${answers - hits}`;
}

const node = {
  name: "node-1",
  url: `http://127.0.0.1:${server.port}`,
  state: () => state,
  pid: () => process.pid,
} as Node;

/** Opens a watch, which has read the node once. */
async function openRead() {
  const watch = openWatch(() => nowMs);
  const read = async () => {
    const [reading] = await watch.read([node]);
    return reading;
  };
  const first = await read();
  nowMs = 2_000;
  return { first, read };
}

test("the first reading has no rates, and the next one those of the time between", async () => {
  const { first, read } = await openRead();
  expect(first).toMatchObject({ role: "node", state: "ready", seq: 7, lagMs: 20 });
  expect(first).toMatchObject({ requestsPerSecond: null, hitShare: null });
  expect(first?.memoryMib).toBeGreaterThan(1);
  metrics = totals(400, 200, 125);
  expect(await read()).toMatchObject({ requestsPerSecond: 150, hitShare: 0.75 });
});

test("without a request to the catalogue there is no share of hits", async () => {
  const { read } = await openRead();
  metrics = totals(102, 100, 50);
  expect(await read()).toMatchObject({ requestsPerSecond: 1, hitShare: null });
});

test("a node that was restarted between two readings has no rates", async () => {
  const { read } = await openRead();
  metrics = totals(3, 2, 1);
  expect(await read()).toMatchObject({ requestsPerSecond: null, hitShare: null });
  nowMs = 3_000;
  metrics = totals(8, 4, 2);
  expect(await read()).toMatchObject({ requestsPerSecond: 5, hitShare: 0.5 });
});

test("a node that is down or does not answer has no figures, and no rates afterwards", async () => {
  const { read } = await openRead();
  const none = { role: "node", seq: null, lagMs: null, requestsPerSecond: null, hitShare: null };
  state = "down";
  expect(await read()).toMatchObject({ ...none, state: "down" });
  state = "ready";
  expect(await read()).toMatchObject({ seq: 7, requestsPerSecond: null });
  metrics = null;
  expect(await read()).toMatchObject(none);
});
