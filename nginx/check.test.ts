// nginx/check on a real edge before real shops: every row must be ok.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type Edge, makeCertificate, openFakeNode, openPrograms, run } from "./testing/edge.ts";

const hasNginx = findNginx(process.env.PATH ?? "") !== null;

const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
// Skipped on a machine without NGINX; CI installs it.
describe.skipIf(!hasNginx)("with NGINX", () => {
  let edge: Edge;

  beforeAll(async () => {
    const nodes = await programs.bootNodes(3);
    const certificate = await makeCertificate(programs.folder);
    edge = await programs.bootEdge(
      nodes.map(({ address }) => address),
      [],
      { certificate },
    );
  }, 60_000);
  afterAll(() => programs.close());

  test("every row is ok", async () => {
    const { code, text } = await run([
      "nginx/check",
      "--edge",
      edge.url,
      "--tls",
      edge.tlsUrl,
      "--status",
      edge.statusUrl,
      "--flood",
    ]);
    expect(text.split("\n").filter((line) => /^(FAILED|- )/.test(line))).toEqual([]);
    expect(text).toContain("ok      nginx -t accepts the configuration");
    expect(code).toBe(0);
  }, 60_000);

  test("a failed row is reported, with exit code 1", async () => {
    const shop = openFakeNode(({ url }) =>
      url.includes("limit=60") ? Response.json({ data: [{ id: "a" }] }) : Response.json({}, { status: 500 }),
    );
    const { code, text } = await run(["nginx/check", "--edge", `http://${shop.address}`]);
    await shop.close();
    expect(text).toContain("FAILED  /metrics and /readyz?verbose are 404");
    expect(text).toContain("-       TLS answers");
    expect(code).toBe(1);
  }, 60_000);

  test("-h prints the usage", async () => {
    const { code, text } = await run([join("nginx", "check"), "-h"]);
    expect(text).toStartWith("usage: nginx/check");
    expect(code).toBe(0);
  });
});
