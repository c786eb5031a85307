// The counters in a shop's metrics.
import { afterAll, describe, expect, test } from "bun:test";
import { memoryShare, parseCacheAnswers, readMetrics, sumOfMetric } from "./metrics.ts";

const metrics = (hits: number, misses: number) => `# HELP insole_likes_total Likes acknowledged
# TYPE insole_likes_total counter
insole_likes_total 42
insole_likes_total_of_another 7
insole_http_requests_total{route="cached",method="GET",status="2xx"} 70
insole_http_requests_total{route="/shoes",method="GET",status="2xx"} 5
insole_cache_answers_total{kind="hit"} ${hits}
insole_cache_answers_total{kind="miss"} ${misses}
insole_cache_answers_total{kind="not-modified"} 10
insole_cache_answers_total{kind="missing"} 1
`;

test("a metric is the sum over its labels, without metrics whose names begin alike", () => {
  const text = metrics(1, 1);
  expect(sumOfMetric(text, "insole_likes_total")).toBe(42);
  expect(sumOfMetric(text, "insole_http_requests_total")).toBe(75);
  expect(sumOfMetric(text, "insole_http_requests_total", 'route="cached"')).toBe(70);
  expect(sumOfMetric(text, "insole_unknown_total")).toBe(0);
});

test("a 304 comes from memory, a 404 does not", () => {
  expect(parseCacheAnswers(metrics(80, 9))).toEqual({ fromMemory: 90, all: 100 });
  expect(memoryShare(metrics(80, 9), metrics(110, 19))).toBe(0.75);
});

describe("a shop that hides its metrics", () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("", { status: 403 }),
  });
  afterAll(() => server.stop(true));
  test("makes a reading throw", async () => {
    await expect(readMetrics(server.url.href.slice(0, -1))).rejects.toThrow("/metrics answers 403");
  });
});
