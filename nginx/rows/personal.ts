// Rows about personal requests and writes, about the other listeners, and about the limits.
import { connect as connectH2 } from "node:http2";
import { must } from "../../db/must.ts";
import { type HttpRequest, request, requestManyTimes } from "./client.ts";
import { expectHeader, expectProblem, expectStatus, type Row } from "./row.ts";

/** More than rate and burst together let through in the time that these take. */
const FLOOD = 8_000;
/** The same for the lower limits: of reads past the cache, and of lists that a node computes. */
const FLOOD_PAST_CACHE = 1_000;
/** More than one connection of HTTP/2 takes. */
const FLOOD_H2 = 1_500;

export const PERSONAL_ROWS: Row[] = [
  {
    rule: "personal responses are never cached",
    async check({ send }) {
      await send("/api/auth/profile");
      const response = await send("/api/auth/profile");
      expectProblem(response, 401, "unauthorized");
      expectHeader(response, "cache-status", null);
    },
  },
  {
    rule: "writes reach a node, and its refusals come back unchanged",
    async check({ send, nextShoe }) {
      const json = { "content-type": "application/json" };
      expectProblem(
        await send("/api/auth/login", { method: "POST", headers: json, body: "{}" }),
        400,
        "invalid-request",
      );
      expectProblem(
        await send(nextShoe(), { method: "PUT", headers: json, body: "{}" }),
        401,
        "unauthorized",
      );
      expectProblem(await send(nextShoe(), { method: "DELETE" }), 401, "unauthorized");
      const wrong = await send("/api/categories", { method: "DELETE" });
      expectProblem(wrong, 405, "method-not-allowed");
      expectHeader(wrong, "allow", "GET, HEAD, OPTIONS, POST");
    },
  },
  {
    rule: "a preflight request reaches a node",
    async check({ send, nextShoe }) {
      const headers = { origin: "https://shop.example", "access-control-request-method": "GET" };
      const response = await send(nextShoe(), { method: "OPTIONS", headers });
      expectStatus(response, 204);
      expectHeader(response, "access-control-allow-methods", /GET/);
    },
  },
  {
    rule: "X-Request-Id is the client's where it is well-formed, else the edge's own",
    async check({ send }) {
      expectHeader(
        await send("/health", { headers: { "x-request-id": "mine:1" } }),
        "x-request-id",
        "mine:1",
      );
      for (const id of ["<mine>", "a".repeat(129)])
        expectHeader(
          await send("/health", { headers: { "x-request-id": id } }),
          "x-request-id",
          /^[\w.:-]{1,128}$/,
        );
    },
  },
  {
    rule: "every response has the security headers once, and no version of NGINX",
    async check({ send, nextShoe }) {
      for (const path of [nextShoe(), "/health", "/api/auth/profile", "/metrics"]) {
        const response = await send(path);
        expectHeader(response, "x-content-type-options", "nosniff");
        expectHeader(response, "x-frame-options", "DENY");
        expectHeader(response, "referrer-policy", "no-referrer");
        expectHeader(response, "content-security-policy", "default-src 'none'; frame-ancestors 'none'");
        expectHeader(response, "server", "nginx");
      }
    },
  },
];

export const LISTENER_ROWS: Row[] = [
  {
    rule: "TLS answers, with Strict-Transport-Security",
    needs: "tls",
    async check({ tls, nextShoe }) {
      const response = await request(must(tls, "--tls"), { path: nextShoe() });
      expectStatus(response, 200);
      expectHeader(response, "strict-transport-security", "max-age=31536000");
    },
  },
  {
    rule: "TLS speaks HTTP/2",
    needs: "tls",
    async check({ tls, nextShoe }) {
      const status = await statusOverH2(must(tls, "--tls"), nextShoe());
      if (status !== 200) throw new Error(`${status} instead of 200`);
    },
  },
  {
    rule: "plain HTTP on the TLS listener gets a problem",
    needs: "tls",
    async check({ tls }) {
      const plain = must(tls, "--tls").replace("https:", "http:");
      expectProblem(await request(plain, { path: "/livez" }), 400, "invalid-request");
    },
  },
  {
    rule: "stub_status answers on its own listener only",
    needs: "status",
    async check({ status, send }) {
      const response = await request(must(status, "--status"), { path: "/status" });
      expectStatus(response, 200);
      if (!response.body.includes("Active connections"))
        throw new Error("the response is not that of stub_status");
      expectStatus(await send("/status"), 404);
    },
  },
];

export const FLOOD_ROWS: Row[] = [
  {
    rule: "a flood from one client gets 429 besides 200, and nothing else",
    check: ({ edge, nextShoe }) => expectLimited(edge, { path: nextShoe() }, FLOOD),
  },
  {
    rule: "so does a flood of lists that a node computes, also of cached ones",
    check: ({ edge }) => expectLimited(edge, { path: "/api/shoes?minPrice=1" }, FLOOD_PAST_CACHE),
  },
  {
    rule: "so does a flood of reads past the cache: a made-up version, another spelling, a condition of writes",
    async check({ edge, nextShoe }) {
      const path = nextShoe();
      for (const sent of [
        { path, headers: { "insole-version": "0123abcd.42.AAAAAAAAAAAAAAAA" } },
        { path: path.replace("shoes/d", "shoes/%64") },
        { path, headers: { "if-match": "*" } },
        { path: "/api/shoes?color=Red&color=Black" },
      ])
        await expectLimited(edge, sent, FLOOD_PAST_CACHE);
    },
  },
  {
    rule: "a connection of HTTP/2 ends after a thousand requests",
    needs: "tls",
    async check({ tls }) {
      const taken = await takenOverH2(must(tls, "--tls"), FLOOD_H2);
      if (taken === FLOOD_H2) throw new Error(`one connection took ${taken} requests`);
    },
  },
];

/** Throws unless of so many requests some are refused with 429, and all others succeed. */
async function expectLimited(edge: string, sent: HttpRequest, times: number): Promise<void> {
  const { statuses, limited } = await requestManyTimes(edge, sent, times);
  if (!limited) throw new Error(`none of ${times} requests to ${sent.path} was refused`);
  expectProblem(limited, 429, "too-many-requests");
  expectHeader(limited, "retry-after", /^\d+$/);
  const others = Object.keys(statuses).filter((status) => status !== "200" && status !== "429");
  if (others.length > 0) throw new Error(`there were also ${others.join(", ")}`);
}

/** Sends requests one after the other until the connection ends; returns how many it took. */
async function takenOverH2(base: string, times: number): Promise<number> {
  const session = connectH2(base, { rejectUnauthorized: false });
  let isEnding = false;
  const end = () => {
    isEnding = true;
  };
  for (const event of ["goaway", "close", "error"]) session.on(event, end);
  let taken = 0;
  while (taken < times && !isEnding) {
    await new Promise<void>((resolve) => {
      const stream = session.request({ ":path": "/livez" });
      // Each error is followed by `close`.
      stream.on("error", () => {});
      stream.on("close", () => resolve());
      stream.resume();
      stream.end();
    });
    taken += 1;
  }
  session.destroy();
  return taken;
}

function statusOverH2(base: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const session = connectH2(base, { rejectUnauthorized: false });
    session.on("error", reject);
    const stream = session.request({ ":path": path });
    stream.on("error", reject);
    stream.on("response", (headers) => {
      session.destroy();
      resolve(Number(headers[":status"]));
    });
    stream.end();
  });
}
