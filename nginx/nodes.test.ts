// Which node a request goes to, what the node receives, and what of its response the client gets.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { request } from "./rows/client.ts";
import { type Edge, type FakeNode, openPrograms, PUBLIC, untilHit } from "./testing/edge.ts";

const FORGED = "0123abcd.42.AAAAAAAAAAAAAAAA";
/** What a node says to one client; a response with a cookie, which is hidden too, is not cached. */
const HIDDEN = {
  "insole-version": FORGED,
  "x-ratelimit-limit": "9",
  "x-ratelimit-remaining": "8",
  "x-ratelimit-reset": "7",
  "strict-transport-security": "max-age=1",
};
// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
const { openNode } = programs;
afterAll(programs.close);

const shoes = Array.from({ length: 60 }, (_, at) => `/api/shoes/shoe-${at}`);

describe.skipIf(!hasNginx)("two fake nodes", () => {
  let nodes: FakeNode[];
  let edge: Edge;
  beforeAll(async () => {
    const answer = (name: string) => (request: Request) =>
      Response.json(
        { name },
        {
          headers: {
            ...PUBLIC,
            etag: `"${name}.i"`,
            "x-request-id": request.headers.get("x-request-id") ?? "",
            "server-timing": "app;dur=9",
            "cache-status": "insole; hit",
            ...HIDDEN,
            vary: "Accept-Encoding, Origin",
          },
        },
      );
    nodes = [openNode(answer("a")), openNode(answer("b"))];
    edge = await programs.bootEdge(
      nodes.map(({ address }) => address),
      ["--log-sample", "0"],
    );
  });
  const received = () => nodes.flatMap((node) => node.received);
  const forget = () => {
    for (const node of nodes) node.received.length = 0;
  };

  test("a key goes to one node, whatever the prefix, the encoding and the client", async () => {
    const names = new Set<string>();
    for (const path of shoes) {
      const { body } = await request(edge.url, { path });
      names.add(body);
      const other = {
        path: path.replace("/api", "/v1"),
        headers: { "accept-encoding": "gzip" },
        from: "127.0.0.7",
      };
      expect((await request(edge.url, other)).body).toBe(body);
    }
    expect(names.size).toBe(2);
  });

  test("a client goes to one node, which gets its address from the edge alone", async () => {
    const names = new Map<string, Set<string>>();
    forget();
    for (let at = 2; at < 22; at += 1)
      for (const path of ["/api/auth/profile", "/api/users/me/likes"]) {
        const from = `127.0.0.${at}`;
        const headers = {
          "x-forwarded-for": "9.9.9.9",
          "x-real-ip": "9.9.9.9",
          forwarded: "for=9.9.9.9",
          cookie: "a=b",
        };
        const { body } = await request(edge.url, {
          path,
          from,
          headers: { ...headers, authorization: "Bearer t" },
        });
        names.set(from, (names.get(from) ?? new Set()).add(body));
      }
    expect([...names.values()].every((each) => each.size === 1)).toBe(true);
    expect(new Set([...names.values()].flatMap((each) => [...each])).size).toBe(2);
    for (const { headers } of received()) {
      expect(headers["x-forwarded-for"]).toMatch(/^127\.0\.0\.\d+$/);
      expect(headers).toMatchObject({
        cookie: "a=b",
        authorization: "Bearer t",
        "x-forwarded-proto": "http",
      });
      expect([headers["x-real-ip"], headers.forwarded]).toEqual([undefined, undefined]);
    }
  });

  test("a public read reaches a node without anything of the client", async () => {
    forget();
    const headers = {
      host: "evil.example",
      authorization: "Bearer t",
      cookie: `a=b; insole_version=${FORGED}`,
      origin: "https://evil.example",
      "user-agent": "somebody",
      "accept-encoding": "br, gzip;q=0.3",
      "x-forwarded-for": "9.9.9.9",
      "if-none-match": '"x"',
      range: "bytes=0-1",
    };
    const response = await request(edge.url, { path: "/api/shoes/shared?secret=1", headers });
    const [first] = received();
    expect(first?.url).toBe("/api/shoes/shared");
    const { "x-request-id": id, ...headersSent } = first?.headers ?? {};
    expect(id).toMatch(/^[\d.-]+$/);
    expect(headersSent).toEqual({
      host: "shop",
      "accept-encoding": "gzip",
      "insole-version": FORGED,
    });
    // A node answers a request with a version, so its time is that of this request.
    expect(response.headers).toMatchObject({
      "server-timing": "app;dur=9",
      "cache-status": "insole; hit, insole-edge; fwd=bypass",
    });
  });

  test.each([
    [`insole_version=${FORGED}`, FORGED],
    [`a=b; __Host-insole_version=${FORGED}`, FORGED],
    // Another host of the site can set the plain name, so it comes second.
    [`insole_version=0.0.AAAAAAAAAAAAAAAA; __Host-insole_version=${FORGED}`, FORGED],
    [`__Host-insole_version=no; insole_version=${FORGED}`, FORGED],
    ["__Host-insole_version=no", undefined],
  ])("of the cookies %s a node gets the version %s", async (cookie, version) => {
    forget();
    await request(edge.url, { path: `/api/shoes/cookie-${Bun.hash(cookie)}`, headers: { cookie } });
    expect(received().map(({ headers }) => headers["insole-version"])).toEqual([version]);
  });

  test("with a list a node gets the client's address besides, and another client shares the response", async () => {
    forget();
    const path = "/api/shoes?limit=17";
    const headers = { "x-forwarded-for": "9.9.9.9", forwarded: "for=9.9.9.9", "x-real-ip": "9.9.9.9" };
    const first = await request(edge.url, { path, headers, from: "127.0.0.7" });
    const { "x-request-id": _, ...headersSent } = received()[0]?.headers ?? {};
    expect(headersSent).toEqual({ host: "shop", "x-forwarded-for": "127.0.0.7" });
    const { body } = await untilHit(edge, path);
    expect(body).toBe(first.body);
    expect(received().every(({ headers: sent }) => sent["x-forwarded-for"]?.startsWith("127.0.0."))).toBe(
      true,
    );
  });

  test.each([
    ["sort=name&brand=B&page=2&x=1", "brand=B&page=2&sort=name"],
    ["Brand=B&brand=b", "brand=b"],
    ["xbrand=1&brand=b%26c&", "brand=b%26c"],
    ["brand=", "brand="],
    ["page", "page"],
    [
      "q=a+b&search=c&size=9.5&minPrice=1&maxPrice=2&limit=3&inStock=1&onSale=1&ids=a,b&gender=g&facets=1&cursor=z&color=c&category=d",
      "category=d&color=c&cursor=z&facets=1&gender=g&ids=a,b&inStock=1&limit=3&maxPrice=2&minPrice=1&onSale=1&q=a+b&search=c&size=9.5",
    ],
    ["utm=1", ""],
    // Unchanged.
    ["size=9&x=1&size=8", "size=9&x=1&size=8"],
    ["page&page=2", "page&page=2"],
    ["br%61nd=b&x=1", "br%61nd=b&x=1"],
    ["a+b=1&limit=2", "a+b=1&limit=2"],
  ])("of the parameters %s of a list a node gets %s", async (given, sent) => {
    forget();
    await request(edge.url, { path: `/v1/products?${given}` });
    expect(received().map(({ url }) => url)).toEqual([sent === "" ? "/v1/products" : `/v1/products?${sent}`]);
  });

  test("of the parameters of a picture a node gets only the version", async () => {
    forget();
    for (const query of ["?v=12&x=1", "?x=1", "?v=no", ""])
      await request(edge.url, { path: `/images/p.svg${query}` });
    expect(new Set(received().map(({ url }) => url))).toEqual(
      new Set(["/images/p.svg?v=12", "/images/p.svg"]),
    );
  });

  test("nothing of the first request is in the response to the second", async () => {
    const path = "/api/shoes/replayed";
    const first = await request(edge.url, {
      path,
      headers: { "x-request-id": "first", origin: "https://first.example" },
    });
    expect(first.headers).toMatchObject({
      "server-timing": "app;dur=9",
      "cache-status": "insole; hit, insole-edge; fwd=miss",
    });
    expect(first.headers).not.toContainAnyKeys(Object.keys(HIDDEN));
    const { headers } = await untilHit(edge, path);
    expect(headers["x-request-id"]).not.toBe("first");
    expect(headers).not.toContainAnyKeys(["server-timing", ...Object.keys(HIDDEN)]);
  });

  test("the log has every error, and of the rest the sample: here none", async () => {
    await request(edge.url, { path: "/health" });
    await request(edge.url, {
      path: "/metrics?logged",
      headers: { "x-request-id": 'quo"te', "user-agent": "x" },
    });
    const log = Bun.file(`${edge.folder}/logs/access.log`);
    await until("the request is logged", async () => (await log.text()).includes("/metrics?logged"));
    const lines = (await log.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ status, seconds }) => status < 400 && seconds < 1)).toEqual([]);
    expect(lines.find(({ request }) => request.includes("logged"))).toMatchObject({
      status: 404,
      client: "127.0.0.1",
    });
  });
});
