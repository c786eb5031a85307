// The rows about what is not for outside, and about the edge's own refusals and those that it leaves to the nodes.
import { keepConnection, type Question } from "./client.ts";
import { askUntilHit, expectHeader, expectProblem, expectStatus, type Row, waitUntilStale } from "./row.ts";

const BODY_BYTES_MAX = 256 * 1024;
/** Conditions of writes, none of which holds for any shoe. */
const CONDITIONS = [
  { "if-match": '"another"' },
  { "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT" },
] as const;
/** Opened at once, so that the workers of the edge share them. */
const CONNECTIONS = 32;

export const HIDDEN_ROWS: Row[] = [
  {
    says: "nobody outside sees /metrics or /readyz?verbose, in any spelling",
    async check({ at }) {
      const paths = [
        "/metrics",
        "//metrics",
        "/%6detrics",
        "/x/../metrics",
        "/x/%2e%2e/metrics",
        "/x\\..\\metrics",
      ];
      paths.push(
        "/readyz?verbose",
        "/readyz?verbose=1",
        "/readyz?%76erbose",
        "/./readyz?a&verbose",
        "/\\readyz?verbose",
      );
      for (const path of paths) {
        const reply = await at(path);
        if (reply.status !== 404) throw new Error(`${path} gives ${reply.status}`);
        expectProblem(reply, 404, "not-found");
      }
    },
  },
  {
    says: "whether the shop is there may be asked",
    async check({ at }) {
      for (const path of ["/readyz", "/health", "/livez"]) expectStatus(await at(path), 200);
    },
  },
];

export const ERROR_ROWS: Row[] = [
  {
    says: "a method that no node knows is refused here",
    async check({ at, freshShoe }) {
      for (const method of ["TRACE", "BREW"]) {
        const reply = await at(freshShoe(), { method });
        expectProblem(reply, 405, "method-not-allowed");
        expectHeader(reply, "allow", /GET, HEAD/);
      }
    },
  },
  {
    says: "a body over 256 KiB is refused here, one of 256 KiB is not",
    async check({ at }) {
      const send = (bytes: number) =>
        at("/api/auth/login", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: `{}${" ".repeat(bytes - 2)}`,
        });
      expectProblem(await send(BODY_BYTES_MAX + 1), 413, "payload-too-large");
      expectProblem(await send(BODY_BYTES_MAX), 400, "invalid-request");
    },
  },
  {
    says: "an address or a header that is too long is refused as a problem",
    async check({ at }) {
      expectProblem(await at(`/${"a".repeat(9_000)}`), 414, "invalid-request");
      expectProblem(
        await at("/health", { headers: { "x-long": "a".repeat(9_000) } }),
        431,
        "invalid-request",
      );
    },
  },
  {
    says: "a broken request is refused as a problem, whatever is in it",
    async check({ at }) {
      expectProblem(await at('/"}<x>', { headers: { host: "a b" } }), 400, "invalid-request");
      expectProblem(await at("/health", { method: "NO\u0001" }), 400, "invalid-request");
    },
  },
  {
    says: "If-Match and If-Unmodified-Since are no conditions of a read: a node answers it, and it is not kept",
    async check({ at, freshShoe }) {
      for (const headers of CONDITIONS) {
        const reply = await at(freshShoe(), { headers });
        expectStatus(reply, 200);
        if (reply.headers["cache-status"]?.includes("insole-edge")) throw new Error("the edge keeps it");
      }
    },
  },
  {
    says: "a read of a stale answer with If-Match or If-Unmodified-Since ends no client's connection",
    async check(asker) {
      const reads = CONDITIONS.map((headers) => ({ path: asker.freshShoe(), headers }));
      for (const { path } of reads) await askUntilHit(asker, path);
      await waitUntilStale(asker);
      const connections = Array.from({ length: CONNECTIONS }, () => keepConnection(asker.edge));
      const askEach = (questionAt: (at: number) => Question) =>
        Promise.allSettled(connections.map((connection, at) => connection.ask(questionAt(at))));
      const other = { path: "/livez" };
      try {
        await askEach(() => other);
        const replies = await askEach((at) => reads[at] ?? other);
        const lost = (await askEach(() => other)).filter(({ status }) => status === "rejected").length;
        if (lost > 0) throw new Error(`${lost} of ${CONNECTIONS} connections are lost`);
        for (const reply of replies) if (reply.status === "fulfilled") expectStatus(reply.value, 200);
      } finally {
        for (const connection of connections) connection.close();
      }
    },
  },
];
