// Responses field by field: shoes, products, related shoes, categories, pictures, health.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestShop, shoe, type TestShop } from "../testing/shop.ts";
import { SCHEMAS } from "./model.ts";

const FULL = shoe("full.1", {
  title: 'Späte "Läufer" <b>',
  description: "Line one.\nLine two & more.",
  brand: "Nørd",
  category: "High Tops",
  color: "Ice Blue",
  gender: "women",
  priceCents: 12_999,
  listPriceCents: 16_000,
  images: ["https://img.example/a.jpg?x=1", "/local/b.png"],
  href: "https://elsewhere.example/p/1",
  sizeSystem: "US",
  sizes: ["10", "9.5", "XL", "9", "S"].map((size, index) => ({ size, stock: index })),
  related: ["bare", "later", "odd"],
});
const BARE = shoe("bare", { title: "Bare", priceCents: 16_000 });
const ODD = shoe("odd", { title: "Odd", priceCents: 1, category: "high tops", href: "/here" });
const CUNNING = shoe("odd", { title: '","images":"/x","href":"/y' });
const SLUG = "spate-laufer-b_full.1";
const BRIEF = ["id", "title", "images", "price", "href"];

let shop: TestShop;
let hosted: TestShop;
beforeAll(async () => {
  shop = await openTestShop([FULL, BARE, ODD]);
  hosted = await openTestShop([FULL, BARE, CUNNING], {
    PUBLIC_URL: "https://shop.example/base/",
    CURRENCY: "EUR",
  });
});
afterAll(async () => {
  await shop.close();
  await hosted.close();
});

type Fields = Record<string, unknown>;
async function data(path: string, target = shop): Promise<Fields> {
  const answer = await target.get(path);
  expect([path, answer.status]).toEqual([path, 200]);
  const body = (await answer.json()) as { success: boolean; data: Fields };
  expect(Object.keys(body)).toEqual(["success", "data"]);
  expect(body.success).toBe(true);
  return body.data;
}

test("a shoe has exactly the fields of the contract, by id and by slug", async () => {
  const found = await data("/api/shoes/full.1");
  expect(await data(`/v1/shoes/${SLUG}`)).toEqual(found);
  expect(Object.keys(found)).toEqual(Object.keys(SCHEMAS.Shoe?.properties));
  const { createdAt, updatedAt, ...rest } = found;
  expect(rest).toEqual({
    id: "full.1",
    slug: SLUG,
    title: 'Späte "Läufer" <b>',
    description: "Line one.\nLine two & more.",
    brand: "Nørd",
    category: "High Tops",
    color: "Ice Blue",
    gender: "women",
    price: 129.99,
    priceCents: 12_999,
    listPrice: 160,
    currency: "USD",
    images: "https://img.example/a.jpg?x=1",
    gallery: ["https://img.example/a.jpg?x=1", "/local/b.png"],
    href: "https://elsewhere.example/p/1",
    stock: 10,
    sizeSystem: "US",
    sizes: [
      ["9", 3],
      ["9.5", 1],
      ["10", 0],
      ["S", 4],
      ["XL", 2],
    ].map(([size, stock]) => ({ size, stock })),
    likes: 0,
  });
  for (const time of [createdAt, updatedAt]) expect(new Date(String(time)).toISOString()).toBe(String(time));
});

test("a shoe without optional fields has a drawn picture, its own address, no sizes and nulls", async () => {
  // biome-ignore format: one line reads as one table
  expect(await data("/api/shoes/bare")).toMatchObject({
    price: 160, listPrice: null, brand: null, category: null, color: null, gender: null, sizeSystem: null, stock: 5, sizes: [],
    images: "/images/bare.svg?v=1", gallery: ["/images/bare.svg?v=1"], href: "/shoes/bare_bare",
  });
  expect(await data("/api/shoes/odd")).toMatchObject({
    price: 0.01,
    priceCents: 1,
    category: "High Tops",
    href: "/here",
  });
});

test("PUBLIC_URL makes paths on this site absolute and nothing else; CURRENCY sets the currency", async () => {
  const base = "https://shop.example/base";
  const full = await data("/api/shoes/full.1", hosted);
  expect(full.gallery).toEqual(["https://img.example/a.jpg?x=1", `${base}/local/b.png`]);
  expect(full).toMatchObject({
    images: "https://img.example/a.jpg?x=1",
    href: "https://elsewhere.example/p/1",
    currency: "EUR",
  });
  const bare = await data("/api/products/bare", hosted);
  expect(bare).toMatchObject({ images: [`${base}/images/bare.svg?v=1`], currency: "EUR" });
  const related = (await (await hosted.get("/api/shoes/full.1/relatedproducts")).json()) as {
    relatedProducts: Fields[];
  };
  expect(related.relatedProducts[0]).toMatchObject({
    images: `${base}/images/bare.svg?v=1`,
    href: `${base}/shoes/bare_bare`,
  });
  expect(related.relatedProducts[1]?.title).toBe(CUNNING.title);
});

test("a product is the same record in the other view", async () => {
  const asShoe = await data("/api/shoes/full.1");
  const product = await data("/api/products/full.1");
  expect(Object.keys(product)).toEqual(Object.keys(SCHEMAS.Product?.properties));
  expect(await data(`/v1/products/${SLUG}`)).toEqual(product);
  for (const name of Object.keys(product).filter((name) => !["name", "images"].includes(name)))
    expect([name, product[name]]).toEqual([name, asShoe[name]]);
  expect([product.name, product.images]).toEqual([asShoe.title, asShoe.gallery]);
});

test("related shoes are an object without envelope, in the given order", async () => {
  const answers = await Promise.all(
    ["/api/shoes/full.1", `/v1/products/${SLUG}`].map((path) => shop.get(`${path}/relatedproducts`)),
  );
  const [body, other] = (await Promise.all(answers.map((answer) => answer.json()))) as [Fields, Fields];
  expect(other).toEqual(body);
  expect(Object.keys(body)).toEqual([...BRIEF, "relatedProducts"]);
  const related = body.relatedProducts as Fields[];
  expect(related.map(({ id }) => id)).toEqual(["bare", "odd"]);
  for (const one of related) expect(Object.keys(one)).toEqual(BRIEF);
  expect(related[0]).toEqual({
    id: "bare",
    title: "Bare",
    images: "/images/bare.svg?v=1",
    price: 160,
    href: "/shoes/bare_bare",
  });
});

test("a list has the same records, and exactly the fields of a page", async () => {
  const body = (await (await shop.get("/api/shoes?limit=3")).json()) as {
    data: Fields[];
    pagination: Fields;
  };
  expect(Object.keys(body)).toEqual(["success", "data", "pagination"]);
  expect(body.pagination).toEqual({ page: 1, limit: 3, total: 3, pages: 1, nextCursor: null });
  expect(body.data).toEqual(
    await Promise.all(["odd", "bare", "full.1"].map((id) => data(`/api/shoes/${id}`))),
  );
  const products = (await (await shop.get("/api/products?sort=name")).json()) as { data: Fields[] };
  expect(products.data).toEqual(
    await Promise.all(["bare", "odd", "full.1"].map((id) => data(`/api/products/${id}`))),
  );
});

test("categories have their counts, spelt as first seen", async () => {
  const body = (await (await shop.get("/v1/categories")).json()) as { data: Fields[] };
  expect(body.data).toEqual([{ name: "High Tops", slug: "high-tops", description: "", count: 2 }]);
});

test("health, liveness and readiness are private and never stored", async () => {
  for (const [path, fields] of [
    ["/health", ["status", "version", "uptimeSeconds", "role", "seq", "lagMs"]],
    ["/livez", ["status"]],
    ["/readyz", ["status"]],
  ] as const) {
    const answer = await shop.get(path);
    expect(answer.status).toBe(200);
    expect(Object.keys((await answer.json()) as Fields)).toEqual([...fields]);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  }
});
