// Health, liveness, readiness and metrics over HTTP, for operators.
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { describeAnswers } from "../http/openapi-parts.ts";
import { Problem } from "../http/problems.ts";
import { facts } from "../http/routing.ts";
import type { Access } from "./access.ts";
import type { MetricServices, Metrics } from "./metrics.ts";
import { readinessDetails } from "./readiness.ts";

type Services = MetricServices & { access: Access; metrics: Metrics };

const NO_STORE = { "cache-control": "private, no-store", "content-type": "application/json; charset=utf-8" };
const send = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: NO_STORE });

const Ok = Type.Object({ status: Type.String() });
const Health = Type.Object({
  status: Type.Literal("ok"),
  version: Type.String(),
  uptimeSeconds: Type.Integer(),
  role: Type.String(),
  seq: Type.Integer({ description: "the newest change this process knows" }),
  lagMs: Type.Integer(),
});

const hook = (operationId: string, summary: string, schema: typeof Ok | typeof Health, errors: number[]) => ({
  ...facts({ counts: "free" }),
  detail: {
    operationId,
    summary,
    tags: ["Operations"],
    servers: [{ url: "/" }],
    responses: describeAnswers(schema, errors),
  },
});

/** The answer without access: the address seems not to exist. */
const nothingHere = () => new Problem("not-found", "there is nothing at this address");

/** The routes for operators, outside the prefixes. */
export function opsRoutes(services: Services) {
  const { status, access, metrics } = services;
  return new Elysia({ name: "ops" })
    .get("/health", () => send(status.health()), hook("getHealth", "The state of the process", Health, []))
    .get("/livez", () => send({ status: "ok" }), hook("getLiveness", "Whether the process answers", Ok, []))
    .get(
      "/readyz",
      ({ request, query }) => {
        const { isReady, phase } = status.readiness();
        if (query.verbose !== undefined) {
          if (!access(request)) throw nothingHere();
          return send(readinessDetails(services), isReady ? 200 : 503);
        }
        // The reason is shown only with access.
        if (!isReady)
          throw new Problem("unavailable", `the shop is ${phase === "ready" ? "behind" : phase}`, [], {
            "retry-after": "1",
          });
        return send({ status: "ready" });
      },
      hook("getReadiness", "Whether the process is ready for traffic", Ok, [503]),
    )
    .get(
      "/metrics",
      async ({ request }) => {
        if (!access(request)) throw nothingHere();
        const { body, contentType } = await metrics.write();
        return new Response(body, { headers: { ...NO_STORE, "content-type": contentType } });
      },
      { ...facts({ counts: "free" }), detail: { hide: true } },
    );
}
