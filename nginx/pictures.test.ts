// Pictures at the edge: which are cached, and for how long.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { request } from "./rows/client.ts";
import { type Edge, openPrograms, untilHit } from "./testing/edge.ts";

const CURRENT = "public, max-age=31536000, immutable";
/** More than a page of pictures has. */
const VERSIONS = 300;

// Skipped on a machine without NGINX; CI installs it.
const withNginx = test.skipIf(findNginx(process.env.PATH ?? "") === null);
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
afterAll(programs.close);

/** What the shop says about a picture; a test changes it. */
let caching = (_version: string | null): string => CURRENT;
/** The pictures that were drawn so far: each has its number in it. */
let drawn = 0;
/** As the shop's, a tag covers the headers too. */
const tagOf = (cacheControl: string): string => `"${Bun.hash(cacheControl)}.i"`;
const node = programs.openNode(({ url, headers: conditions }) => {
  const cacheControl = caching(new URL(url).searchParams.get("v"));
  const etag = tagOf(cacheControl);
  const headers = { "content-type": "image/svg+xml", "cache-control": cacheControl, etag };
  if (conditions.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
  drawn += 1;
  return new Response(`<svg>${drawn}</svg>`, { headers });
});
beforeEach(() => {
  node.received.length = 0;
  drawn = 0;
});

const cachedFiles = ({ folder }: Edge) => [...new Bun.Glob("**/*").scanSync(`${folder}/cache`)];

withNginx("a picture with another version than the current one is not cached", async () => {
  caching = (version) => (version === "1" ? CURRENT : "no-store");
  const edge = await programs.bootEdge([node.address]);
  const early = { path: "/images/a.svg?v=2" };
  expect((await request(edge.url, early)).body).toBe("<svg>1</svg>");
  expect(cachedFiles(edge)).toEqual([]);
  caching = (version) => (version === "2" ? CURRENT : "no-store");
  expect((await request(edge.url, early)).body).toBe("<svg>2</svg>");
  expect((await untilHit(edge, early.path)).body).toBe("<svg>2</svg>");
});

withNginx("made-up versions leave nothing in the cache", async () => {
  caching = (version) => (version === "1" ? CURRENT : "no-store");
  const edge = await programs.bootEdge([node.address]);
  for (let version = 2; version < VERSIONS; version += 1)
    await request(edge.url, { path: `/images/a.svg?v=${version}${"0".repeat(version % 12)}` });
  expect(node.received.length).toBe(VERSIONS - 2);
  expect(cachedFiles(edge)).toEqual([]);
  // Not a version, so the address without one.
  for (const query of ["v=", "v=1e3", "v=-1", "v=1234567890123456", "V=1", "v=1%30"])
    await request(edge.url, { path: `/images/a.svg?${query}` });
  expect(new Set(node.received.slice(VERSIONS - 2).map(({ url }) => url))).toEqual(
    new Set(["/images/a.svg"]),
  );
});

withNginx("a version that is current no more is not revalidated into a longer life", async () => {
  caching = () => "public, max-age=1, immutable";
  const edge = await programs.bootEdge([node.address]);
  const path = "/images/a.svg?v=1";
  await request(edge.url, { path });
  await untilHit(edge, path);
  caching = () => "no-store";
  const isExpired = async () => {
    const { headers } = await request(edge.url, { path });
    return headers["cache-status"] !== "insole-edge; hit";
  };
  await until("the picture has expired", isExpired);
  node.received.length = 0;
  for (let times = 0; times < 5; times += 1) {
    const { status, headers } = await request(edge.url, { path });
    expect([status, headers["cache-status"], headers["cache-control"]]).toEqual([
      200,
      "insole-edge; fwd=stale",
      "no-store",
    ]);
  }
  expect(node.received.map(({ headers }) => headers["if-none-match"])).toEqual(
    Array.from({ length: 5 }, () => tagOf("public, max-age=1, immutable")),
  );
});

withNginx("a picture that stays the same is revalidated, and has the date of the revalidation", async () => {
  caching = () => "public, max-age=3600, s-maxage=1";
  const edge = await programs.bootEdge([node.address]);
  const path = "/images/a.svg";
  const first = await request(edge.url, { path });
  const isRevalidated = async () => {
    const { headers } = await request(edge.url, { path });
    return headers["cache-status"] === "insole-edge; fwd=stale; fwd-status=304";
  };
  await until("the picture is revalidated", isRevalidated);
  const { headers, body } = await request(edge.url, { path });
  expect(body).toBe(first.body);
  // A browser keeps it for an hour from now on, because it is the current one now.
  expect(Date.parse(headers.date ?? "")).toBeGreaterThan(Date.parse(first.headers.date ?? ""));
  expect(drawn).toBe(1);
});
