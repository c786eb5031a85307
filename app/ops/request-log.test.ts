// The request log: failed and slow requests always, and of the others the share that the settings name.
import { expect, test } from "bun:test";
import { openLog } from "../log.ts";
import { openRequestLog } from "./request-log.ts";

const FAST_MS = 999.9;
const SLOW_MS = 1_000;

const HEALTHY = { isFailing: () => false, now: () => 0 };

/** The line of one request where the log takes this share of the quiet ones; `null` without a line. */
function lineOf(sample: number, status: number, ms: number, url = "http://shop/api/shoes") {
  const lines: string[] = [];
  const log = openLog("info", "json", (line) => lines.push(line));
  openRequestLog(log, sample, HEALTHY)(new Request(url), { status, answer: status }, ms, "id-1");
  expect(lines.length).toBeLessThanOrEqual(1);
  return lines[0] === undefined ? null : (JSON.parse(lines[0]) as Record<string, unknown>);
}

test.each<[number, number, string | null]>([
  [200, FAST_MS, null],
  [304, FAST_MS, null],
  [200, SLOW_MS, "info"],
  [400, 1, "info"],
  [404, 1, "info"],
  [429, 1, "info"],
  [500, 1, "error"],
  [503, 1, "error"],
])("without a share a %d after %d ms has the level %p", (status, ms, level) => {
  expect(lineOf(0, status, ms)?.level ?? null).toBe(level);
  expect(lineOf(1, status, ms)?.level).toBe(level ?? "info");
});

test("a line has the method, the status, the time in tenths of ms, the request's id and a bounded address", () => {
  const url = `http://shop/${"a".repeat(10_000)}`;
  expect(lineOf(1, 200, 1.26, url)).toEqual({
    time: expect.any(String),
    level: "info",
    message: "GET",
    url: url.slice(0, 8_192),
    status: 200,
    ms: 1.3,
    requestId: "id-1",
  });
});

/** A log whose clock a test sets; `lines` has the status and the count of those left out, of each line. */
function openThinned() {
  const written: string[] = [];
  const machine = { failing: false, nowMs: 0 };
  const log = openLog("info", "json", (line) => written.push(line));
  const logRequest = openRequestLog(log, 1, { isFailing: () => machine.failing, now: () => machine.nowMs });
  return {
    machine,
    request: (status: number, count = 1) => {
      const request = new Request("http://shop/api/shoes");
      for (let at = 0; at < count; at += 1) logRequest(request, { status, answer: status }, 1, "id-1");
    },
    lines: () =>
      written
        .splice(0)
        .map((line) => JSON.parse(line))
        .map(({ status, unlogged }) => (unlogged === undefined ? status : [status, unlogged])),
  };
}

test("a flood of refused requests has twenty lines a second of each status, and the next line counts the rest", () => {
  const { machine, request, lines } = openThinned();
  for (const status of [503, 429, 404]) request(status, 30);
  expect(lines()).toEqual([...repeated(20, 503), ...repeated(20, 429), ...repeated(30, 404)]);
  machine.nowMs = 999;
  request(503);
  expect(lines()).toEqual([]);
  machine.nowMs = 1_000;
  request(503, 2);
  request(429);
  expect(lines()).toEqual([[503, 11], 503, [429, 10]]);
});

test("a clock that was set back keeps no refused request out of the log", () => {
  const { machine, request, lines } = openThinned();
  machine.nowMs = 60_000;
  request(503, 21);
  machine.nowMs = 0;
  request(503);
  expect(lines()).toEqual([...repeated(20, 503), [503, 1]]);
});

test("while the machine fails writes, refused requests have a line a second", () => {
  const { machine, request, lines } = openThinned();
  machine.failing = true;
  for (const nowMs of [0, 1, 999, 1_000, 1_001]) {
    machine.nowMs = nowMs;
    request(503, 2);
  }
  request(500);
  expect(lines()).toEqual([503, [503, 5], 500]);
  machine.failing = false;
  request(503);
  expect(lines()).toEqual([[503, 3]]);
});

const repeated = (count: number, status: number): number[] => Array.from({ length: count }, () => status);
