// A foreign primary at the address of the own one: the proxy forwards no connection to it, and the log says so once.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../db/until.ts";
import { openProxy, type ProbeResult } from "./proxy.ts";
import { openSync } from "./sync.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-foreign-"));
/** The dataset that the primary tells; `null` where it is busy. */
let dataset: string | null;
/** The status of every answer but those to probes. */
let status: number;
let probes = 0;
let others: string[] = [];
beforeEach(() => {
  [dataset, status, probes, others] = ["foreign", 200, 0, []];
});
const primary = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/dataset") return new Response(null, { status: 404 });
    if (pathname !== "/v3/pipeline") {
      others.push(pathname);
      return new Response("reached", { status });
    }
    probes += 1;
    if (dataset === null) return new Response(null, { status: 503 });
    const rows = [[{ type: "text", value: dataset }]];
    const result = { step_results: [{ cols: [], rows, affected_row_count: 0 }], step_errors: [null] };
    return Response.json({ baton: null, results: [{ type: "ok", response: { type: "batch", result } }] });
  },
});
const server = { url: `http://127.0.0.1:${primary.port}`, authToken: "" };
afterAll(async () => {
  await primary.stop(true);
  rmSync(folder, { recursive: true });
});

test("a connection reaches the own primary, and never a foreign one", async () => {
  const results: ProbeResult[] = [];
  const proxy = await openProxy(server, "ours", (result) => void results.push(result));
  await until("a probe", () => results.length > 0);
  expect(results[0]).toEqual({ kind: "foreign", found: "foreign" });
  expect((await fetch(`${proxy.url}/sync`)).status).toBe(503);
  expect(others).toEqual([]);
  dataset = "ours";
  await until("the probe that finds the own dataset", () => results.at(-1)?.kind === "own");
  expect(await (await fetch(`${proxy.url}/sync`)).text()).toBe("reached");
  proxy.close();
});

test("the first dataset that a node without one finds is its own from then on", async () => {
  const results: ProbeResult[] = [];
  const proxy = await openProxy(server, null, (result) => void results.push(result));
  await until("a probe", () => results.length > 0);
  expect(results).toEqual([{ kind: "own", server: "bare" }]);
  dataset = "another";
  proxy.probe();
  await until("another probe", () => results.length > 1);
  expect(results[1]).toEqual({ kind: "foreign", found: "another" });
  proxy.close();
});

test("a primary that cannot be synced is logged once, and again when the reason is another one", async () => {
  const lines: string[] = [];
  dataset = null;
  const sync = await openSync({
    path: join(folder, "replica.db"),
    server,
    dataset: "ours",
    pauseMs: 10,
    log: (level, message, facts) => lines.push(`${level} ${message}: ${facts?.why}`),
    onSynced: () => {},
    onReached: () => {},
    onThreadEnd: () => {},
  });
  await until("four probes", () => probes > 3);
  dataset = "foreign";
  await until("the foreign dataset is noticed", () => sync.state.isForeign);
  const seen = probes;
  await until("another probe", () => probes > seen + 1);
  await sync.close();
  await sync.ended;
  expect(lines).toEqual([
    "warn the replica is not synced: the primary answered 503",
    "error the replica is not synced: another dataset (foreign) stands at the primary's address",
  ]);
});

test("a sync that the primary refuses is tried again, and logged once", async () => {
  const lines: string[] = [];
  [dataset, status] = ["ours", 401];
  const sync = await openSync({
    path: join(folder, "failing.db"),
    server,
    dataset: "ours",
    pauseMs: 10,
    log: (level, message) => lines.push(`${level} ${message}`),
    onSynced: () => {},
    onReached: () => {},
    onThreadEnd: () => {},
  });
  await until("the first failure", () => sync.state.failure !== null);
  const seen = others.length;
  await until("more attempts", () => others.length > seen + 3);
  await sync.close();
  await sync.ended;
  expect(lines).toEqual(["warn the replica is not synced"]);
});
