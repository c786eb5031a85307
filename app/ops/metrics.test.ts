// Metrics and readiness over HTTP: access, correct counts, and a number of series that strangers cannot raise.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { facts, openRouting } from "../http/routing.ts";
import { ask, type Person, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, openTestShop, shoe } from "../testing/shop.ts";

const TOKEN = "a-token-of-those-who-run-it";
const STRANGER = { "x-forwarded-for": "203.0.113.7" };

type Metrics = Record<string, number>;

async function metricsOf(shop: { get(path: string): Promise<Response> }): Promise<Metrics> {
  const answer = await shop.get("/metrics");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  const lines = (await answer.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

describe("access to metrics and details", () => {
  let shop: ObservedShop;
  beforeAll(async () => {
    shop = await openObservedShop([], true, { trustProxy: ["loopback"], metricsToken: TOKEN });
    shop.status.enter("ready");
  });
  afterAll(() => shop.close());

  test.each<[string, Record<string, string>, number]>([
    ["this machine", {}, 200],
    ["this machine by its proxy", { "x-forwarded-for": "127.0.0.1" }, 200],
    ["a private network", { "x-forwarded-for": "10.1.2.3" }, 404],
    [
      "a private network with the token",
      { "x-forwarded-for": "10.1.2.3", authorization: `Bearer ${TOKEN}` },
      200,
    ],
    ["a stranger", STRANGER, 404],
    ["a client whose proxy writes no address", { "x-forwarded-for": "unknown" }, 404],
    ["a client whose proxy writes nothing", { "x-forwarded-for": "" }, 404],
    ["a client whose proxy ends with a comma", { "x-forwarded-for": "127.0.0.1," }, 404],
    ["a client whose proxy writes another header", { forwarded: "for=203.0.113.7" }, 404],
    ["a page of a stranger on this machine", { host: "rebound.example.com" }, 404],
    ["that page with the token", { host: "rebound.example.com", authorization: `Bearer ${TOKEN}` }, 200],
    ["a stranger that claims a local address", { "x-forwarded-for": "127.0.0.1, 203.0.113.7" }, 404],
    ["a stranger with the token", { ...STRANGER, authorization: `Bearer ${TOKEN}` }, 200],
    ["a stranger with another token", { ...STRANGER, authorization: `Bearer ${TOKEN}x` }, 404],
    ["a stranger with half of the token", { ...STRANGER, authorization: "Bearer a-token" }, 404],
    ["a stranger with the scheme only", { ...STRANGER, authorization: "Bearer " }, 404],
  ])("%s", async (_client, headers, status) => {
    for (const path of ["/metrics", "/readyz?verbose", "/readyz?verbose=1"]) {
      const answer = await shop.get(path, { headers });
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.headers.get("cache-control")).toBe("private, no-store");
      expect((await shop.get(path, { method: "HEAD", headers })).status).toBe(status);
    }
    expect((await shop.get("/readyz", { headers })).status).toBe(200);
  });

  test("without TRUST_PROXY a forwarded stranger has no access; METRICS_TOKEN reaches the program", async () => {
    const plain = await openTestShop([], { METRICS_TOKEN: TOKEN });
    try {
      const statusWith = async (headers: Record<string, string>) =>
        (await plain.get("/metrics", { headers })).status;
      expect(await statusWith({})).toBe(200);
      expect(await statusWith(STRANGER)).toBe(404);
      expect(await statusWith({ ...STRANGER, authorization: `Bearer ${TOKEN}` })).toBe(200);
    } finally {
      await plain.close();
    }
  });
});

describe("this machine without a token, at the Host", () => {
  let shop: ObservedShop;
  beforeAll(async () => {
    shop = await openObservedShop([], true, {
      origins: { publicUrl: "https://Shop.Example.com/base", corsOrigins: ["https://front.example.com"] },
    });
  });
  afterAll(() => shop.close());

  // biome-ignore format: one line reads as one table
  test.each([
    "127.0.0.1", "127.0.0.1:3000", "[::1]", "[::1]:3000", "192.168.1.5:3000", "203.0.113.7", "localhost", "LocalHost:3000",
    "localhost.", "shop.localhost", "insole", "node-1:3000", "node_1", "insole.local", "shop.internal:8080", "pi.lan",
    "pi.home.arpa", "pi.localdomain", "shop.test", "a.b.c.internal.", "shop.example.com", "SHOP.example.COM:443", hostname(),
    `${hostname()}:3000`,
  ])("%s: has access", async (host) => {
    expect((await shop.get("/metrics", { headers: { host } })).status).toBe(200);
  });

  // biome-ignore format: one line reads as one table
  test.each([
    "rebound.example.com", "rebound.example.com:3000", "rebound.example.com.", "127.0.0.1.rebound.example.com",
    "localhost.rebound.example.com", "rebound.example.com:80", "localhost.com", "xlocalhost.com", "shop.internal.com",
    "internal.com", "local.net", "mylocal.io", "home.arpa.com", "x-home.arpa", "foo.arpa", "lan.party", "test.com",
    "front.example.com", "x.shop.example.com", "shop.example.com.rebound.net", "evilshop.example.com", "shop.example.org",
    `${hostname()}.rebound.net`, "127.0.0.1.nip.io", "7f000001.rebind.it", "a..internal.x", "127.1", "0x7f.1", "1.2.3",
    "localhost.localhost.com", "example.com", "www.example.com:65535",
  ])("%s: has none", async (host) => {
    for (const path of ["/metrics", "/readyz?verbose"]) {
      const answer = await shop.get(path, { headers: { host } });
      expect([path, answer.status === 404 || answer.status === 400]).toEqual([path, true]);
    }
  });
});

test("without METRICS_TOKEN no token gives access", async () => {
  const shop = await openObservedShop([], true, { trustProxy: ["loopback"] });
  try {
    for (const authorization of ["Bearer ", "Bearer null", `Bearer ${TOKEN}`])
      expect((await shop.get("/metrics", { headers: { ...STRANGER, authorization } })).status).toBe(404);
  } finally {
    await shop.close();
  }
});

describe("/readyz?verbose", () => {
  test("shows phase, newest change, write queue and cache; 503 before the start is complete", async () => {
    const shop = await openObservedShop([shoe("a1")]);
    try {
      const starting = await shop.get("/readyz?verbose");
      expect(starting.status).toBe(503);
      expect(await starting.json()).toMatchObject({ status: "not ready", phase: "starting" });
      shop.status.enter("ready");
      await shop.get("/api/shoes/a1");
      await signUp(shop);
      const details = await (await shop.get("/readyz?verbose")).json();
      expect(details).toMatchObject({
        status: "ready",
        phase: "ready",
        version: "test",
        seq: expect.any(Number),
        writeDoor: { queued: 0, breaker: "closed", members: expect.any(Number) },
        cache: { entries: 1, bytes: expect.any(Number), missing: 0 },
        passwords: { running: 0, waiting: 0, waitingKnown: 0, refused: 0 },
        logins: { lines: 0, waiting: 0, refused: 0 },
        wideReads: { running: 0, waiting: 0, clients: 0, refused: 0 },
        primaryReads: { running: 0, waiting: 0, clients: 0, refused: 0 },
        payments: { settled: [], underway: 0, waiting: { requests: 0, orders: 0 } },
      });
    } finally {
      await shop.close();
    }
  });
});

describe("metrics", () => {
  let shop: ObservedShop;
  let person: Person;
  beforeAll(async () => {
    shop = await openObservedShop([shoe("a1"), shoe("a2")], true, {
      limits: { requestsMax: 100, signInsMax: 4, windowSeconds: 900 },
    });
    person = await signUp(shop);
  });
  afterAll(() => shop.close());

  /** The metrics that grew during an action, and by how much. */
  async function growthOf(action: () => Promise<unknown>): Promise<Metrics> {
    const before = await metricsOf(shop);
    await action();
    const after = await metricsOf(shop);
    return Object.fromEntries(
      Object.entries(after)
        .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
        .filter(([name, value]) => value !== 0 && /_total|_count|_bucket/.test(name)),
    );
  }

  test("requests before the first scrape are counted too", async () => {
    const numbers = await metricsOf(shop);
    expect(numbers['insole_http_requests_total{route="/auth/register",method="POST",status="2xx"}']).toBe(1);
    expect(numbers.insole_registrations_total).toBe(1);
  });

  test("catalogue responses are counted by their source", async () => {
    const kinds = await growthOf(async () => {
      const { headers } = await shop.get("/api/shoes/a1");
      await shop.get("/v1/shoes/a1");
      await shop.get("/v1/shoes/a1?x=1");
      await shop.get("/api/shoes/a1", { headers: { "if-none-match": headers.get("etag") ?? "" } });
      await shop.get("/api/shoes/nobody");
      // A 304 after a computation is a miss.
      expect((await shop.get("/api/categories", { headers: { "if-none-match": "*" } })).status).toBe(304);
    });
    expect(kinds).toMatchObject({
      'insole_cache_answers_total{kind="miss"}': 2,
      'insole_cache_answers_total{kind="hit"}': 2,
      'insole_cache_answers_total{kind="not-modified"}': 1,
      'insole_cache_answers_total{kind="missing"}': 1,
      'insole_http_requests_total{route="cached",method="GET",status="2xx"}': 1,
      'insole_http_requests_total{route="cached",method="GET",status="3xx"}': 1,
      'insole_http_requests_total{route="/shoes/:id",method="GET",status="2xx"}': 2,
      'insole_http_requests_total{route="/shoes/:id",method="GET",status="4xx"}': 1,
    });
  });

  test("duration buckets are cumulative", async () => {
    await shop.get("/health");
    const numbers = await metricsOf(shop);
    const labels = 'route="/health",method="GET",status="2xx"';
    const name = "insole_http_request_duration_seconds";
    const buckets = Object.entries(numbers).filter(([key]) => key.startsWith(`${name}_bucket{${labels}`));
    const counts = buckets.map(([, count]) => count);
    expect(counts).toHaveLength(13);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(buckets.at(-1)).toEqual([`${name}_bucket{${labels},le="+Inf"}`, 1]);
    expect(numbers[`${name}_count{${labels}}`]).toBe(1);
    expect(numbers[`${name}_sum{${labels}}`]).toBeGreaterThan(0);
  });

  test("logins, likes and refusals are counted", async () => {
    const { email, password, token } = person;
    const login = (given: string) =>
      ask(shop, "POST", "/api/auth/login", { body: { email, password: given } });
    const events = await growthOf(async () => {
      await login(password);
      await login("a guess");
      await ask(shop, "POST", "/api/shoes/a1/likes/me", { token });
      await ask(shop, "POST", "/api/users/me/likes", { token, body: { shoeIds: ["a1", "a2"] } });
      await ask(shop, "POST", "/api/shoes/nobody/likes/me", { token });
      await login("a guess");
      await login("one too many");
    });
    expect(events).toMatchObject({
      'insole_logins_total{outcome="done"}': 1,
      'insole_logins_total{outcome="refused"}': 2,
      insole_likes_total: 2,
      insole_rate_limited_total: 1,
      insole_write_door_writes_total: expect.any(Number),
      insole_write_door_commits_total: expect.any(Number),
    });
    expect(events.insole_registrations_total).toBeUndefined();
  });

  test("gauges show the state of the process", async () => {
    const numbers = await metricsOf(shop);
    expect(numbers.insole_cache_entries).toBe(shop.cache.state().entries);
    expect(numbers.insole_cache_bytes).toBe(shop.cache.state().bytes);
    expect(numbers.insole_write_door_breaker_open).toBe(0);
    expect(numbers.insole_write_door_queued).toBe(0);
    expect(numbers['insole_write_failures_total{reason="disk-full"}']).toBe(0);
    expect(numbers.insole_writes_failing).toBe(0);
    expect(numbers.insole_write_door_commit_seconds).toBeGreaterThan(0);
    for (const state of ["running", "waiting", "waiting_known"])
      expect(numbers[`insole_passwords{state="${state}"}`]).toBe(0);
    expect([numbers.insole_login_lines, numbers.insole_login_attempts_waiting]).toEqual([0, 0]);
    expect(numbers['insole_memory_bytes{kind="resident"}']).toBeGreaterThan(10_000_000);
    expect(numbers['insole_event_loop_delay_seconds{quantile="p99"}']).toBeGreaterThanOrEqual(0);
    if (process.platform === "linux") expect(numbers.insole_open_descriptors).toBeGreaterThan(3);
  });

  test("strangers cannot create series: unknown addresses share one, unknown methods too", async () => {
    const series = async () => Object.keys(await metricsOf(shop)).length;
    const strange = async (index: number) => {
      await shop.get(`/api/none${index}/x/y?z=${index}`);
      await shop.get(`/api/shoes/none${index}`);
      await shop.get(`/none${index}`, { method: index % 2 === 0 ? "REPORT" : "PROPFIND" });
    };
    await strange(0);
    // The first reading of the metrics is in the second.
    await series();
    const before = await series();
    for (let index = 1; index <= 20; index += 1) await strange(index);
    expect(await series()).toBe(before);
    const names = Object.keys(await metricsOf(shop)).join("\n");
    expect(names).not.toMatch(/none|a1|PROPFIND|@/);
    expect(names).toContain('route="other",method="other",status="4xx"');
  });
});

test("a route's name is its pattern under both prefixes; fixed segments have priority over parameters", () => {
  const paths = [
    "/api/shoes/:id",
    "/v1/shoes/:id",
    "/api/shoes/likes",
    "/v1/shoes/likes",
    "/api/shoes/update/:id",
    "/",
    "/docs",
  ];
  const nameIn = (all: string[]) => {
    const routing = openRouting(
      all.map((path) => ({ method: "GET", path, hooks: facts({ counts: "free" }) })),
    );
    return (path: string) => routing.find("GET", path).name;
  };
  const name = nameIn(paths);
  const addresses = [
    "/api/shoes/x",
    "/v1/shoes/likes",
    "/api/shoes/update/x",
    "/",
    "/docs",
    "/docs/x",
    "/api/shoes/",
  ];
  expect(addresses.map(name)).toEqual([
    "/shoes/:id",
    "/shoes/likes",
    "/shoes/update/:id",
    "/",
    "/docs",
    "other",
    "other",
  ]);
  const withFiles = nameIn([...paths, "/*"]);
  expect(["/a/b.js", "/docs", "/api/none"].map(withFiles)).toEqual(["/*", "/docs", "other"]);
});
