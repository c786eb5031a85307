// Rows about addresses that clients must not reach, and about requests that the edge refuses or leaves to a node.
import { type HttpRequest, openConnection } from "./client.ts";
import {
  expectHeader,
  expectProblem,
  expectStatus,
  type Row,
  requestUntilHit,
  waitUntilStale,
} from "./row.ts";

const BODY_BYTES_MAX = 256 * 1024;
const METRICS = [
  "/metrics",
  "//metrics",
  "/%6detrics",
  "/x/../metrics",
  "/x/%2e%2e/metrics",
  "/x\\..\\metrics",
  "/x%2fy/../metrics",
  "/api/shoes/..\\..\\metrics",
  "/v1/products/%2e%2e\\%2e%2e\\metrics",
  "/images/..\\metrics",
  "/metrics#x",
  "/api/metrics",
  "/v1/metrics",
];
const VERBOSE = [
  "/readyz?verbose",
  "/readyz?verbose=1",
  "/readyz?%76erbose",
  "/./readyz?a&verbose",
  "/\\readyz?verbose",
  "/images/..\\readyz?verbose",
  "/x%2fy/../readyz?verbose",
  "/readyz?#verbose",
  "/api/readyz?verbose",
];
/** Conditions of writes, none of which holds for any shoe. */
const CONDITIONS = [
  { "if-match": '"another"' },
  { "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT" },
] as const;
/** Opened at once, so that the workers of the edge share them. */
const CONNECTIONS = 32;

export const HIDDEN_ROWS: Row[] = [
  {
    rule: "/metrics and /readyz?verbose are 404 for clients, in any spelling",
    async check({ send }) {
      for (const path of [...METRICS, ...VERBOSE]) {
        const response = await send(path);
        if (response.status !== 404) throw new Error(`${path} gives ${response.status}`);
        expectProblem(response, 404, "not-found");
      }
    },
  },
  {
    rule: "/readyz, /health and /livez answer",
    async check({ send }) {
      for (const path of ["/readyz", "/health", "/livez"]) expectStatus(await send(path), 200);
    },
  },
];

export const ERROR_ROWS: Row[] = [
  {
    rule: "the edge refuses a method that no route has",
    async check({ send, nextShoe }) {
      for (const method of ["TRACE", "BREW"]) {
        const response = await send(nextShoe(), { method });
        expectProblem(response, 405, "method-not-allowed");
        expectHeader(response, "allow", /GET, HEAD/);
      }
    },
  },
  {
    rule: "the edge refuses a body over 256 KiB, and passes one of 256 KiB on",
    async check({ send }) {
      const post = (bytes: number) =>
        send("/api/auth/login", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: `{}${" ".repeat(bytes - 2)}`,
        });
      expectProblem(await post(BODY_BYTES_MAX + 1), 413, "payload-too-large");
      expectProblem(await post(BODY_BYTES_MAX), 400, "invalid-request");
    },
  },
  {
    rule: "the edge refuses an address or a header that is too long with a problem",
    async check({ send }) {
      expectProblem(await send(`/${"a".repeat(9_000)}`), 414, "invalid-request");
      const headers = { "x-long": "a".repeat(9_000) };
      expectProblem(await send("/health", { headers }), 431, "invalid-request");
    },
  },
  {
    rule: "the edge refuses a malformed request with a problem, whatever is in it",
    async check({ send }) {
      expectProblem(await send('/"}<x>', { headers: { host: "a b" } }), 400, "invalid-request");
      expectProblem(await send("/health", { method: "NO\u0001" }), 400, "invalid-request");
      // Beside the one that each request has.
      const headers = { Host: "other.example" };
      expectProblem(await send("/health", { headers }), 400, "invalid-request");
    },
  },
  {
    rule: "a node answers a read with If-Match or If-Unmodified-Since, ignores both, and the edge does not cache it",
    async check({ send, nextShoe }) {
      for (const headers of CONDITIONS) {
        const response = await send(nextShoe(), { headers });
        expectStatus(response, 200);
        if (response.headers["cache-status"]?.includes("insole-edge")) throw new Error("the edge caches it");
      }
    },
  },
  {
    rule: "a read of a stale response with If-Match or If-Unmodified-Since closes no client's connection",
    async check(client) {
      const reads = CONDITIONS.map((headers) => ({ path: client.nextShoe(), headers }));
      for (const { path } of reads) await requestUntilHit(client, path);
      await waitUntilStale(client);
      const connections = Array.from({ length: CONNECTIONS }, () => openConnection(client.edge));
      const sendOnEach = (requestOf: (number: number) => HttpRequest) =>
        Promise.allSettled(connections.map((connection, number) => connection.request(requestOf(number))));
      const other = { path: "/livez" };
      try {
        await sendOnEach(() => other);
        const responses = await sendOnEach((number) => reads[number] ?? other);
        const lost = (await sendOnEach(() => other)).filter(({ status }) => status === "rejected").length;
        if (lost > 0) throw new Error(`${lost} of ${CONNECTIONS} connections are lost`);
        for (const response of responses)
          if (response.status === "fulfilled") expectStatus(response.value, 200);
      } finally {
        for (const connection of connections) connection.close();
      }
    },
  },
];
