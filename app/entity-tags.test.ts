// Entity tags of the whole shop: another header makes another tag, the same settings the same one, and a 304 names the
// tag that its client holds.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openFolder, openTestShop, shoe, type TestShop } from "./testing/shop.ts";

const PROSE = "Grips wet rock. ".repeat(200);
// Absolute URLs, so that PUBLIC_URL is in no body.
const SHOES = [
  shoe("a", {
    category: "Boots",
    description: PROSE,
    images: ["https://cdn.example/a.jpg"],
    href: "https://maker.example/a",
  }),
];
const PUBLIC = [
  "/api/shoes/a",
  "/v1/products/a",
  "/api/shoes/a/relatedproducts",
  "/api/shoes?sort=name",
  "/api/products?brand=none",
  "/api/categories",
  "/images/a.svg",
  "/images/a.svg?v=1",
];
const PAGES = [
  "/docs",
  "/docs/assets/start.js",
  "/docs/assets/swagger-ui.css",
  "/favicon.ico",
  "/problems/not-found",
];

const folder = openFolder();
let shops: Record<"plain" | "secure" | "secureToo" | "shared" | "storefront" | "secureStorefront", TestShop>;
beforeAll(async () => {
  await Bun.write(`${folder.path}/index.html`, "<h1>Shop</h1>");
  const SECURE = { PUBLIC_URL: "https://shop.example" };
  const open = async (settings: Record<string, string>) => {
    const shop = await openTestShop(SHOES, settings);
    // The same data in every shop.
    await shop.db.write([{ sql: "UPDATE shoes SET created_at = 1, updated_at = 1" }]);
    return shop;
  };
  shops = {
    plain: await open({ PUBLIC_URL: "http://shop.example" }),
    secure: await open(SECURE),
    secureToo: await open(SECURE),
    shared: await open({ PUBLIC_URL: "http://shop.example", CORS_ORIGIN: "https://app.example" }),
    storefront: await open({ PUBLIC_DIR: folder.path }),
    secureStorefront: await open({ ...SECURE, PUBLIC_DIR: folder.path }),
  };
});
afterAll(async () => {
  for (const shop of Object.values(shops)) await shop.close();
  folder.remove();
});

const read = async (shop: TestShop, path: string, headers: Record<string, string> = {}) => {
  const response = await shop.get(path, { headers: { "accept-encoding": "identity", ...headers } });
  return { tag: response.headers.get("etag") ?? "", status: response.status, text: await response.text() };
};

test.each([...PUBLIC, ...PAGES])(
  "%s has another tag behind TLS, whose headers differ, and the same on each node",
  async (path) => {
    const [plain, secure, secureToo] = [
      await read(shops.plain, path),
      await read(shops.secure, path),
      await read(shops.secureToo, path),
    ];
    expect([secure.status, secure.text]).toEqual([
      200,
      plain.text.replaceAll("http://shop.example", "https://shop.example"),
    ]);
    expect(plain.tag).toMatch(/^"[\w.-]+"$/);
    expect(secure.tag).not.toBe(plain.tag);
    expect(secureToo.tag).toBe(secure.tag);
    // What a client or an edge holds from before is sent anew, with the new headers.
    expect((await read(shops.secure, path, { "if-none-match": plain.tag })).status).toBe(200);
    expect((await read(shops.secure, path, { "if-none-match": secure.tag })).status).toBe(304);
  },
);

test("a file of the storefront has another tag behind TLS", async () => {
  const [plain, secure] = [await read(shops.storefront, "/"), await read(shops.secureStorefront, "/")];
  expect(secure.text).toBe(plain.text);
  expect(secure.tag).not.toBe(plain.tag);
});

test("pages have another tag where other origins may read them, and public answers the same", async () => {
  const tags = (path: string) => Promise.all([shops.plain, shops.shared].map((shop) => read(shop, path)));
  for (const path of PAGES) {
    const [plain, shared] = await tags(path);
    expect([path, shared?.tag === plain?.tag]).toEqual([path, false]);
  }
  for (const path of PUBLIC) {
    const [plain, shared] = await tags(path);
    expect([path, shared?.tag]).toEqual([path, plain?.tag as string]);
  }
});

describe.each(["/api/shoes/a", "/v1/products/a", "/api/shoes?sort=name", "/images/a.svg?v=1"])(
  "%s",
  (path) => {
    test.each(["GET", "HEAD"])("%s: a 304 names the tag that the client holds", async (method) => {
      const ask = (accepted: string, known?: string) =>
        shops.plain.get(path, {
          method,
          headers: {
            "accept-encoding": accepted,
            ...(known === undefined ? {} : { "if-none-match": known }),
          },
        });
      const tagOf = async (accepted: string) => {
        // The second request of a shoe may be compressed.
        await (await ask(accepted)).arrayBuffer();
        return (await ask(accepted)).headers.get("etag") ?? "";
      };
      const [identity, gzip] = [await tagOf("identity"), await tagOf("gzip")];
      expect(gzip).toBe(identity.replace(/\.i"$/, '.g"'));
      for (const [known, accepted, named] of [
        [identity, "identity", identity],
        [identity, "gzip", identity],
        [gzip, "identity", gzip],
        [gzip, "gzip", gzip],
        [`W/${gzip}`, "identity", gzip],
        [`"x", ${gzip}`, "identity", gzip],
        [`"x", W/${identity}, "y"`, "gzip", identity],
        [`${gzip}, ${identity}`, "identity", identity],
        [`${identity}, ${gzip}`, "gzip", gzip],
        ["*", "identity", identity],
        ["*", "gzip", gzip],
      ] as const) {
        const response = await ask(accepted, known);
        expect([known, accepted, response.status, response.headers.get("etag")]).toEqual([
          known,
          accepted,
          304,
          named,
        ]);
      }
      for (const known of ['"x"', identity.slice(1, -1), `x${gzip}`, gzip.replace('.g"', '.x"'), ""])
        expect([known, (await ask("gzip", known)).status]).toEqual([known, 200]);
    });
  },
);
