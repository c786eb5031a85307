// Oha: its arguments, and which of its runs are valid.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  errorsOf,
  faultOf,
  keptRate,
  type Load,
  OHA_VERSION,
  ohaArguments,
  type Run,
  readReport,
} from "./oha.ts";

const LOAD: Load = {
  target: { url: "http://127.0.0.1:1/a" },
  connections: 32,
  seconds: 5,
  rate: 10_000,
  encoding: "gzip",
  cores: [1],
};

const report = (statuses: Record<string, number>, errors: Record<string, number> = {}) =>
  JSON.stringify({
    summary: { successRate: 1, total: 2, requestsPerSec: 999, average: 0.002 },
    latencyPercentiles: { p50: 0.001, p95: 0.015, p99: 0.025 },
    statusCodeDistribution: statuses,
    errorDistribution: errors,
  });

const runOf = (statuses: Record<string, number>, errors: Record<string, number> = {}): Run =>
  readReport(report(statuses, errors));

describe("the arguments", () => {
  test("a fixed rate corrects its latencies and is bounded in time", () => {
    const words = ohaArguments(LOAD).join(" ");
    expect(words).toContain("-q 10000 --latency-correction");
    expect(words).toContain("-c 32 -z 5s -t 10s");
    expect(words).toContain("accept-encoding: gzip");
    expect(words).toEndWith("http://127.0.0.1:1/a");
  });
  test("without a rate oha sends at full speed, and addresses may come from a file", () => {
    const words = ohaArguments({ ...LOAD, rate: null, target: { urlsPath: "/tmp/a.urls" } });
    expect(words).not.toContain("-q");
    expect(words.slice(-2)).toEqual(["--urls-from-file", "/tmp/a.urls"]);
  });
  test("bodies may come from a file, and responses may go to one", () => {
    const words = ohaArguments({
      ...LOAD,
      post: { token: "t", bodiesPath: "/tmp/a.bodies" },
      recordPath: "/tmp/a.answers",
    }).join(" ");
    expect(words).toContain("-m POST -H authorization: Bearer t -T application/json -Z /tmp/a.bodies");
    expect(words).toContain("--db-url /tmp/a.answers");
    expect(ohaArguments(LOAD)).not.toContain("--db-url");
  });
});

describe("the report", () => {
  test("answers are counted by status, not taken from oha's own rate", () => {
    expect(runOf({ "200": 90, "304": 10 })).toEqual({
      answers: 100,
      perSecond: 50,
      meanMs: 2,
      p50Ms: 1,
      p95Ms: 15,
      p99Ms: 25,
      statuses: { "200": 90, "304": 10 },
      errors: {},
    });
  });
  test("a success rate of 1 does not make a 503 good", () => {
    expect(faultOf(runOf({ "200": 90, "503": 10 }))).toBe("10 answers 503");
    expect(faultOf(runOf({ "200": 90, "301": 1 }))).toBe("1 answers 301");
    expect(faultOf(runOf({ "200": 90, "404": 2 }, { "connection refused": 3 }))).toBe(
      "2 answers 404, 3 times connection refused",
    );
  });
  test("errors are bad responses and missing ones", () => {
    expect(errorsOf(runOf({ "200": 90, "304": 1, "503": 10 }, { timeout: 3 }))).toBe(13);
    expect(errorsOf(runOf({ "201": 1 }, { "aborted due to deadline": 5 }))).toBe(0);
  });
  test("good answers are 2xx and 304, and there must be one", () => {
    expect(faultOf(runOf({ "200": 1, "204": 1, "304": 1 }))).toBeNull();
    expect(faultOf(runOf({}))).toBe("not one answer");
  });
  test("a request that the deadline aborts is no error", () => {
    expect(faultOf(runOf({ "200": 1 }, { "aborted due to deadline": 32 }))).toBeNull();
  });
  test("98 % of the rate is enough, less is not", () => {
    expect(keptRate(runOf({ "200": 196 }), 100)).toBe(true);
    expect(keptRate(runOf({ "200": 195 }), 100)).toBe(false);
    expect(keptRate(runOf({ "200": 1 }), null)).toBe(true);
  });
});

test("bench/install-oha installs the version that the harness names", () => {
  expect(readFileSync(join(import.meta.dir, "..", "install-oha"), "utf8")).toContain(
    `\nversion=${OHA_VERSION}\n`,
  );
});
