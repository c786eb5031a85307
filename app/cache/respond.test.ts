// Responses made from a cache entry: entity tags, content encodings, and headers that no other request shares.
import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { bytesOf, type Entry, gzipOf, openEntryMaker } from "./entry.ts";
import { acceptsGzip, respond } from "./respond.ts";

const TEXT = "Trail shoe, grips wet rock. ".repeat(100);
const FACTS = { key: "/shoes/a", scope: "item", seq: 1, listGeneration: 0, expiresAtMs: 0 } as const;
const REPRESENTATION = {
  contentType: "text/plain",
  cacheControl: "public, max-age=0",
  etagPrefix: "v3.shoe",
  shoeIds: () => ["a"],
};

const makeEntry = openEntryMaker();
const entryOf = (body: string, link?: string): Entry =>
  makeEntry({ ...REPRESENTATION, body, ...(link ? { link } : {}) }, FACTS, true);
const requestWith = (headers: Record<string, string> = {}) =>
  new Request("http://shop.example/api/shoes/a", { headers });
const hit = (entry: Entry, headers: Record<string, string> = {}) =>
  respond(entry, requestWith(headers), "hit", "r1");
const GZIP = { "accept-encoding": "gzip, br" };

const etagOf = (response: Response): string => response.headers.get("etag") ?? "";

describe("a response", () => {
  test("has the entry's body and headers, Cache-Status and X-Request-Id", async () => {
    const response = hit(entryOf("é", '<?page=2>; rel="next"'));
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("é");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/plain",
      "cache-control": "public, max-age=0",
      "cache-status": "insole; hit",
      "x-request-id": "r1",
      vary: "Accept-Encoding",
      link: '<?page=2>; rel="next"',
      "access-control-allow-origin": "*",
      "x-content-type-options": "nosniff",
    });
    expect(etagOf(response)).toMatch(/^"v3\.shoe\.[0-9a-z]+\.i"$/);
    expect(respond(entryOf("é"), requestWith(), "miss", "r2").headers.get("cache-status")).toBe(
      "insole; fwd=miss",
    );
  });

  test("has an entity tag over its content", () => {
    expect(etagOf(hit(entryOf("a")))).toBe(etagOf(hit(entryOf("a"))));
    expect(etagOf(hit(entryOf("a")))).not.toBe(etagOf(hit(entryOf("b"))));
    expect(entryOf("a").plain.body).not.toEqual(entryOf("b").plain.body);
  });

  test("has another entity tag with another header, whether of the settings, of its kind or its own", () => {
    const tagWith = (
      settings: Record<string, string>,
      changed: Partial<typeof REPRESENTATION & { link: string }>,
    ) => openEntryMaker(settings)({ ...REPRESENTATION, body: TEXT, ...changed }, FACTS, true).plain.etag;
    const HSTS = { "strict-transport-security": "max-age=31536000" };
    const different = [
      tagWith({}, {}),
      tagWith(HSTS, {}),
      tagWith({ "referrer-policy": "same-origin" }, {}),
      tagWith({}, { contentType: "application/json" }),
      tagWith({}, { cacheControl: "public, max-age=60" }),
      tagWith({}, { link: '<?page=2>; rel="next"' }),
      tagWith({}, { link: '<?page=3>; rel="next"' }),
    ];
    expect(new Set(different).size).toBe(different.length);
    expect(tagWith(HSTS, {})).toBe(tagWith({ ...HSTS }, {}));
    for (const tag of different) expect(tag).toMatch(/^"v3\.shoe\.[0-9a-z]+\.i"$/);
  });

  test("has the text's UTF-8 bytes, also after a longer text", async () => {
    for (const text of ["x".repeat(300_000), "한글 👟", "é".repeat(70_000), ""]) {
      const { body } = entryOf(text).plain;
      expect(body).toEqual(new TextEncoder().encode(text));
    }
  });
});

describe("compression", () => {
  test("happens once per entry and keeps the text", async () => {
    const entry = entryOf(TEXT);
    expect(entry.gzip).toBeUndefined();
    const first = hit(entry, GZIP);
    const compressed = entry.gzip;
    hit(entry, GZIP);
    expect(entry.gzip).toBe(compressed);
    expect(first.headers.get("content-encoding")).toBe("gzip");
    expect(new TextDecoder().decode(Bun.gunzipSync(await first.arrayBuffer()))).toBe(TEXT);
    const plain = hit(entry);
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(await plain.text()).toBe(TEXT);
    expect(etagOf(first)).toBe(etagOf(plain).replace(".i", ".g"));
  });

  test("is for clients that accept it", () => {
    for (const accepted of [
      "gzip",
      "br, gzip",
      "gzip;q=0.5",
      "gzip;q=0.001",
      "identity;q=0, gzip",
      "gzip, br;q=0",
    ])
      expect([accepted, acceptsGzip(accepted)]).toEqual([accepted, true]);
    for (const refused of [
      null,
      "",
      "br",
      "identity",
      "gzip;q=0",
      "gzip; q=0.0",
      "br, gzip ; q=0.000, identity",
    ])
      expect([refused, acceptsGzip(refused)]).toEqual([refused, false]);
    const entry = entryOf(TEXT);
    expect(hit(entry, { "accept-encoding": "gzip;q=0" }).headers.get("content-encoding")).toBeNull();
  });

  test("is left out where it saves nothing", async () => {
    for (const body of ["short", randomBytes(4_000).toString("base64")]) {
      const entry = entryOf(body);
      const response = hit(entry, GZIP);
      expect(response.headers.get("content-encoding")).toBeNull();
      expect(await response.text()).toBe(body);
      expect(gzipOf(entry)).toBe(entry.plain);
    }
  });

  test("fits into the bytes that the cache counts for an entry, before and after", () => {
    for (const body of [
      TEXT,
      "x".repeat(100_000),
      randomBytes(2_000).toString("hex"),
      randomBytes(9_000).toString("base64"),
    ]) {
      const entry = entryOf(body);
      const before = bytesOf(entry);
      const { body: compressed } = gzipOf(entry);
      const isKept = entry.gzip !== null;
      expect(entry.plain.body.length + (isKept ? compressed.length : 0)).toBeLessThan(before);
      if (isKept) expect(bytesOf(entry)).toBe(before);
    }
  });
});

describe("If-None-Match", () => {
  const entry = entryOf(TEXT);
  const tag = etagOf(hit(entry));
  const other = tag.replace(".i", ".g");
  test.each([
    tag,
    `W/${tag}`,
    other,
    `W/${other}`,
    "*",
    ` ${tag} `,
    `"x", ${tag}`,
    `"with, comma",W/"y" ,${other}`,
  ])("%s is answered 304 with the tag that the client holds", async (known) => {
    for (const headers of [{}, GZIP]) {
      const response = hit(entry, { ...headers, "if-none-match": known });
      expect(response.status).toBe(304);
      expect(await response.text()).toBe("");
      const isOther = known.includes(other) || (known.includes("*") && "accept-encoding" in headers);
      expect(etagOf(response)).toBe(isOther ? other : tag);
      for (const name of ["cache-control", "vary", "cache-status", "x-request-id"])
        expect(response.headers.has(name)).toBe(true);
      for (const name of ["content-type", "content-encoding"]) expect(response.headers.has(name)).toBe(false);
    }
  });

  test.each([`${tag}, ${other}`, `${other}, ${tag}`, `W/${other},"x",W/${tag}`])(
    "of the tags %s the one of the encoding that would be sent is in the 304",
    (known) => {
      expect(etagOf(hit(entry, { "if-none-match": known }))).toBe(tag);
      expect(etagOf(hit(entry, { ...GZIP, "if-none-match": known }))).toBe(other);
      // The entry's own headers keep their tag.
      expect(etagOf(hit(entry))).toBe(tag);
      expect(etagOf(hit(entry, GZIP))).toBe(other);
    },
  );

  test.each(["", '"x"', tag.slice(1, -1), tag.replace("v3", "v4"), tag.replace(".i", ".x"), `x${tag}`])(
    "%s is answered 200 with the body",
    async (known) => {
      const response = hit(entry, { "if-none-match": known });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(TEXT);
      expect(response.headers.get("content-type")).toBe("text/plain");
    },
  );
});

describe("one entry, many requests", () => {
  test("each response has the headers of its own request", async () => {
    const entry = entryOf(TEXT);
    const tag = etagOf(hit(entry));
    const responses = Array.from({ length: 50 }, (_, index) => {
      const headers = index % 3 === 0 ? { "if-none-match": tag } : index % 3 === 1 ? GZIP : {};
      return respond(entry, requestWith(headers), index % 2 ? "hit" : "miss", `r${index}`);
    });
    responses.forEach(({ headers, status }, index) => {
      expect(headers.get("x-request-id")).toBe(`r${index}`);
      expect(headers.get("cache-status")).toBe(index % 2 ? "insole; hit" : "insole; fwd=miss");
      expect(headers.get("content-encoding")).toBe(index % 3 === 1 && index % 2 === 1 ? "gzip" : null);
      expect(status).toBe(index % 3 === 0 ? 304 : 200);
    });
    responses[1]?.headers.set("x-request-id", "changed by hand");
    responses[1]?.headers.set("server-timing", "app;dur=1");
    expect(hit(entry, GZIP).headers.get("x-request-id")).toBe("r1");
    expect(hit(entry, GZIP).headers.has("server-timing")).toBe(false);
  });

  test("over a connection too; HEAD has the length and no body", async () => {
    const entry = entryOf(TEXT);
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => respond(entry, request, "hit", request.headers.get("x-request-id") ?? ""),
    });
    const ids = Array.from({ length: 60 }, (_, index) => `wire-${index}`);
    const responses = await Promise.all(
      ids.map(async (id, index) => {
        const headers = { "x-request-id": id, "accept-encoding": index % 2 ? "gzip" : "identity" };
        const response = await fetch(server.url, { headers, method: index % 5 === 0 ? "HEAD" : "GET" });
        return { response, text: await response.text() };
      }),
    );
    responses.forEach(({ response, text }, index) => {
      expect(response.headers.get("x-request-id")).toBe(`wire-${index}`);
      expect(response.headers.get("content-encoding")).toBe(index % 2 ? "gzip" : null);
      expect(text).toBe(index % 5 === 0 ? "" : TEXT);
      if (index % 10 === 0) expect(response.headers.get("content-length")).toBe(String(TEXT.length));
    });
    await server.stop(true);
  });
});
