// What the people who run the shop ask: is it alive, is it ready, how is it.
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { describeAnswers } from "../openapi-parts.ts";
import { Problem } from "../problems.ts";
import type { Status } from "./status.ts";

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
  detail: {
    operationId,
    summary,
    tags: ["Operations"],
    servers: [{ url: "/" }],
    responses: describeAnswers(schema, errors),
  },
});

/** Health, liveness and readiness. */
export function opsRoutes(status: Status) {
  return new Elysia({ name: "ops" })
    .get("/health", () => send(status.health()), hook("getHealth", "How the process is", Health, []))
    .get("/livez", () => send({ status: "ok" }), hook("getLiveness", "Whether the process answers", Ok, []))
    .get(
      "/readyz",
      () => {
        const { isReady, why } = status.readiness();
        if (!isReady) throw new Problem("unavailable", `the shop is ${why}`, [], { "retry-after": "1" });
        return send({ status: "ready" });
      },
      hook("getReadiness", "Whether to send it traffic", Ok, [503]),
    );
}
