// Converting rows into drafts by the names of their columns, and refusing invalid ones.
import { describe, expect, test } from "bun:test";
import { type Mapping, readMapping, recogniseColumns } from "./columns.ts";
import { identityOf } from "./identity.ts";
import { readRate } from "./money.ts";
import { convertRow } from "./row.ts";
import type { Cells } from "./rows.ts";

const money = { currency: "USD", rates: new Map([readRate("EUR=1.08")]) };

function convert(cells: Cells, mapping: Mapping = {}) {
  const columns = recogniseColumns(Object.keys(cells), mapping);
  return convertRow(cells, columns, identityOf(cells, columns), money, null);
}

function draftOf(cells: Cells, mapping?: Mapping) {
  const converted = convert(cells, mapping);
  if ("refusal" in converted) throw new Error(JSON.stringify(converted.refusal));
  return converted.draft;
}

test.each([
  ["Link", "/href"],
  ["Image Src", "/images"],
])("a row whose %s has a user name is refused by its field", (column, field) => {
  const cells = { title: "A", price: "5", id: "a", [column]: "https://ada:secret@a.example/1.jpg" };
  expect(convert(cells)).toEqual({
    refusal: { field, reason: "has a URL with a user name or password" },
  });
});

describe("columns", () => {
  test("every field is found by its common names in any spelling", () => {
    const draft = draftOf({
      "Product-ID": "A1",
      "Product Name": "Runner",
      "Body (HTML)": "<p>Soft</p>",
      Vendor: "Acme",
      Type: "Trainers",
      COLOUR: "Red",
      department: "Women's",
      MSRP: "100",
      Selling_Price: "80",
      "Image Src": "a.example/1.jpg",
      gallery: "a.example/2.jpg|a.example/1.jpg",
      Link: "shop.example/a1",
      "Size System": "EU",
      Sizes: "40|41",
      Qty: "4",
      related_products: "A2, A1 A3",
    });
    expect(draft).toEqual({
      shoeId: "A1",
      title: "Runner",
      description: "<p>Soft</p>",
      brand: "Acme",
      category: "Trainers",
      color: "Red",
      gender: "women",
      priceCents: 8000,
      listPriceCents: 10000,
      images: ["https://a.example/1.jpg", "https://a.example/2.jpg"],
      href: "https://shop.example/a1",
      sizeSystem: "EU",
      sizes: [
        { size: "40", stock: 2 },
        { size: "41", stock: 2 },
      ],
      related: ["A2", "A3"],
    });
  });

  test("a mapping has priority over common names, null disables a field", () => {
    const mapping = readMapping('{"title": "Produktname", "price": ["Preis"], "brand": null}');
    const draft = draftOf({ Produktname: "Läufer", Preis: "1.234,50 €", name: "no", brand: "no" }, mapping);
    expect(draft).toMatchObject({ title: "Läufer", priceCents: 133326, brand: null });
  });

  test.each(["[]", "3", '{"colour": "x"}', '{"title": 3}', "{"])("%s is not a mapping", (text) =>
    expect(() => readMapping(text)).toThrow(),
  );
});

describe("prices", () => {
  const rows: [cells: Cells, priceCents: number, listPriceCents: number | null][] = [
    [{ "Listing Price": 0, "Sale Price": 80 }, 8000, null],
    [{ "Listing Price": "100", "Sale Price": "0" }, 10000, null],
    [{ "Listing Price": "100", "Sale Price": "80" }, 8000, 10000],
    [{ "Listing Price": "80", "Sale Price": "80" }, 8000, null],
    [{ price: "1,400", price_drop: null }, 140000, null],
    [{ price: "1,400", price_drop: "980" }, 98000, 140000],
    [{ price: 80, original_price: "$100", discount: "50%" }, 8000, 10000],
    [{ price: { amount: 10, currency: "EUR" } }, 1080, null],
    [{ price: "10", currency: "EUR" }, 1080, null],
  ];
  test.each(rows)("%j", (cells, priceCents, listPriceCents) =>
    expect(draftOf({ name: "x", ...cells })).toMatchObject({ priceCents, listPriceCents }),
  );
});

describe("names", () => {
  test("name and model make the title where there is no brand column", () => {
    const draft = draftOf({ "": 0, name: "Asics", model: " Gel-Lyte ", price: 1 });
    expect(draft).toMatchObject({ title: "Asics Gel-Lyte", brand: "Asics" });
    expect(draft.shoeId).toMatch(/^asics-gel-lyte-[0-9a-f]{10}$/);
  });

  test("a title that is only the brand is completed from the URL", () => {
    const url = "https://m.example/products/Tod%27s-T-logo-boots%09-1541102";
    expect(draftOf({ title: "Tod's", url, price: 1 })).toMatchObject({
      title: "Tod's T logo boots",
      brand: "Tod's",
    });
    expect(draftOf({ title: "Other", url, price: 1 })).toMatchObject({ title: "Other", brand: null });
  });

  test("a repeated word of a brand is removed, unless the brand is two equal words", () => {
    expect(draftOf({ name: "x", price: 1, brand: "Adidas Adidas ORIGINALS" }).brand).toBe("Adidas ORIGINALS");
    expect(draftOf({ name: "x", price: 1, brand: "Miu Miu" }).brand).toBe("Miu Miu");
  });

  test("breadcrumbs give the gender, and the category where there is none", () => {
    const cells = { name: "x", price: 1, breadcrumbs: "Women/Shoes" };
    expect(draftOf(cells)).toMatchObject({ gender: "women", category: "Shoes" });
    expect(draftOf({ ...cells, breadcrumbs: "Originals/Shoes", category: "Boots" })).toMatchObject({
      gender: null,
      category: "Boots",
    });
  });

  test("markup in a title is text", () =>
    expect(draftOf({ name: "<img src=x onerror=alert(1)>", price: 1 }).title).toBe(
      "<img src=x onerror=alert(1)>",
    ));
});

describe("ids", () => {
  const idOf = (cells: Cells) => draftOf({ name: "Run", price: 1, ...cells }).shoeId;

  test("a valid id is kept, another one is cleaned and gets a hash that makes it unique", () => {
    expect(idOf({ sku: "CI2668-004" })).toBe("CI2668-004");
    expect(idOf({ sku: "a/b" })).toMatch(/^a-b-[0-9a-f]{10}$/);
    expect(idOf({ sku: "a/b" })).not.toBe(idOf({ sku: "a b" }));
    expect(idOf({ sku: "x".repeat(65) })).toHaveLength(64);
    expect(idOf({ sku: "鞋" })).toMatch(/^[0-9a-f]{10}$/);
  });

  test("a URL gives its last segment, with a hash where that is not distinctive", () => {
    expect(idOf({ url: "https://a.example/shoes/Run-Fast-100.html" })).toBe("Run-Fast-100");
    expect(idOf({ url: "https://a.example/shoes/1" })).not.toBe(idOf({ url: "https://a.example/boots/1" }));
    expect(idOf({ url: "https://a.example/product?id=1" })).not.toBe(
      idOf({ url: "https://a.example/product?id=2" }),
    );
  });

  test("a row without id and URL is identified by its values except index, size, stock and colour", () => {
    const cells = { index: 1, size: "7", stock: 1, color: "red" };
    expect(idOf(cells)).toBe(idOf({ index: 2, size: "8", stock: 2, color: "blue" }));
    expect(idOf(cells)).not.toBe(idOf({ ...cells, description: "other" }));
  });
});

describe("refusals", () => {
  const rows: [cells: Cells, field: string][] = [
    [{ name: "" }, "/title"],
    [{ price: "" }, "/price"],
    [{ price: 0 }, "/price"],
    [{ price: "£10" }, "/price"],
    [{ price: "free" }, "/price"],
    [{ price: 10_000_000 }, "/price"],
    [{ price: 1, msrp: "x" }, "/listPrice"],
    [{ image: "javascript:alert(1)" }, "/images"],
    [{ url: "javascript:alert(1)" }, "/href"],
    [{ sizes: "7", stock: "many" }, "/sizes"],
    [{ name: "x".repeat(301) }, "/title"],
    [{ name: "\ud800" }, "/title"],
  ];
  test.each(rows)("%j", (cells, field) => {
    const converted = convert({ name: "x", price: 1, ...cells });
    expect(converted).toMatchObject({ refusal: { field, reason: expect.any(String) as string } });
  });
});
