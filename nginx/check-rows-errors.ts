// The rows about what is not for outside, and about the edge's own refusals.
import { expectHeader, expectProblem, expectStatus, type Row } from "./check-row.ts";

const BODY_BYTES_MAX = 256 * 1024;

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
    says: "a condition that does not hold is refused as a problem",
    async check({ at, freshShoe }) {
      expectProblem(
        await at(freshShoe(), { headers: { "if-match": '"another"' } }),
        412,
        "precondition-failed",
      );
    },
  },
];
