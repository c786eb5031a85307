// The shipped table against a real edge before real shops: every row must be kept.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type Edge, freePort, makeCertificate, makeUp, openWorld, runToEnd } from "./testing/edge.ts";

const hasNginx = findNginx(process.env.PATH ?? "") !== null;

const world = openWorld(`${process.env.PATH}:${NGINX_PATHS}`);
// On a machine that has no NGINX there is nothing to try; CI installs it.
describe.skipIf(!hasNginx)("with NGINX", () => {
  let edge: Edge;
  let tls = "";

  beforeAll(async () => {
    const nodes = await world.bootNodes(3);
    const { cert, key } = await makeCertificate(world.folder);
    const port = await freePort();
    tls = `https://127.0.0.1:${port}`;
    edge = await world.bootEdge(
      nodes.map(({ place }) => place),
      ["--tls-listen", `127.0.0.1:${port}`, "--tls-cert", cert, "--tls-key", key],
    );
  }, 60_000);
  afterAll(() => world.close());

  test("every row is kept", async () => {
    const { code, text } = await runToEnd([
      "nginx/check",
      "--edge",
      edge.url,
      "--tls",
      tls,
      "--status",
      edge.statusUrl,
      "--flood",
    ]);
    expect(text.split("\n").filter((line) => /^(FAILED|- )/.test(line))).toEqual([]);
    expect(text).toContain("ok      nginx -t takes the configuration");
    expect(code).toBe(0);
  }, 60_000);

  test("a row that is not kept is told, and ends it badly", async () => {
    const shop = makeUp(({ url }) =>
      url.includes("limit=60") ? Response.json({ data: [{ id: "a" }] }) : Response.json({}, { status: 500 }),
    );
    const { code, text } = await runToEnd(["nginx/check", "--edge", `http://${shop.place}`]);
    await shop.close();
    expect(text).toContain("FAILED  nobody outside sees /metrics");
    expect(text).toContain("-       TLS answers");
    expect(code).toBe(1);
  }, 60_000);

  test("it says how it is used", async () => {
    const { code, text } = await runToEnd([join("nginx", "check"), "-h"]);
    expect(text).toStartWith("usage: nginx/check");
    expect(code).toBe(0);
  });
});
