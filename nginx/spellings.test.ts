// Odd spellings of a path: none may reach what nodes show to operators only, and none that browsers send is refused.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectH2 } from "node:http2";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { request } from "./rows/client.ts";
import { expectProblem } from "./rows/row.ts";
import { type Edge, makeCertificate, openPrograms } from "./testing/edge.ts";

/** What a node would read as /metrics, or as /readyz with a query, if it got the request as it is. */
const HOSTILE = [
  "/metrics",
  "/metrics?",
  "/metrics?a=b",
  "/metrics#a",
  "/metrics#?a",
  "/%6detrics",
  "/./metrics",
  "/%2e/metrics",
  "/a/../metrics",
  "/a/%2e%2e/metrics",
  "/a/.%2E/metrics",
  "/a/%2e./metrics",
  "/a%2fb/../metrics",
  "/a%2Fb/%2e%2e/metrics",
  "/api/shoes%2fa/../../metrics",
  "/images%2fa%2fb/../metrics?v=1",
  "/a\\..\\metrics",
  "/\\..\\metrics",
  "/.\\metrics",
  "/api/shoes/..\\..\\metrics",
  "/v1/products/..\\..\\metrics",
  "/v1/products/..\\../metrics?a=b",
  "/images/..\\metrics",
  "/images/%2e%2e\\metrics",
  "/images/.%2e\\.\\metrics",
  "/api/categories\\..\\..\\metrics",
  "/api/shoes\\..\\..\\metrics?limit=1",
  "/a;/../metrics",
  "/a|b/../metrics",
  "/@a/../metrics",
  "/a\u00e9/../metrics",
  "/a%00/../metrics",
  "/a%25/../metrics",
  "/a%3fb/../metrics",
  "/a%23b/../metrics",
  "/a//../../metrics",
  "http://shop/metrics",
  "http://shop/a%2fb/../metrics",
  "http://shop/a\\..\\metrics",
  "/readyz?verbose",
  "/readyz?%76erbose",
  "/readyz??verbose",
  "/readyz?a=1&verbose",
  "/readyz?#verbose",
  "/images/..\\readyz?verbose",
  "/a%2fb/../readyz?verbose",
  "/api/shoes/..\\..\\readyz?verbose=1",
  "/api/..\\readyz?verbose",
  "http://shop/a%2fb/../readyz?verbose",
  "/api/metrics",
  "/v1/metrics",
  "/api/readyz?verbose",
  "/v1/readyz?verbose",
  "/api/shoes/..\\metrics",
  "/api/a%2fb/../metrics",
  "/v1/products/..\\readyz?verbose",
] as const;

/** These are no other path to a node, so it answers them. */
const HARMLESS = [
  "/files/a%2fb",
  "/files/a%2f..b/.c/..d/e../...",
  "/files/a;..;b",
  "/a//b",
  "/metrics%23a",
  "/api/shoes/a%2e",
  "/.well-known/a",
  "/livez?path=..\\..\\metrics",
  "/livez?path=/../metrics",
  "/livez?path=a%5cb%23c",
  "/api/shoes?q=a\\b",
] as const;

// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
afterAll(programs.close);

/** The path that a node finds in a request. */
const pathOf = (url: string): string => new URL(url, "http://shop").pathname;
/** Whether only operators may see what is at this address of a node. */
const isHidden = (url: string): boolean => {
  const { pathname, search } = new URL(url, "http://shop");
  return (
    /^(\/(api|v1))?\/(metrics|readyz)$/.test(pathname) && (pathname.endsWith("metrics") || search !== "")
  );
};

describe.skipIf(!hasNginx)("spellings of a path", () => {
  const node = programs.openNode(({ url }) => Response.json({ path: pathOf(url) }));
  let edge: Edge;
  beforeAll(async () => {
    edge = await programs.bootEdge([node.address], [], {
      certificate: await makeCertificate(programs.folder),
    });
  });

  test.each(HOSTILE)("%s reaches no node", async (path) => {
    node.received.length = 0;
    for (const method of ["GET", "HEAD", "POST", "OPTIONS", "DELETE"]) {
      const response = await request(edge.url, { path, method });
      expect([400, 404]).toContain(response.status);
      const type = response.status === 404 ? "not-found" : "invalid-request";
      if (method === "GET") expectProblem(response, response.status, type);
    }
    expect(node.received.map(({ url }) => url)).toEqual([]);
  });

  test("over HTTP/2 none reaches what is hidden", async () => {
    node.received.length = 0;
    const session = connectH2(edge.tlsUrl, { rejectUnauthorized: false });
    for (const path of HOSTILE.filter((each) => each.startsWith("/"))) {
      const status = await new Promise<number>((resolve, reject) => {
        const stream = session.request({ ":path": path });
        stream.on("response", (headers) => resolve(Number(headers[":status"])));
        // 0: NGINX has reset the stream.
        stream.on("close", () => resolve(0));
        stream.on("error", reject);
        stream.end();
      });
      expect([400, 404]).toContain(status);
    }
    session.destroy();
    expect(node.received.filter(({ url }) => isHidden(url))).toEqual([]);
  });

  test.each(HARMLESS)("a node answers %s", async (path) => {
    node.received.length = 0;
    const response = await request(edge.url, { path });
    expect([response.status, node.received.length]).toEqual([200, 1]);
    expect(node.received.filter(({ url }) => isHidden(url))).toEqual([]);
  });

  test("the node alone reads these spellings as hidden addresses", async () => {
    const url = `http://${node.address}`;
    node.received.length = 0;
    for (const path of ["/images/..\\metrics", "/a%2fb/../metrics", "/a/%2e%2e/readyz?verbose"])
      await request(url, { path });
    expect(node.received.map(({ url: seen }) => isHidden(seen))).toEqual([true, true, true]);
  });
});
