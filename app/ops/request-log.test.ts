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

test("while the machine fails writes, refused ones have a line a second, which counts those left out", () => {
  const lines: string[] = [];
  const machine = { isFailing: true, nowMs: 0 };
  const logRequest = openRequestLog(
    openLog("info", "json", (line) => lines.push(line)),
    1,
    {
      isFailing: () => machine.isFailing,
      now: () => machine.nowMs,
    },
  );
  const request = (method: string, status: number) =>
    logRequest(new Request("http://shop/api/shoes", { method }), { status, answer: status }, 1, "id-1");
  for (const nowMs of [0, 1, 999, 1_000, 1_001]) {
    machine.nowMs = nowMs;
    request("POST", 503);
    request("PUT", 503);
  }
  request("GET", 503);
  request("POST", 500);
  request("POST", 404);
  machine.isFailing = false;
  request("POST", 503);
  expect(
    lines.map((line) => JSON.parse(line)).map(({ message, status, unlogged }) => [message, status, unlogged]),
  ).toEqual([
    ["POST", 503, undefined],
    ["POST", 503, 5],
    ["GET", 503, undefined],
    ["POST", 500, undefined],
    ["POST", 404, undefined],
    ["POST", 503, undefined],
  ]);
});
