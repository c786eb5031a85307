// The pages and routes for a forgotten password through the edge: never cached, and the logs of answered ones have no token.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type Edge, openPrograms } from "./testing/edge.ts";

setDefaultTimeout(60_000);

// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
let edge: Edge;

beforeAll(async () => {
  if (!hasNginx) return;
  const nodes = await programs.bootNodes(1);
  edge = await programs.bootEdge(
    nodes.map(({ address }) => address),
    ["--log-sample", "100"],
  );
});
afterAll(programs.close);

const TOKEN = `9f0c3a52-1111-4222-8333-abcdefabcdef.mabcdefg.${"aB3".repeat(14)}x`;
const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${edge.url}${path}`, { redirect: "manual", ...init });
const sendForm = (path: string, fields: Record<string, string>, origin = edge.url) =>
  ask(path, {
    method: "POST",
    headers: { origin, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
  });
const sendJson = (path: string, body: object) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

describe.skipIf(!hasNginx)("a forgotten password", () => {
  test.each<[string, () => Promise<Response>, number]>([
    ["the page that requests a mail", () => ask("/account/forgot"), 200],
    ["the form for an address", () => sendForm("/account/forgot", { email: "a@shop.example" }), 200],
    [
      "a form of another site",
      () => sendForm("/account/forgot", { email: "a" }, "https://evil.example"),
      403,
    ],
    ["the page of a link", () => ask(`/account/reset?token=${TOKEN}`), 400],
    [
      "the form of a link",
      () => sendForm("/account/reset", { token: TOKEN, password: "long enough 1" }),
      400,
    ],
    ["the request by the API", () => sendJson("/api/auth/forgot", { email: "a@shop.example" }), 204],
    [
      "the reset by the API",
      () => sendJson("/v1/auth/reset", { token: TOKEN, password: "long enough 1" }),
      400,
    ],
  ])("%s is answered by a node each time", async (_what, send, status) => {
    for (let times = 0; times < 2; times += 1) {
      const answer = await send();
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([status, "private, no-store"]);
      expect(answer.headers.get("cache-status")).toBeNull();
      await answer.arrayBuffer();
    }
  });

  test("neither log has the token of an answered request", async () => {
    const before = TOKEN.slice(0, 8);
    await ask(`/account/reset?token=${TOKEN}`);
    await ask(`/account/reset?token=${TOKEN}&last`);
    const log = Bun.file(`${edge.folder}/logs/access.log`);
    await until("the requests are logged", async () => (await log.text()).split("/account/reset").length > 2);
    expect(await log.text()).not.toContain(before);
    expect(await Bun.file(`${edge.folder}/logs/error.log`).text()).not.toContain(before);
  });
});
