// Writes to the catalogue over HTTP: accepted and refused bodies, and that the writer sees the result at once.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { shoe } from "../../testing/shop.ts";
import { type AdminShop, openAdminShop } from "../../testing/writes.ts";

const FULL = {
  shoe_id: "full",
  title: 'Späte "Läufer" <b>',
  images: ["https://img.example/a.jpg", "/b.png"],
  price: "129.90",
  href: "/somewhere",
  related_products: ["later", "old", "later"],
  description: "Line one.\nLine two 👟",
  brand: "Nørd",
  category: "High Tops",
  color: "Ice",
  gender: "women",
  listPrice: 160,
  sizeSystem: "US",
  currency: "USD",
  sizes: [
    { size: "10", stock: 1 },
    { size: 9.5, stock: 2 },
  ],
  unknownKey: { whatever: [1] },
};

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([
    shoe("old"),
    shoe("other"),
    shoe("kin", { brand: "Nørd" }),
    shoe("changed"),
    shoe("sized", { sizes: [{ size: "9", stock: 3 }] }),
  ]);
});
afterAll(() => shop.close());

const post = (body: unknown, headers: Record<string, string> = {}) =>
  shop.send("POST", "/api/shoes", body, headers);
const get = (path: string) => shop.send("GET", path, undefined, {}, null);

describe("POST /shoes", () => {
  test("answers with the item, its address and its entity tag; names unknown related ids and keeps them", async () => {
    const made = await post(FULL);
    expect(made.status).toBe(201);
    expect(made.body.unknownRelated).toEqual(["later"]);
    expect(made.headers.get("location")).toBe("/api/shoes/full");
    expect(made.headers.get("cache-control")).toBe("private, no-store");
    const found = await get("/api/shoes/full");
    expect(found.body.data).toEqual(made.body.data);
    expect(found.headers.get("etag")).toBe(made.headers.get("etag"));
    expect(found.body.data).toMatchObject({
      title: FULL.title,
      description: FULL.description,
      price: 129.9,
      listPrice: 160,
      images: "https://img.example/a.jpg",
      gallery: FULL.images,
      href: "/somewhere",
      stock: 3,
      sizes: [
        { size: "9.5", stock: 2 },
        { size: "10", stock: 1 },
      ],
      category: "High Tops",
    });
    const before = await get("/api/shoes/full/relatedproducts");
    expect(before.body.relatedProducts.map(({ id }: { id: string }) => id)).toEqual(["old"]);
    expect((await post({ ...FULL, shoe_id: "later", related_products: [] })).status).toBe(201);
    const after = await get("/api/shoes/full/relatedproducts");
    expect(after.body.relatedProducts.map(({ id }: { id: string }) => id)).toEqual(["later", "old"]);
  });

  test("generates an id, computes related shoes at once, and the writer sees the shoe in every list", async () => {
    const { status, body, headers } = await shop.send("POST", "/v1/products", {
      name: "Quokka",
      price: 50,
      category: "Marsupials",
      brand: "Nørd",
      stock: 4,
    });
    expect(status).toBe(201);
    const { id } = body.data;
    expect(headers.get("location")).toBe(`/v1/products/${id}`);
    expect(Object.keys(body)).toEqual(["success", "data"]);
    const sentBack = { "insole-version": headers.get("insole-version") ?? "" };
    for (const path of [
      "/api/shoes",
      "/api/shoes?q=quokka",
      "/api/products?category=marsupials",
      "/api/shoes?ids=old,full",
    ]) {
      const list = await shop.send("GET", path, undefined, sentBack, null);
      const ids = list.body.data.map((item: { id: string }) => item.id);
      if (!path.includes("ids=")) expect([path, ids]).toEqual([path, expect.arrayContaining([id])]);
    }
    const facets = await shop.send("GET", "/api/shoes?facets=true", undefined, sentBack, null);
    expect(facets.body.facets.category).toContainEqual({ value: "Marsupials", count: 1 });
    const related = await get(`/api/shoes/${id}/relatedproducts`);
    expect(related.body.relatedProducts.map((item: { id: string }) => item.id)).toContain("kin");
  });

  const good = { title: "A", price: 1 };
  // biome-ignore format: one line reads as one table
  const REFUSED: [string, unknown, number, string[]][] = [
    ["nothing", {}, 400, ["/title", "/price"]],
    ["no object", [], 400, [""]],
    ["no price", { title: "A" }, 400, ["/price"]],
    ["a free shoe", { ...good, price: 0 }, 400, ["/price"]],
    ["a negative price", { ...good, price: -1 }, 400, ["/price"]],
    ["three decimals", { ...good, price: 1.005 }, 400, ["/price"]],
    ["a sum that only looks right", { ...good, price: 0.1 + 0.2 }, 400, ["/price"]],
    ["three decimals in words", { ...good, price: "1.005" }, 400, ["/price"]],
    ["words for a price", { ...good, price: "cheap" }, 400, ["/price"]],
    ["an endless price", { ...good, price: 1e21 }, 400, ["/price"]],
    ["more than a million", { ...good, price: 1_000_000.01 }, 400, ["/price"]],
    ["a price of no type", { ...good, price: true }, 400, ["/price"]],
    ["another currency", { ...good, currency: "EUR" }, 400, ["/currency"]],
    ["a title that is no text", { ...good, title: 5 }, 400, ["/title"]],
    ["an empty title", { ...good, title: " " }, 400, ["/title"]],
    ["a long title", { ...good, title: "a".repeat(301) }, 400, ["/title"]],
    ["NUL", { ...good, title: "a\u0000b" }, 400, ["/title"]],
    ["half a character", { ...good, description: "a\ud800" }, 400, ["/description"]],
    ["half a character in a label", { ...good, brand: "\udfff" }, 400, ["/brand"]],
    ["an id with a blank", { ...good, shoe_id: "a b" }, 400, ["/shoe_id"]],
    ["a taken id", { ...good, shoe_id: "old" }, 409, ["/shoe_id"]],
    ["a taken slug as id", { ...good, shoe_id: "shoe-old_old" }, 409, ["/shoe_id"]],
    ["a script for a link", { ...good, href: "javascript:alert(1)" }, 400, ["/href"]],
    ["another host as a path", { ...good, images: "//evil.example/a.png" }, 400, ["/images/0"]],
    ["images that are numbers", { ...good, images: [1] }, 400, ["/images"]],
    ["both stock and sizes", { ...good, stock: 1, sizes: [] }, 400, ["/stock"]],
    ["negative stock", { ...good, stock: -1 }, 400, ["/stock"]],
    ["half a pair", { ...good, sizes: [{ size: "9", stock: 0.5 }] }, 400, ["/sizes/0/stock"]],
    ["a size twice", { ...good, sizes: [{ size: "M", stock: 1 }, { size: "m", stock: 1 }] }, 400, ["/sizes/1/size"]],
    ["itself as related", { ...good, shoe_id: "me", related_products: ["me"] }, 400, ["/related_products/0"]],
    ["too many related", { ...good, related_products: Array.from({ length: 101 }, (_, index) => `r${index}`) }, 400, ["/related_products"]],
    ["related that is no id", { ...good, related_products: ["a b"] }, 400, ["/related_products/0"]],
    ["related that is no list", { ...good, related_products: "old" }, 400, ["/related_products"]],
  ];
  test.each(REFUSED)("refuses %s", async (_name, body, status, pointers) => {
    const answer = await post(body);
    expect([answer.status, answer.body]).toEqual([status, expect.anything()]);
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
    if (status === 409) expect(answer.body.detail).toContain("taken");
  });

  test("refuses a body that is not JSON, nested too deeply, or of another type", async () => {
    expect((await post("{")).status).toBe(400);
    expect((await post(`{"title":"a","x":${"[".repeat(50)}${"]".repeat(50)}}`)).status).toBe(400);
    expect((await post({ title: "a" }, { "content-type": "text/plain" })).status).toBe(415);
    expect((await post({ title: "a".repeat(300_000) })).status).toBe(413);
  });

  test("stores hostile texts and returns them unchanged", async () => {
    const text = `'; DROP TABLE shoes; -- "><script>\u202e\u200b👟%00\\ {{7*7}} \u0007`;
    const { status, body } = await post({ ...good, title: text, description: text, brand: text });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({ title: text, description: text });
    expect((await get(`/api/shoes/${body.data.id}`)).body.data).toEqual(body.data);
  });
});

describe("PUT", () => {
  const whole = {
    shoe_id: "put",
    title: "Put",
    images: "/a.png",
    price: 10,
    href: "/x",
    related_products: ["old"],
  };
  beforeAll(() => post({ ...whole, brand: "Stay", sizes: [{ size: "9", stock: 2 }] }));

  test.each(["/api/shoes/update/put", "/v1/shoes/put"])(
    "%s replaces the shoe except for missing optional fields",
    async (path) => {
      const { status, body, headers } = await shop.send("PUT", path, {
        ...whole,
        title: `Put at ${path}`,
        price: 11,
      });
      expect([status, body]).toEqual([204, null]);
      const found = await get("/api/shoes/put");
      expect(found.body.data).toMatchObject({
        title: `Put at ${path}`,
        price: 11,
        brand: "Stay",
        stock: 2,
        images: "/a.png",
      });
      expect(headers.get("etag")).toBe(found.headers.get("etag"));
    },
  );

  test("requires all six fields, and the id of the address", async () => {
    const missing = await shop.send("PUT", "/api/shoes/put", { shoe_id: "put", price: 1 });
    expect(missing.status).toBe(400);
    expect(missing.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      "/title",
      "/images",
      "/href",
      "/related_products",
    ]);
    const other = await shop.send("PUT", "/api/shoes/put", { ...whole, shoe_id: "other" });
    expect([other.status, other.body.errors[0].pointer]).toEqual([400, "/shoe_id"]);
    expect((await shop.send("PUT", "/api/shoes/nobody", { ...whole, shoe_id: "nobody" })).status).toBe(404);
  });

  test("changes only the named fields of a product, and never overwrites sold stock", async () => {
    const { status, body, headers } = await shop.send("PUT", "/api/products/sized", {
      name: "New name",
      price: "7.5",
    });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      name: "New name",
      price: 7.5,
      stock: 3,
      sizes: [{ size: "9", stock: 3 }],
    });
    expect(headers.get("etag")).toBe((await get("/api/products/sized")).headers.get("etag"));
    const total = await shop.send("PUT", "/api/products/sized", { stock: 5 });
    expect([total.status, total.body.errors[0].pointer]).toEqual([400, "/stock"]);
    const resized = await shop.send("PUT", "/api/products/sized", { sizes: [{ size: "8", stock: 1 }] });
    expect(resized.body.data).toMatchObject({ stock: 1, sizes: [{ size: "8", stock: 1 }] });
  });

  test("twelve concurrent changes of different fields are all kept", async () => {
    const fields = [
      "name",
      "description",
      "brand",
      "category",
      "color",
      "gender",
      "sizeSystem",
      "price",
      "listPrice",
      "images",
      "href",
      "related_products",
    ];
    const values: unknown[] = ["N", "D", "B", "C", "O", "G", "S", 3, 4, ["/z.png"], "/h", ["other"]];
    const answers = await Promise.all(
      fields.map((field, index) => shop.send("PUT", "/api/products/changed", { [field]: values[index] })),
    );
    expect(answers.map(({ status }) => status)).toEqual(fields.map(() => 200));
    expect((await get("/api/shoes/changed")).body.data).toMatchObject({
      title: "N",
      description: "D",
      brand: "B",
      category: "C",
      color: "O",
      gender: "G",
      sizeSystem: "S",
      price: 3,
      listPrice: 4,
      images: "/z.png",
      href: "/h",
    });
    const related = await get("/api/shoes/changed/relatedproducts");
    expect(related.body.relatedProducts.map(({ id }: { id: string }) => id)).toEqual(["other"]);
  });
});

describe("If-Match", () => {
  test("compares the version alone, of any view and encoding", async () => {
    await post({ shoe_id: "match", title: "Match", price: 1 });
    const put = (tag: string) =>
      shop.send("PUT", "/api/products/match", { description: tag }, { "if-match": tag });
    expect((await put('"v1.shoe.x.g"')).status).toBe(200);
    expect((await put('"v1.shoe.x.g"')).status).toBe(412);
    expect((await put('"nothing", "v2"')).status).toBe(200);
    expect((await put("*")).status).toBe(200);
    for (const bad of ["v4", '"v44.product"', '""', '"p"'])
      expect([bad, (await put(bad)).status]).toEqual([bad, 412]);
    const remove = (tag: string) => shop.send("DELETE", "/api/shoes/match", undefined, { "if-match": tag });
    expect((await remove('"v3"')).status).toBe(412);
    const stock = await shop.send(
      "PUT",
      "/api/shoes/match/stock",
      { sizes: [{ stock: 1 }] },
      { "if-match": '"v3"' },
    );
    expect(stock.status).toBe(412);
    expect((await remove('"v4.related.1.i"')).status).toBe(204);
  });

  test("lets exactly one of many writes with the same tag succeed", async () => {
    await post({ shoe_id: "race", title: "Race", price: 1 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        shop.send("PUT", "/api/products/race", { description: `${index}` }, { "if-match": '"v1"' }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBe(1);
    expect(answers.filter(({ status }) => status === 412).length).toBe(11);
  });
});

describe("stock", () => {
  test("is set by size and changed by a delta, never below zero, without a new version", async () => {
    await post({
      shoe_id: "stocked",
      title: "Stocked",
      price: 1,
      sizes: [
        { size: "M", stock: 1 },
        { size: "L", stock: 1 },
      ],
    });
    const put = (sizes: unknown) => shop.send("PUT", "/api/shoes/stocked/stock", { sizes });
    const set = await put([{ size: "m", stock: 7 }]);
    expect(set.status).toBe(200);
    expect(set.body.data).toMatchObject({
      stock: 8,
      sizes: [
        { size: "L", stock: 1 },
        { size: "M", stock: 7 },
      ],
    });
    expect(set.headers.get("etag")).toStartWith('"v1.shoe.');
    expect((await get("/api/shoes/stocked")).body.data.stock).toBe(8);
    const move = (body: unknown) => shop.send("POST", "/api/shoes/stocked/stock", body);
    expect((await move({ size: "L", delta: -1 })).body.data.stock).toBe(7);
    const below = await move({ size: "L", delta: -1 });
    expect([below.status, below.body.type]).toEqual([409, "/problems/out-of-stock"]);
    expect((await move({ delta: 1 })).body.errors[0].pointer).toBe("/size");
    expect((await move({ size: "L", delta: 1.5 })).body.errors[0].pointer).toBe("/delta");
    expect((await put([{ size: "XXL", stock: 1 }])).body.errors[0].pointer).toBe("/sizes/0/size");
    expect((await put([])).status).toBe(400);
    expect((await shop.send("PUT", "/api/shoes/nobody/stock", { sizes: [{ stock: 1 }] })).status).toBe(404);
    const list = await get("/api/shoes?q=stocked&inStock=true&size=L");
    expect(list.body.data).toEqual([]);
  });
});

describe("other writes", () => {
  test("a removed shoe is gone everywhere, and its audit rows stay", async () => {
    await post({ shoe_id: "gone", title: "Gone", price: 1 });
    expect((await get("/api/shoes/gone")).status).toBe(200);
    expect((await shop.send("DELETE", "/api/products/gone")).status).toBe(204);
    for (const path of [
      "/api/shoes/gone",
      "/api/products/gone",
      "/api/shoes/gone/relatedproducts",
      "/api/shoes/gone_gone",
    ])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    expect((await shop.send("DELETE", "/api/shoes/gone")).status).toBe(404);
    const audit = shop.db.read.all("SELECT actor, action FROM audit WHERE subject = 'gone' ORDER BY seq");
    expect(audit).toEqual([
      [shop.adminId, "shoe.add"],
      [shop.adminId, "shoe.remove"],
    ]);
    expect((await post({ shoe_id: "gone", title: "Back", price: 1 })).status).toBe(201);
    expect((await get("/api/shoes/gone")).body.data.title).toBe("Back");
  });

  test("categories are added once, by their slug", async () => {
    const { status, body } = await shop.send("POST", "/api/categories", {
      name: "Snow Boots",
      description: "Warm",
    });
    expect([status, body.data]).toEqual([
      201,
      { name: "Snow Boots", slug: "snow-boots", description: "Warm", count: 0 },
    ]);
    const again = await shop.send("POST", "/v1/categories", { name: "snow boots" });
    expect([again.status, again.body.errors[0].pointer]).toEqual([409, "/name"]);
    expect((await get("/api/categories")).body.data).toContainEqual(body.data);
    expect((await shop.send("POST", "/api/categories", { name: " " })).status).toBe(400);
  });

  test("shoes that list each other may be posted in any order", async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `chain${index}`);
    const others = (id: string) => ids.filter((each) => each !== id);
    await Promise.all(
      ids.toReversed().map((id) => post({ shoe_id: id, title: id, price: 5, related_products: others(id) })),
    );
    for (const id of ids) {
      const { body } = await get(`/api/shoes/${id}/relatedproducts`);
      expect(body.relatedProducts.map((item: { id: string }) => item.id)).toEqual(others(id));
    }
  });

  test("only an admin may write", async () => {
    const answer = await shop.send("POST", "/api/shoes", { title: "A", price: 1 }, {}, null);
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  });
});
