// Every public address over HTTP: statuses, headers and bodies, and what must not be in them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ObservedShop, openObservedShop, openTestShop, shoe, type TestShop } from "./testing/shop.ts";

const DRAFTS = [
  shoe("a1", { title: "Alpha Runner", brand: "Nord", category: "Running", color: "Red", priceCents: 12_999 }),
  shoe("a2", { title: "Beta Trail", brand: "Nord", category: "Trail", related: ["a1", "later"] }),
  ...Array.from({ length: 30 }, (_, index) =>
    shoe(`b${index}`, { description: "Words that make it long. ".repeat(40) }),
  ),
];
const SLUG = "alpha-runner_a1";
const CATALOGUE = "public, max-age=0, s-maxage=1, stale-while-revalidate=1, stale-if-error=86400";
// biome-ignore format: one line reads as one table
const PUBLIC = [
  "/shoes", "/shoes?limit=2&facets=true", "/shoes?q=alpha", "/shoes/a1", `/shoes/${SLUG}`, "/shoes/a2/relatedproducts",
  "/products", "/products/a1", `/products/${SLUG}`, `/products/${SLUG}/relatedproducts`, "/categories",
];
const IMAGE = "/images/a1.svg";

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop(DRAFTS);
});
afterAll(() => shop.close());

describe("every public address", () => {
  test.each(PUBLIC)("%s is the same under both prefixes, with the headers of the contract", async (path) => {
    const [api, v1] = await Promise.all([shop.get(`/api${path}`), shop.get(`/v1${path}`)]);
    expect(await api.text()).toBe(await v1.text());
    for (const answer of [api, v1]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect(answer.headers.get("cache-control")).toBe(CATALOGUE);
      expect(answer.headers.get("vary")).toBe("Accept-Encoding");
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-expose-headers")).toContain("ETag, Link");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("etag")).toMatch(/^"[^"]+"$/);
      expect(answer.headers.get("set-cookie")).toBeNull();
    }
    expect(api.headers.get("link")).toBe(v1.headers.get("link"));
  });

  test.each([...PUBLIC.map((path) => `/api${path}`), IMAGE])(
    "%s answers HEAD as GET, without a body",
    async (path) => {
      const get = await shop.get(path);
      const body = await get.arrayBuffer();
      const head = await shop.get(path, { method: "HEAD" });
      expect(head.status).toBe(200);
      expect((await head.arrayBuffer()).byteLength).toBe(0);
      const ofGet = Object.fromEntries(get.headers);
      const ofHead = Object.fromEntries(head.headers);
      const volatile = [
        "date",
        "x-request-id",
        "cache-status",
        "server-timing",
        "content-length",
        "content-encoding",
        "etag",
      ];
      for (const name of volatile) {
        delete ofGet[name];
        delete ofHead[name];
      }
      expect(ofHead).toEqual(ofGet);
      const plain = await shop.get(path, { method: "HEAD", headers: { "accept-encoding": "identity" } });
      expect(Number(plain.headers.get("content-length"))).toBe(body.byteLength);
    },
  );

  test.each(PUBLIC)("%s is computed once: a miss, then hits for every client", async (path) => {
    const fresh = await openTestShop(DRAFTS.slice(0, 2));
    const first = await fresh.get(`/api${path}`);
    const headers = {
      authorization: "Bearer someone",
      cookie: "session=me",
      origin: "https://elsewhere.example",
    };
    const second = await fresh.get(`/v1${path}`, { headers });
    const [bytes, again] = [await first.text(), await second.text()];
    await fresh.close();
    expect(first.headers.get("cache-status")).toBe("insole; fwd=miss");
    expect(first.headers.get("server-timing")).toMatch(/^app;dur=[\d.]+$/);
    expect(second.headers.get("cache-status")).toBe("insole; hit");
    expect(second.headers.get("server-timing")).toBeNull();
    expect(again).toBe(bytes);
    expect(second.headers.get("access-control-allow-origin")).toBe("*");
  });

  test.each([
    "/shoes",
    "/shoes/a1",
    "/shoes/a1/relatedproducts",
    "/products/a1",
    "/categories",
    "/api/images/a1.svg",
  ])("%s is nothing outside its prefix, also when the answer is in memory", async (path) => {
    for (const known of PUBLIC) await shop.get(`/api${known}`);
    await shop.get(IMAGE);
    expect((await shop.get(path)).status).toBe(404);
  });
});

describe("entity tags and encodings", () => {
  const raw = (path: string, headers: Record<string, string>) =>
    shop.get(path, { headers, decompress: false } as RequestInit);

  test.each(["/api/shoes", "/api/shoes/b1", "/api/shoes/a2/relatedproducts", IMAGE])("%s", async (path) => {
    await shop.get(path);
    const plain = await raw(path, { "accept-encoding": "identity" });
    const packed = await raw(path, { "accept-encoding": "br, gzip;q=0.8" });
    const bytes = new Uint8Array(await plain.arrayBuffer());
    expect(plain.headers.get("content-encoding")).toBeNull();
    if (bytes.length >= 860) {
      expect(packed.headers.get("content-encoding")).toBe("gzip");
      expect(packed.headers.get("etag")).not.toBe(plain.headers.get("etag"));
      expect(Bun.gunzipSync(new Uint8Array(await packed.arrayBuffer()))).toEqual(bytes);
    }
    expect((await raw(path, { "accept-encoding": "gzip;q=0" })).headers.get("content-encoding")).toBeNull();

    const tags = [plain, packed].map((answer) => answer.headers.get("etag") ?? "");
    for (const tag of [...tags, `W/${tags[0]}`, `"other", ${tags[1]}`, "*"]) {
      for (const encoding of ["identity", "gzip"]) {
        const same = await raw(path, { "if-none-match": tag, "accept-encoding": encoding });
        expect([tag, same.status]).toEqual([tag, 304]);
        expect((await same.arrayBuffer()).byteLength).toBe(0);
        const held = tags.find((each) => tag.includes(each)) ?? tags[encoding === "gzip" ? 1 : 0];
        expect(same.headers.get("etag")).toBe(held ?? "");
        expect(same.headers.get("cache-control")).toBe(plain.headers.get("cache-control"));
        expect(same.headers.get("vary")).toBe("Accept-Encoding");
        expect(same.headers.get("cache-status")).toBe("insole; hit");
      }
    }
    expect((await raw(path, { "if-none-match": '"other"' })).status).toBe(200);
  });

  test("a tag changes with the content, the view and the version", async () => {
    const tag = async (path: string) => (await raw(path, {})).headers.get("etag") ?? "";
    const tags = await Promise.all(
      ["/api/shoes/a1", "/api/products/a1", "/api/shoes/a1/relatedproducts"].map(tag),
    );
    expect(new Set(tags).size).toBe(3);
    expect(tags[0]).toMatch(/^"v1\.shoe\./);
    expect(tags[1]).toMatch(/^"v1\.product\./);
  });
});

describe("methods", () => {
  // biome-ignore format: one line reads as one table
  const rows: [string, string, number][] = [
    ["PUT", "/api/categories", 405], ["PATCH", "/v1/shoes/a1", 405], ["POST", "/api/products/a1", 405],
    ["PATCH", "/api/shoes/a1/relatedproducts", 405], ["POST", IMAGE, 405], ["POST", "/health", 405],
    ["POST", "/api/nothing", 404], ["OPTIONS", "/api/nothing", 404], ["OPTIONS", "/api/shoes/a1", 204],
    ["OPTIONS", "/v1/categories", 204], ["OPTIONS", "/readyz", 204],
  ];
  const ALLOWED: Record<string, string> = {
    "/api/categories": "GET, HEAD, OPTIONS, POST",
    "/v1/categories": "GET, HEAD, OPTIONS, POST",
    "/v1/shoes/a1": "DELETE, GET, HEAD, OPTIONS, PUT",
    "/api/shoes/a1": "DELETE, GET, HEAD, OPTIONS, PUT",
    "/api/products/a1": "DELETE, GET, HEAD, OPTIONS, PUT",
  };
  test.each(rows)("%s %s is %d", async (method, path, status) => {
    const answer = await shop.get(path, { method });
    expect(answer.status).toBe(status);
    const allowed = ALLOWED[path] ?? "GET, HEAD, OPTIONS";
    expect(answer.headers.get("allow")).toBe(status === 404 ? null : allowed);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
  });
});

describe("problems", () => {
  test.each([
    "/api/shoes/none",
    "/api/shoes/none/relatedproducts",
    "/v1/products/none",
    "/images/none.svg",
    "/images/a1",
    "/images/a1.png",
    "/api",
    "/api/shoes/",
    "/nothing",
  ])("%s is a 404 in the shape of every problem", async (path) => {
    const answer = await shop.get(path, { headers: { "x-request-id": "mine-1" } });
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    const body = (await answer.json()) as Record<string, unknown>;
    expect(Object.keys(body).sort()).toEqual([
      "detail",
      "error",
      "instance",
      "requestId",
      "status",
      "timestamp",
      "title",
      "type",
    ]);
    const { detail } = body;
    expect(body).toMatchObject({
      type: "/problems/not-found",
      status: 404,
      error: detail,
      instance: path,
      requestId: "mine-1",
    });
    expect(Math.abs(Date.parse(String(body.timestamp)) - Date.now())).toBeLessThan(60_000);
  });

  test("a safe request id is repeated, else a new one is sent, on every kind of response", async () => {
    for (const path of ["/api/shoes/a1", "/api/shoes/none", "/api/shoes?page=0", "/livez", IMAGE]) {
      const idOf = async (id: string) =>
        (await shop.get(path, { headers: { "x-request-id": id } })).headers.get("x-request-id") ?? "";
      expect(await idOf("Trace-1.a:b_c")).toBe("Trace-1.a:b_c");
      expect(await idOf("x".repeat(128))).toBe("x".repeat(128));
      const made = await Promise.all(["x".repeat(129), "a b", "<script>", ""].map(idOf));
      expect(new Set(made).size).toBe(4);
      for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-z]+$/);
    }
  });
});

describe("one content, one entry", () => {
  let observed: ObservedShop;
  beforeAll(async () => {
    observed = await openObservedShop(DRAFTS);
  });
  afterAll(() => observed.close());

  // biome-ignore format: one line reads as one table
  const same: [string, string[]][] = [
    ["/shoes", ["?", "?page=1", "?limit=20", "?utm_source=mail", "?sort=newest", "?inStock=false", "?q=", "?category=", "?minPrice=0", "?facets=0", "?page=01"]],
    ["/shoes?brand=nord&category=running", ["?category=RUNNING&brand=Nord", "?brand=nord&brand=NORD&category=Running&x=1&", "?category=running&brand=%20nord"]],
    ["/shoes?q=alpha%20runner", ["?q=Alpha+Runner", "?search=alpha%20%20runner", "?q=%22alpha%22%20runner&sort=relevance", "?q=Àlpha-Runner"]],
    ["/shoes?q=-", ["?q=!!!", "?q=%22%22", "?search=*"]],
    ["/shoes?maxPrice=60&minPrice=50.5", ["?minPrice=50.50&maxPrice=60.00", "?maxPrice=0060&minPrice=50.5&page=1"]],
    ["/shoes?ids=a1%2Ca2", ["?ids=a1,a2,a1", "?ids=a1,,a2&limit=100&page=1"]],
    ["/shoes/a1", ["?x=1", "?page=3"]],
    ["/categories", ["?page=2"]],
  ];
  test.each(same)("%s", async (path, spellings) => {
    const bytes = await (await observed.get(`/api${path}`)).text();
    const { entries } = observed.cache.state();
    const root = path.split("?")[0];
    for (const spelling of spellings) {
      const answer = await observed.get(`/v1${root}${spelling}`);
      expect([spelling, answer.headers.get("cache-status")]).toEqual([spelling, "insole; hit"]);
      expect(await answer.text()).toBe(bytes);
    }
    expect(observed.cache.state().entries).toBe(entries);
  });

  test("an item has one entry for id and slug; an image has one entry for all other versions", async () => {
    observed.cache.clear();
    await observed.get("/api/shoes/a1");
    const { entries } = observed.cache.state();
    await observed.get(`/api/shoes/${SLUG}`);
    expect(observed.cache.state().entries).toBe(entries);
    for (const query of ["", "?v=2", "?v=01", "?v=x", "?v=", "?w=1"]) await observed.get(IMAGE + query);
    expect(observed.cache.state().entries).toBe(entries + 1);
    await observed.get(`${IMAGE}?v=1`);
    expect(observed.cache.state().entries).toBe(entries + 2);
  });

  test("an entry is found by its canonical address or an earlier spelling, without parsing the query", async () => {
    for (const path of [
      "/api/shoes/a1",
      "/v1/shoes/a1",
      "/api/shoes?limit=2",
      "/v1/shoes?limit=2",
      "/api/shoes?page=1&limit=2&sort=newest",
      "/v1/products?category=RUNNING&category=running&unknown=1",
      `${IMAGE}?v=1`,
    ]) {
      await observed.get(path);
      observed.logged.length = 0;
      await observed.get(path);
      expect([path, observed.logged.map((line) => JSON.parse(line).message)]).toEqual([path, ["hit"]]);
    }
  });

  test("a search for text without words finds nothing; an empty one lists everything", async () => {
    const total = async (path: string) =>
      ((await (await observed.get(path)).json()) as { pagination: { total: number } }).pagination.total;
    expect(await total("/api/shoes?q=!!!")).toBe(0);
    expect(await total("/api/shoes?q=")).toBe(DRAFTS.length);
  });
});
