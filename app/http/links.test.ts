// Links without user names: every disguise is refused in every field that takes a URL, and an @ elsewhere is no user name.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { shoe } from "../testing/shop.ts";
import { type AdminShop, openAdminShop } from "../testing/writes.ts";
import { isLink } from "./field-kinds.ts";

const RULE = "must be an http(s) URL without a user name, or a path on this site";

const WITH_USER_NAME = [
  "http://ada@a.example",
  "https://ada:secret@a.example/x.jpg",
  "https://:secret@a.example/x.jpg",
  "https://ada:@a.example/x.jpg",
  "https://@a.example/x.jpg",
  "https://:@a.example/x.jpg",
  "https://::@a.example/x.jpg",
  "https://ada@b@a.example/x.jpg",
  "https://ada:se@cret@a.example/x.jpg",
  "https://a%64a:%73ecret@a.example/",
  "https://ada%3Asecret@a.example/",
  "https://ada%40b.example@a.example/",
  "https://ada;secret@a.example/",
  "https://ada&secret=1@a.example/",
  "https://shop.example:443@a.example/",
  "https://shop.example%2f@a.example/",
  "https://shop.example%23@a.example/",
  "https://shop.example%3f@a.example/",
  "https://[::1]@a.example/",
  "https://127.0.0.1@a.example:8080/",
  "https://ada@[::1]:8080/x",
  "https://ada@localhost",
  "https://ada@a.example?x",
  "https://ada@a.example#x",
  "HTTPS://ADA@a.example/",
  "hTTp://ada@a.example/",
  "https://ada\u00e9@a.example/",
  "https://\u{1f45f}@a.example/",
  "https://shop.example\uff0f@a.example/",
  "https://shop.example\u2044@a.example/",
  "https://ada\u200b@a.example/",
  "https://ada@xn--nxasmq6b/",
  "https://ada:secret@a.example@/",
  `https://${"a".repeat(500)}@a.example/`,
];

// What a browser would repair into a user name, or what is no URL at all.
const REPAIRED = [
  "https:ada@a.example/",
  "https:/ada@a.example/",
  "https:///ada@a.example/",
  "https:////ada@a.example/",
  "https:\\\\ada@a.example/",
  "https://shop.example\\@a.example/",
  "//ada@a.example/",
  "\\\\ada@a.example/",
  "/\\ada@a.example/",
  " https://ada@a.example/",
  "https://ada\t@a.example/",
  "https://ada\n@a.example/",
  "https://ada @a.example/",
  "ada@a.example",
  "ada:secret@a.example/",
  "mailto:ada@a.example",
  "https://ada\uff20a.example/",
  "https://ada\ufe6ba.example/",
  "https://ada%40a.example/",
];

const HARMLESS = [
  "https://a.example/@ada",
  "https://a.example/x@2x.jpg",
  "https://a.example/ada:secret@b.example",
  "https://a.example?mail=ada@b.example",
  "https://a.example#@",
  "https://a.example:8080/@x",
  "https://a.example/%40ada",
  "https://a.example/https://ada@b.example/",
  "https://[::1]/@",
  "/@ada",
  "/x@2x.jpg",
  "/https://ada@b.example/",
  "/?u=ada:secret@b.example",
];

test.each([...WITH_USER_NAME, ...REPAIRED])("%j is no link", (url) => expect(isLink(url)).toBe(false));
test.each(HARMLESS)("%j is a link", (url) => expect(isLink(url)).toBe(true));

describe("over HTTP", () => {
  let shop: AdminShop;
  beforeAll(async () => {
    shop = await openAdminShop([shoe("a"), shoe("full", { href: "https://a.example/full" })]);
  });
  afterAll(() => shop.close());

  const URL = "https://ada:secret@a.example/x.jpg";
  const whole = { shoe_id: "a", title: "A", images: [], price: 9, href: null, related_products: [] };
  test.each([
    ["POST", "/api/shoes", { title: "B", price: 9, href: URL }, "/href"],
    ["POST", "/api/shoes", { title: "B", price: 9, images: URL }, "/images/0"],
    ["POST", "/api/shoes", { title: "B", price: 9, images: ["/ok.jpg", URL] }, "/images/1"],
    ["POST", "/api/shoes", { title: "B", price: 9, gallery: ["/ok.jpg", URL] }, "/gallery/1"],
    ["POST", "/v1/products", { name: "B", price: 9, images: [URL] }, "/images/0"],
    ["POST", "/v1/products", { name: "B", price: 9, href: URL }, "/href"],
    ["PUT", "/api/shoes/a", { ...whole, href: URL }, "/href"],
    ["PUT", "/api/shoes/a", { ...whole, images: [URL] }, "/images/0"],
    ["PUT", "/v1/shoes/update/a", { ...whole, images: URL }, "/images/0"],
    ["PUT", "/api/products/a", { href: URL }, "/href"],
    ["PUT", "/api/products/a", { gallery: [URL] }, "/gallery/0"],
  ])("%s %s %j is 400 at %s", async (method, path, body, pointer) => {
    const before = shop.db.read.all("SELECT shoe_id, version FROM shoes ORDER BY id");
    const refused = await shop.send(method, path, body);
    expect([refused.status, refused.body.errors]).toEqual([400, [{ pointer, detail: RULE }]]);
    expect(JSON.stringify(refused.body)).not.toContain("secret");
    expect(shop.db.read.all("SELECT shoe_id, version FROM shoes ORDER BY id")).toEqual(before);
  });

  test("a link with an @ elsewhere is stored as it is", async () => {
    for (const href of HARMLESS) {
      expect((await shop.send("PUT", "/api/products/full", { href })).status).toBe(200);
      expect((await shop.send("GET", "/api/shoes/full")).body.data.href).toBe(href);
    }
  });
});
