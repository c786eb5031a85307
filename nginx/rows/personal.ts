// The rows about what is one client's own, about the other listeners, and about the limits.
import { connect as connectH2 } from "node:http2";
import { ask, askAtOnce } from "./client.ts";
import { expectHeader, expectProblem, expectStatus, type Row } from "./row.ts";

/** More than the rate and its burst together let through while they are answered. */
const FLOOD = 8_000;

export const PERSONAL_ROWS: Row[] = [
  {
    says: "what is personal is never kept",
    async check({ at }) {
      await at("/api/auth/profile");
      const reply = await at("/api/auth/profile");
      expectProblem(reply, 401, "unauthorized");
      expectHeader(reply, "cache-status", null);
    },
  },
  {
    says: "writes reach a node, and its refusals come back as they are",
    async check({ at, freshShoe }) {
      const json = { "content-type": "application/json" };
      expectProblem(
        await at("/api/auth/login", { method: "POST", headers: json, body: "{}" }),
        400,
        "invalid-request",
      );
      expectProblem(await at(freshShoe(), { method: "PUT", headers: json, body: "{}" }), 401, "unauthorized");
      expectProblem(await at(freshShoe(), { method: "DELETE" }), 401, "unauthorized");
      const wrong = await at("/api/categories", { method: "DELETE" });
      expectProblem(wrong, 405, "method-not-allowed");
      expectHeader(wrong, "allow", "GET, HEAD, OPTIONS, POST");
    },
  },
  {
    says: "browsers may ask what is allowed",
    async check({ at, freshShoe }) {
      const headers = { origin: "https://shop.example", "access-control-request-method": "GET" };
      const reply = await at(freshShoe(), { method: "OPTIONS", headers });
      expectStatus(reply, 204);
      expectHeader(reply, "access-control-allow-methods", /GET/);
    },
  },
  {
    says: "a request's id is the client's where it is safe, else the edge's own",
    async check({ at }) {
      expectHeader(await at("/health", { headers: { "x-request-id": "mine:1" } }), "x-request-id", "mine:1");
      for (const id of ["<mine>", "a".repeat(129)])
        expectHeader(
          await at("/health", { headers: { "x-request-id": id } }),
          "x-request-id",
          /^[\w.:-]{1,128}$/,
        );
    },
  },
  {
    says: "every answer has the security headers once, and no version of the server",
    async check({ at, freshShoe }) {
      for (const path of [freshShoe(), "/health", "/api/auth/profile", "/metrics"]) {
        const reply = await at(path);
        expectHeader(reply, "x-content-type-options", "nosniff");
        expectHeader(reply, "x-frame-options", "DENY");
        expectHeader(reply, "referrer-policy", "no-referrer");
        expectHeader(reply, "content-security-policy", "default-src 'none'; frame-ancestors 'none'");
        expectHeader(reply, "server", "nginx");
      }
    },
  },
];

export const LISTENER_ROWS: Row[] = [
  {
    says: "TLS answers, and browsers are told to stay with it",
    needs: "tls",
    async check({ tls, freshShoe }) {
      const reply = await ask(tls ?? "", { path: freshShoe() });
      expectStatus(reply, 200);
      expectHeader(reply, "strict-transport-security", "max-age=31536000");
    },
  },
  {
    says: "TLS speaks HTTP/2",
    needs: "tls",
    async check({ tls, freshShoe }) {
      const status = await askH2(tls ?? "", freshShoe());
      if (status !== 200) throw new Error(`${status} instead of 200`);
    },
  },
  {
    says: "stub_status tells the numbers of NGINX, on its own listener only",
    needs: "status",
    async check({ status, at }) {
      const reply = await ask(status ?? "", { path: "/status" });
      expectStatus(reply, 200);
      if (!reply.body.includes("Active connections")) throw new Error("it tells something else");
      expectStatus(await at("/status"), 404);
    },
  },
];

export const FLOOD_ROWS: Row[] = [
  {
    says: "a flood from one client meets 429, and nothing else",
    async check({ edge, freshShoe }) {
      const { statuses, refusal } = await askAtOnce(edge, { path: freshShoe() }, FLOOD);
      if (!refusal) throw new Error(`${FLOOD} requests, and none refused`);
      expectProblem(refusal, 429, "too-many-requests");
      expectHeader(refusal, "retry-after", /^\d+$/);
      const others = Object.keys(statuses).filter((status) => status !== "200" && status !== "429");
      if (others.length > 0) throw new Error(`there were also ${others.join(", ")}`);
    },
  },
];

function askH2(base: string, path: string): Promise<number> {
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
