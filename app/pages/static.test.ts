// Which files of PUBLIC_DIR are served, and how long they are cached.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Folder, openFolder, openTestShop, shoe, type TestShop } from "../testing/shop.ts";
import { findFile, IMMUTABLE, REVALIDATED } from "./static.ts";

const SECRET = "must not be served";

let outer: Folder;
let site: string;
let shop: TestShop;

beforeAll(async () => {
  outer = openFolder();
  site = join(outer.path, "site");
  for (const folder of ["assets", ".git", "deep/er", "empty"])
    mkdirSync(join(site, folder), { recursive: true });
  const files: Record<string, string> = {
    "index.html": "<!doctype html><title>A storefront</title>",
    "app.3f2a91bc.js": "let a = 1;",
    "assets/index-DiwrgTda.js": "let b = 2;",
    "assets/font.woff2": "w",
    "style.css": "a { color: red }",
    "shoe.svg": "<svg/>",
    "photo-20240101.jpg": "j",
    "deep/er/index.html": "<title>Deep</title>",
    "two words.txt": "two",
    ".env": SECRET,
    ".git/config": SECRET,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(site, name), text);
  writeFileSync(join(outer.path, "secret.txt"), SECRET);
  mkdirSync(join(outer.path, "site-of-others"));
  writeFileSync(join(outer.path, "site-of-others", "a.txt"), SECRET);
  symlinkSync(join(outer.path, "secret.txt"), join(site, "link.txt"));
  symlinkSync(outer.path, join(site, "up"));
  symlinkSync(join(site, ".env"), join(site, "env.txt"));
  symlinkSync(join(site, "style.css"), join(site, "alias.css"));
  symlinkSync(join(site, "loop"), join(site, "loop"));
  shop = await openTestShop([shoe("a1")], { PUBLIC_DIR: site });
});
afterAll(async () => {
  await shop.close();
  outer.remove();
});

describe("PUBLIC_DIR over HTTP", () => {
  test.each([
    ["/", "text/html;charset=utf-8", REVALIDATED],
    ["/index.html", "text/html;charset=utf-8", REVALIDATED],
    ["/deep/er/", "text/html;charset=utf-8", REVALIDATED],
    ["/app.3f2a91bc.js", "text/javascript;charset=utf-8", IMMUTABLE],
    ["/assets/index-DiwrgTda.js", "text/javascript;charset=utf-8", IMMUTABLE],
    ["/assets/font.woff2", "font/woff2", REVALIDATED],
    ["/style.css?v=2", "text/css;charset=utf-8", REVALIDATED],
    ["/alias.css", "text/css;charset=utf-8", REVALIDATED],
    ["/shoe.svg", "image/svg+xml", REVALIDATED],
    ["/photo-20240101.jpg", "image/jpeg", REVALIDATED],
    ["/two%20words.txt", "text/plain;charset=utf-8", REVALIDATED],
  ])("%s", async (path, contentType, cacheControl) => {
    const response = await shop.get(path);
    const body = await response.text();
    const head = await shop.get(path, { method: "HEAD" });
    const etag = response.headers.get("etag") ?? "";
    const again = await shop.get(path, { headers: { "if-none-match": `"other", W/${etag}` } });
    expect([response.status, head.status, again.status]).toEqual([200, 200, 304]);
    expect([await head.text(), await again.text()]).toEqual(["", ""]);
    expect(head.headers.get("content-length")).toBe(String(body.length));
    for (const each of [response, head]) expect(each.headers.get("content-type")).toBe(contentType);
    for (const each of [response, head, again]) {
      expect(each.headers.get("cache-control")).toBe(cacheControl);
      expect(each.headers.get("etag")).toBe(etag);
      expect(each.headers.get("x-content-type-options")).toBe("nosniff");
      expect(each.headers.get("cache-status")).toBeNull();
    }
  });

  test.each([
    "/nothing.html",
    "/empty/",
    "/empty",
    "/deep",
    "/deep/er/index.html/",
    "/style.css/",
    "/loop",
    "/.env",
    "/.git/config",
    "/%2eenv",
    "/deep/../.env",
    "/env.txt",
    "/link.txt",
    "/up/secret.txt",
    "/up/",
    "/..%2fsecret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%5csecret.txt",
    "/deep%2f..%2f..%2fsecret.txt",
    "/style.css%00.html",
    "/api/index.html",
    "/v1/",
    `/${"long".repeat(70)}.txt`,
    "/..%2fsite-of-others/a.txt",
    "/%252e%252e/secret.txt",
    "/api/..%2f.env",
  ])("%s is 404", async (path) => {
    const response = await shop.get(path);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.text()).not.toContain(SECRET);
  });

  test.each([
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/deep/../../secret.txt",
    "/./../secret.txt",
    "/..\\secret.txt",
    "//../../secret.txt",
  ])("%s sent unnormalised, which no client library does, is refused", async (path) => {
    const response = await sendRaw(shop.url, path);
    expect(response).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(response).not.toContain(SECRET);
  });

  test("PUBLIC_DIR does not hide the shop's own routes", async () => {
    const paths = [
      "/api/shoes/a1",
      "/images/a1.svg",
      "/health",
      "/docs",
      "/docs/json",
      "/problems/not-found",
    ];
    const responses = await Promise.all([...paths, "/favicon.ico"].map((path) => shop.get(path)));
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
    expect((await shop.get("/", { method: "POST" })).status).toBe(405);
  });
});

describe("what editors and patches leave in PUBLIC_DIR is 404:", () => {
  // biome-ignore format: one line reads as one table
  test.each([
    "index.html~", "style.css~", "~", "a.b~", "index.html.bak", "index.bak", "INDEX.BAK", "index.html.old", "index.OLD", "old.old",
    "index.html.orig", "index.html.rej", "index.html.swp", "x.swo", "index.html.tmp", "upload.tmp", "index.html.save", "site.Save",
    "#index.html#", "##", "#a#", "two words.txt~", "app.3f2a91bc.js.bak", "app.3f2a91bc.js~", "ü.html~", "a.tar.gz.old",
    "deep/er/index.html~", "deep/#notes#", "assets/index-DiwrgTda.js.orig", "deep.bak/index.html", "deep.old/er/a.txt",
    "drafts~/index.html",
  ])("%s", async (name) => {
    const file = join(site, name);
    await Bun.write(file, SECRET);
    const path = `/${name.split("/").map(encodeURIComponent).join("/")}`;
    for (const asked of [path, path.replaceAll("~", "%7e"), `${path}?x=1`]) {
      const answer = await shop.get(asked);
      expect([asked, answer.status]).toEqual([asked, 404]);
      expect(await answer.text()).not.toContain(SECRET);
    }
  });

  test("also by a link with another name, and a link with such a name", async () => {
    await Bun.write(join(site, "page.html.bak"), SECRET);
    symlinkSync(join(site, "page.html.bak"), join(site, "page.html"));
    symlinkSync(join(site, "style.css"), join(site, "linked.css~"));
    for (const path of ["/page.html", "/linked.css~"]) expect((await shop.get(path)).status).toBe(404);
  });

  // biome-ignore format: one line reads as one table
  test.each([
    "bak", "old", "a~b", "~a.html", "bak.html", "old.html", "a.bak.html", "a.older", "a.bakx", "a.tmp2", "tmp", "save.txt", "#a",
    "a#", "a#b", "orig.css", "unsaved", "threshold", "swp.js",
  ])("but %s is not one", async (name) => {
    await Bun.write(join(site, name), "x");
    expect((await shop.get(`/${encodeURIComponent(name)}`)).status).toBe(200);
  });
});

test("a changed file has another stamp for its entity tag", async () => {
  const before = await findFile(site, "/style.css");
  utimesSync(join(site, "style.css"), new Date(), new Date(Date.now() + 5_000));
  const after = await findFile(site, "/style.css");
  expect(before?.stamp).toMatch(/^[\w-]+$/);
  expect(after?.stamp).not.toBe(before?.stamp);
});

test.each([
  ["app.3f2a91bc.js", true],
  ["chunk-9f8e7d6c5b4a.css", true],
  ["app.3f2a91bc.js.map", true],
  ["assets/index-DiwrgTda.css", true],
  ["index-DiwrgTda.css", false],
  ["assets/logo-monogram.svg", false],
  ["photo-20240101.jpg", false],
  ["feedface.js", false],
  ["index.html", false],
])("%s holds a hash: %p", async (name, isHashed) => {
  await Bun.write(join(site, name), "x");
  expect((await findFile(site, `/${name}`))?.cacheControl).toBe(isHashed ? IMMUTABLE : REVALIDATED);
});

async function sendRaw(url: string, path: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let received = "";
  await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: (socket) =>
        void socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`),
      data: (_socket, bytes) => {
        received += bytes.toString();
      },
      close: () => resolve(received),
      error: (_socket, thrown) => reject(thrown),
    },
  });
  return promise;
}
