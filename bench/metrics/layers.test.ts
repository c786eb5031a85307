// The layers that answered, from the counters of the nodes.
import { afterAll, describe, expect, test } from "bun:test";
import { between, layersOf, parseAnswers, readNodes } from "./layers.ts";

const METRICS = `# HELP insole_http_requests_total Requests answered
insole_http_requests_total{route="cached",method="GET",status="2xx"} 70
insole_http_requests_total{route="cached",method="GET",status="3xx"} 5
insole_http_requests_total{route="/shoes/:id/relatedproducts",method="GET",status="2xx"} 20
insole_http_requests_total{route="/shoes/:id/relatedproducts",method="GET",status="3xx"} 5
insole_http_requests_total{route="/metrics",method="GET",status="2xx"} 1000
insole_http_requests_total{route="/health",method="GET",status="2xx"} 1000
insole_cache_answers_total{kind="not-modified"} 10
`;

describe("a node's counters", () => {
  test("a computed 304 is no answer from memory, and monitoring is not counted", () => {
    expect(parseAnswers(METRICS)).toEqual({ fromMemory: 75, all: 100 });
    expect(parseAnswers("")).toEqual({ fromMemory: 0, all: 0 });
  });

  const answering = (status: number) =>
    Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(METRICS, { status }) });
  const [good, bad] = [answering(200), answering(503)];
  afterAll(() => Promise.all([good, bad].map((server) => server.stop(true))));
  const partOf = ({ url }: typeof good) => ({ url: url.href.slice(0, -1), pid: 1 });

  test("all nodes are added up, and one without metrics makes a reading throw", async () => {
    expect(await readNodes([partOf(good), partOf(good)])).toEqual({ fromMemory: 150, all: 200 });
    await expect(readNodes([partOf(good), partOf(bad)])).rejects.toThrow("/metrics answers 503");
  });
});

describe("layers", () => {
  test("answers that reached no node came from the edge", () => {
    const nodes = between({ fromMemory: 10, all: 20 }, { fromMemory: 40, all: 60 });
    expect(nodes).toEqual({ fromMemory: 30, all: 40 });
    const { edge, memory, computed } = layersOf(100, nodes);
    expect([edge, memory, computed].map((share) => share.toFixed(2))).toEqual(["0.60", "0.30", "0.10"]);
  });
  test("requests that the end of a run aborts make no share negative, and all add up to 1", () => {
    const { edge, memory, computed } = layersOf(100, { fromMemory: 110, all: 110 });
    expect([edge, memory, computed]).toEqual([0, 1, 0]);
  });
});
